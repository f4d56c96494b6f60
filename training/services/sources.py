"""Reading the templates that an evaluation compares, and making those that are missing."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from faceplatform.core import jobs, storage
from faceplatform.core.errors import DomainError
from recognition.models import FaceImage, FaceState, ImportItem, ItemStatus, ModelVersion
from recognition.selectors.embeddings import templates_of_faces
from recognition.services.faces import SAME_FACE_IOU, box_of
from recognition.services.vision import analyse_images, read_photo
from recognition.vision.types import AnalysedFace, Floats
from training.models import Evaluation
from training.selectors.faces import owners_of

_BATCH = 16


@dataclass(frozen=True, slots=True, eq=False)
class Faces:
    """Templates, float32 (N, d), by face and person. `failures` are images without a template."""

    faces: tuple[uuid.UUID, ...]
    owners: tuple[uuid.UUID, ...]
    embeddings: Floats
    failures: int


def read_faces(
    evaluation: Evaluation, context: jobs.JobContext, *, version: ModelVersion | None = None
) -> Faces:
    """Return the faces of the evaluation with their templates, under its model or `version`.

    Faces without a stored template of this model are looked for in their photos again. Images in
    which none is found, and images that could not be enrolled, are counted as failures.
    """
    version = version or evaluation.model_version
    owners = owners_of(evaluation)
    stored = templates_of_faces(list(owners), version)
    vectors = dict(zip(stored.faces, stored.embeddings, strict=True))
    missing = [face for face in owners if face not in vectors]
    if missing:
        context.log(f"{len(missing):,} images have no template of {version.name} yet")
        vectors |= embed_faces(missing, version, context)
    faces = tuple(face for face in owners if face in vectors)
    empty = np.empty((0, version.dimension), np.float32)
    return Faces(
        faces=faces,
        owners=tuple(owners[face] for face in faces),
        embeddings=np.stack([vectors[face] for face in faces]) if faces else empty,
        failures=len(owners) - len(faces) + _never_enrolled(evaluation),
    )


def embed_faces(
    faces: Sequence[uuid.UUID], version: ModelVersion, context: jobs.JobContext
) -> dict[uuid.UUID, Floats]:
    """Embed stored faces under another model: found again in their photos by the stored box."""
    found: dict[uuid.UUID, Floats] = {}
    for start in range(0, len(faces), _BATCH):
        context.progress(start, len(faces), f"reading photos with {version.name}")
        rows = FaceImage.objects.filter(pk__in=faces[start : start + _BATCH])
        found |= _embed_batch(list(rows.select_related("photo")), version)
    return found


def _embed_batch(rows: list[FaceImage], version: ModelVersion) -> dict[uuid.UUID, Floats]:
    images, readable = [], []
    for row in rows:
        try:
            data = storage.open_photo(row.organization_id, row.photo.sha256)
            images.append(read_photo(data))
        except (FileNotFoundError, DomainError):
            continue  # a photo that is gone or broken is a failure to enroll
        readable.append(row)
    found = {}
    for row, analysed in zip(readable, analyse_images(images, version=version), strict=True):
        vector = _same_face(row, analysed)
        if vector is not None:
            found[row.pk] = vector
    return found


def _same_face(row: FaceImage, analysed: tuple[AnalysedFace, ...]) -> Floats | None:
    """Return the embedding of the face that lies where the stored one does."""
    wanted = box_of(row)
    best = max(analysed, key=lambda one: one.face.box.iou(wanted), default=None)
    if best is None or best.face.box.iou(wanted) <= SAME_FACE_IOU:
        return None
    return best.embedding


def _never_enrolled(evaluation: Evaluation) -> int:
    """Count images that were brought to the gallery and are not enrolled in it."""
    if evaluation.gallery_id is None:
        return 0
    gallery = {"gallery_id": evaluation.gallery_id}
    waiting = FaceImage.objects.filter(state=FaceState.QUARANTINED, **gallery).count()
    refused = ImportItem.objects.filter(
        run__gallery_id=evaluation.gallery_id, status=ItemStatus.FAILED
    ).count()
    return waiting + refused
