"""Who else looks like a stored image."""

from dataclasses import dataclass

from faceplatform.core.errors import Conflict
from recognition.models import FaceImage, Identity, ScoreKind
from recognition.selectors import templates
from recognition.selectors.answers import CandidateInfo
from recognition.selectors.score_kinds import scoring_of
from recognition.selectors.thresholds import (
    ThresholdInfo,
    basis_of,
    threshold_for_size,
    threshold_of,
)

READ = 400


@dataclass(frozen=True, slots=True)
class Resembling:
    """The nearest people to a stored image, without the person it is filed under, best first.

    `own` is that person's nearest other image with its score, None where there is none.
    """

    face: FaceImage
    own: CandidateInfo | None
    people: tuple[CandidateInfo, ...]
    threshold: ThresholdInfo


def resembling(face: FaceImage, *, top: int) -> Resembling:
    """Search the gallery of a stored image for those who look like it.

    Raises Conflict `gallery_not_searchable`, or `not_embedded` for an image without a template.
    """
    gallery = face.gallery
    if not gallery.searchable:
        raise Conflict("gallery_not_searchable", "This gallery is closed to searches.")
    embedding = templates.embedding_of(face)
    if embedding is None:
        raise Conflict("not_embedded", "This image has no embedding under the gallery's model.")
    threshold = (
        threshold_of(gallery)
        if scoring_of(gallery).plain
        else threshold_for_size(gallery, basis_of(gallery), ScoreKind.RAW)  # cosines are compared
    )
    near = templates.nearest(gallery, embedding, limit=READ)
    if face.identity_id is not None:
        near += templates.of_identity(gallery, face.identity_id, embedding)
    scores = {match.face_id: match.score for match in near if match.face_id != face.pk}
    rows = FaceImage.objects.filter(pk__in=scores, identity__isnull=False).select_related(
        "identity", "photo"
    )
    best: dict[object, CandidateInfo] = {}
    for row in sorted(rows, key=lambda row: (-scores[row.pk], row.pk)):
        identity: Identity | None = row.identity
        if identity is not None and identity.pk not in best:
            score = scores[row.pk]
            best[identity.pk] = CandidateInfo(identity, score, score >= threshold.value, row)
    own = best.pop(face.identity_id, None)
    return Resembling(face, own, tuple(best.values())[:top], threshold)
