"""Images that wait for a person's decision, and what helps to decide."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Case, IntegerField, Q, QuerySet, Value, When

from faceplatform.core.models.scoped import Asks
from recognition.models import FaceImage, FaceState, Gallery, Identity, ReviewDecision

BESIDE = 6
"""Images of a person that are shown beside the one in question."""
OPEN_REMARKS = ("possible_duplicate", "reported_wrong")
"""Remarks on searchable images that ask for a decision."""


@dataclass(frozen=True, slots=True)
class PersonBeside:
    """Somebody the image may be of: their best images and the score of the nearest, if known."""

    identity: Identity
    images: int
    faces: tuple[FaceImage, ...]
    score: float | None


@dataclass(frozen=True, slots=True)
class ReviewCase:
    """One image in question, the person it is filed under, and the person it looks like."""

    face: FaceImage
    claimed: PersonBeside | None
    other: PersonBeside | None
    low_match: float | None
    threshold: float | None


def review_queue(
    principal: Asks, *, gallery: Gallery | None = None, identity: Identity | None = None
) -> "QuerySet[FaceImage]":
    """Return images that wait: held back ones first, then open remarks; by person, oldest first."""
    waiting = Q(state=FaceState.QUARANTINED) | Q(state=FaceState.ENROLLED, reason__in=OPEN_REMARKS)
    rows = FaceImage.objects.visible_to(principal).filter(waiting, identity__isnull=False)
    if gallery is not None:
        rows = rows.filter(gallery=gallery)
    if identity is not None:
        rows = rows.filter(identity=identity)
    held_first = Case(
        When(state=FaceState.QUARANTINED, then=Value(0)),
        default=Value(1),
        output_field=IntegerField(),
    )
    return rows.select_related("identity", "gallery__model_version", "photo").order_by(
        held_first, "gallery_id", "identity_id", "pk"
    )


def case_of(face: FaceImage) -> ReviewCase:
    """Return what helps to decide about one image.

    Somebody else is named only where the image reaches the low-match score against them.
    """
    evidence: dict[str, Any] = face.evidence
    other = _identity(face, evidence.get("other_identity")) if _resembles(evidence) else None
    return ReviewCase(
        face=face,
        claimed=_beside(face.identity, face, evidence.get("own")),
        other=_beside(other, face, evidence.get("other")),
        low_match=evidence.get("low_match"),
        threshold=evidence.get("threshold"),
    )


def last_decision(principal: Asks, user_id: int | None) -> ReviewDecision | None:
    """Return the newest decision of this person that can still be undone."""
    found: ReviewDecision | None = (
        ReviewDecision.objects.visible_to(principal)
        .filter(created_by_id=user_id, undone_at=None)
        .select_related("face", "identity_after")
        .order_by("-pk")
        .first()
    )
    return found


def _resembles(evidence: dict[str, Any]) -> bool:
    other = evidence.get("other")
    return other is not None and other >= min(evidence["low_match"], evidence["threshold"])


def _identity(face: FaceImage, pk: str | None) -> Identity | None:
    if pk is None:
        return None
    found: Identity | None = Identity.objects.filter(pk=pk, gallery_id=face.gallery_id).first()
    return found


def _beside(identity: Identity | None, face: FaceImage, score: float | None) -> PersonBeside | None:
    if identity is None:
        return None
    enrolled = identity.faces.filter(state=FaceState.ENROLLED).exclude(pk=face.pk)
    return PersonBeside(
        identity=identity,
        images=enrolled.count(),
        faces=tuple(enrolled.select_related("photo").order_by("-quality", "pk")[:BESIDE]),
        score=score,
    )
