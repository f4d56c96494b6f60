"""Findings that still hold."""

from dataclasses import dataclass

from django.db.models import Count, F, Q, QuerySet

from recognition.models import (
    FaceState,
    FindingKind,
    Gallery,
    HygieneFinding,
    HygieneRun,
)


@dataclass(frozen=True, slots=True)
class KindCount:
    """A kind of finding and how many are open."""

    kind: str
    word: str
    count: int


def findings_of(
    gallery: Gallery, *, kind: str = "", dismissed: bool = False
) -> "QuerySet[HygieneFinding]":
    """Return findings that still hold, the worst first: nothing happened to their images since."""
    rows = HygieneFinding.objects.filter(
        gallery=gallery,
        dismissed_at__isnull=not dismissed,
        face__state=FaceState.ENROLLED,
        face__identity_id=F("identity_id"),
    ).filter(Q(other=None) | Q(other__state=FaceState.ENROLLED))
    # One person under two names is settled when both images belong to one person.
    rows = rows.exclude(kind=FindingKind.LOOK_ALIKE, other__identity_id=F("face__identity_id"))
    if kind:
        rows = rows.filter(kind=kind)
    return rows.select_related(
        "face__identity", "face__photo", "other__identity", "other__photo"
    ).order_by("-severity", "pk")


def finding_counts(gallery: Gallery) -> list[KindCount]:
    """Return every kind with the number of its open findings."""
    counts = dict(findings_of(gallery).order_by().values_list("kind").annotate(number=Count("pk")))
    return [
        KindCount(kind=kind.value, word=str(kind.label), count=counts.get(kind.value, 0))
        for kind in FindingKind
    ]


def latest_run(gallery: Gallery) -> HygieneRun | None:
    """Return the newest look through the gallery, with its job."""
    found: HygieneRun | None = (
        HygieneRun.objects.filter(gallery=gallery).select_related("job").order_by("-pk").first()
    )
    return found
