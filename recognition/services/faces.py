"""Writing one face with its template."""

from collections.abc import Iterable, Sequence
from typing import Any

from faceplatform.core.errors import Conflict
from recognition.models import FaceImage, FaceState, FaceTemplate, Gallery, Identity, Photo
from recognition.selectors.score_kinds import components_of
from recognition.services.cohorts import store_norms
from recognition.services.protection import UNJUDGED, Judgement, may_be_searched
from recognition.vision.types import AnalysedFace, Box, Floats

SAME_FACE_IOU = 0.5


def store_face(
    *,
    gallery: Gallery,
    identity: Identity | None,
    photo: Photo,
    analysed: AnalysedFace,
    detector: str,
    path: str,
    judgement: Judgement = UNJUDGED,
    matchable: bool | None = None,
) -> FaceImage:
    """Store a face of a stored photo and, if it was embedded, its template.

    Call it in the transaction that holds the person's row and the lock on the photo's bytes, after
    `find_same_face`. `matchable` is the person's, if it was read while the row was held.
    """
    face = FaceImage.objects.create(
        organization_id=gallery.organization_id,
        gallery=gallery,
        identity=identity,
        photo=photo,
        path=path[:1024],
        state=judgement.state,
        reason=judgement.reason,
        evidence=judgement.evidence,
        **face_fields(analysed, detector),
    )
    if analysed.embedding is not None:
        embeddings = (analysed.embedding, *analysed.more)
        store_templates(face, embeddings, gallery=gallery, matchable=matchable)
    return face


def store_templates(
    face: FaceImage,
    embeddings: Sequence[Floats],
    *,
    gallery: Gallery,
    matchable: bool | None = None,
) -> None:
    """Store a face's templates, one per component version, with their cohort statistics.

    Raises Conflict `model_changed` where the gallery got another model since the face was embedded.
    """
    now = Gallery.objects.filter(pk=gallery.pk).values_list("model_version_id", flat=True).first()
    if now is not None and now != gallery.model_version_id:
        raise Conflict("model_changed", "The gallery got another model meanwhile; try again.")
    if matchable is None:
        searchable = may_be_searched(face.state, face.identity_id)
    else:
        searchable = matchable and face.state == FaceState.ENROLLED
    versions = [gallery.model_version]
    if len(embeddings) > 1:
        versions = list(components_of(gallery))
    created = FaceTemplate.objects.bulk_create(
        FaceTemplate(
            organization_id=gallery.organization_id,
            gallery=gallery,
            face=face,
            model_version=version,
            dimension=len(embedding),
            embedding=embedding,
            searchable=searchable,
        )
        for version, embedding in zip(versions, embeddings, strict=False)
    )
    store_norms(gallery, created)


def find_same_face(*, gallery: Gallery, photo_sha256: str, box: Box) -> FaceImage | None:
    """Return the face of these bytes in this gallery that overlaps the box by more than half."""
    return same_face(faces_of_bytes(gallery, [photo_sha256]), box)


def faces_of_bytes(gallery: Gallery, sha256: Sequence[str]) -> list[FaceImage]:
    """Return the faces of a gallery whose photos have these bytes, with photo and person."""
    faces = FaceImage.objects.filter(gallery=gallery, photo__sha256__in=sha256)
    return list(faces.select_related("identity", "photo"))


def same_face(faces: Iterable[FaceImage], box: Box) -> FaceImage | None:
    """Return the first of these faces of one photo that overlaps the box by more than half."""
    return next((face for face in faces if box_of(face).iou(box) > SAME_FACE_IOU), None)


def box_of(face: Any) -> Box:
    """Return the box of a row with detected-face fields."""
    return Box(face.x1, face.y1, face.x2, face.y2)


def face_fields(analysed: AnalysedFace, detector: str) -> dict[str, Any]:
    """Return the columns that `FaceImage` and `ProbeFace` share."""
    found = analysed.face
    quality = found.quality
    return {
        "x1": found.box.x1,
        "y1": found.box.y1,
        "x2": found.box.x2,
        "y2": found.box.y2,
        "landmarks": [float(value) for value in found.landmarks.reshape(-1)],
        "detection_score": float(found.probability),
        "quality": float(quality.score),
        "quality_parts": {
            "detection": round(float(quality.detection), 4),
            "eye_distance": round(float(quality.eye_distance), 1),
            "sharpness": round(float(quality.sharpness), 4),
            "brightness": round(float(quality.brightness), 3),
            "contrast": round(float(quality.contrast), 3),
            "yaw": round(float(quality.yaw), 1),
            "roll": round(float(quality.roll), 1),
        },
        "detector": detector,
    }
