"""Lists of what was asked, and the people among similar images."""

from dataclasses import dataclass
from uuid import UUID

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Count, Q, QuerySet

from faceplatform.core.models.scoped import Asks
from recognition.models import Decision, Gallery, Probe, ProbeFace


@dataclass(frozen=True, slots=True)
class SimilarIdentity:
    """A person among similar images, and with how many of them."""

    pk: UUID
    name: str
    images: int


def recent_probes(
    principal: Asks, *, gallery: Gallery | None = None, reported: bool = False
) -> "QuerySet[Probe]":
    """Return probes, newest first, with `face_count`, counts per decision and `names`.

    `reported` leaves those of which somebody said that they are wrong.
    """
    identified = Q(faces__decision=Decision.IDENTIFIED)
    found = Probe.objects.visible_to(principal).annotate(
        face_count=Count("faces"),
        identified_count=Count("faces", filter=identified),
        unknown_count=Count("faces", filter=Q(faces__decision=Decision.UNKNOWN)),
        names=ArrayAgg(
            "faces__identity__name",
            filter=identified & Q(faces__identity__isnull=False),
            distinct=True,
        ),
    )
    if reported:
        wrong = ProbeFace.objects.filter(reported_at__isnull=False).values("probe_id")
        found = found.filter(pk__in=wrong)
    if gallery is not None:
        found = found.filter(gallery=gallery)
    return found.select_related("gallery").order_by("-pk")


def similar_identities(face: ProbeFace) -> tuple[SimilarIdentity, ...]:
    """Return the people among a face's similar images, most images first."""
    rows = (
        face.matches.filter(similar=True, face__identity__isnull=False)
        .order_by()
        .values_list("face__identity_id", "face__identity__name")
        .annotate(images=Count("pk"))
        .order_by("-images", "face__identity__name")
    )
    return tuple(SimilarIdentity(pk=row[0], name=row[1], images=row[2]) for row in rows)
