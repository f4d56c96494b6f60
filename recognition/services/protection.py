"""Keeping wrong images out of a gallery: what is known about an image before it is searched."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from recognition.models import FaceImage, FaceState, FaceTemplate, Gallery, Identity
from recognition.refusals import refusals
from recognition.selectors import templates
from recognition.selectors.calibrations import calibration_of_version
from recognition.selectors.thresholds import cosine_threshold
from recognition.vision.hygiene import QUARANTINING, STRANGERS_PASS, judge
from recognition.vision.types import Floats

NEAREST = 20


@dataclass(frozen=True, slots=True)
class Judgement:
    """The state a new image gets, the code of its reason and the scores behind it.

    `evidence` has `own` and `other` (best scores, or None), `own_images`, `other_identity` (id or
    None), `low_match` and `threshold`.
    """

    state: FaceState = FaceState.ENROLLED
    reason: str = ""
    evidence: dict[str, Any] = field(default_factory=dict)


UNJUDGED = Judgement()


def judge_face(
    *,
    gallery: Gallery,
    identity: Identity,
    embedding: Floats | None,
    threshold: float | None = None,
) -> Judgement:
    """Compare a new face with the person's enrolled images and with everybody else's.

    A person's own images count whether or not searches may find them: somebody without a consent
    that holds is protected from wrong images as well. Others are those who may be found. Call it
    inside the transaction that holds the person's row, before the face is stored. `threshold` is
    the gallery's for cosines, for who judges many faces and has read it.
    """
    if embedding is None:
        return Judgement()
    own = templates.of_enrolled(gallery, identity.pk, embedding)
    other_score, other_id = _best_other(gallery, identity, embedding)
    if threshold is None:
        threshold = cosine_threshold(gallery)
    low_match = low_match_of(gallery, images=len(own))
    own_score = own[0].score if own else None
    reason = judge(own_score, other_score, low_match=low_match, threshold=threshold)
    evidence = {
        "own": _rounded(own_score),
        "own_images": len(own),
        "other": _rounded(other_score),
        "other_identity": str(other_id) if other_id else None,
        "low_match": _rounded(low_match),
        "threshold": _rounded(threshold),
    }
    state = FaceState.QUARANTINED if reason in QUARANTINING else FaceState.ENROLLED
    return Judgement(state=state, reason=reason, evidence=evidence)


def low_match_of(gallery: Gallery, *, images: int) -> float:
    """Return the score that about 1 stranger in 100 reaches against one of so many images."""
    with refusals():
        calibration = calibration_of_version(gallery.model_version)
        return calibration.threshold_for(images, fpir=STRANGERS_PASS).score


def may_be_searched(state: str, identity_id: UUID | None) -> bool:
    """Whether searches may find a face of this state and person.

    Call it while the person's row is held: who takes a consent back waits for the holders.
    """
    if state != FaceState.ENROLLED:
        return False
    if identity_id is None:
        return True
    return Identity.objects.filter(pk=identity_id, matchable=True).exists()


def set_searchable(face: FaceImage) -> None:
    """Make the face's templates searchable exactly when its state and person say so."""
    searchable = may_be_searched(face.state, face.identity_id)
    FaceTemplate.objects.filter(face=face).update(searchable=searchable)


def _best_other(
    gallery: Gallery, identity: Identity, embedding: Floats
) -> tuple[float | None, UUID | None]:
    """Return the best score of somebody else among the nearest images, and who that is.

    Where the nearest images are all the person's own, nobody else scores above them.
    """
    near = templates.nearest(gallery, embedding, limit=NEAREST)
    owners = dict(
        FaceImage.objects.filter(pk__in=[match.face_id for match in near]).values_list(
            "pk", "identity_id"
        )
    )
    for match in near:
        owner = owners.get(match.face_id)
        if owner is not None and owner != identity.pk:
            return match.score, owner
    return None, None


def _rounded(score: float | None) -> float | None:
    return None if score is None else round(score, 3)
