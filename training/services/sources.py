"""Reading the templates that an evaluation compares, and making those that are missing."""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from faceplatform.core import jobs, storage
from faceplatform.core.errors import DomainError
from recognition.models import FaceImage, FaceState, ImportItem, ItemStatus, ModelVersion
from recognition.selectors.embeddings import templates_of_faces
from recognition.services.faces import SAME_FACE_IOU, box_of
from recognition.services.vision import analyse_images, main_face, read_photo
from recognition.vision.types import AnalysedFace, Box, DecodedImage, Floats
from training.models import Evaluation, InputKind
from training.selectors.faces import owners_of

MARGIN = 1.5
"""Side of a pre-cropped face, as a multiple of the longer side of the detected box."""
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

    Faces without a stored template of this model are looked for in their photos again. A dataset
    of pre-cropped faces has every face cut out of its photo, and the cut-out goes through detector
    and network as if it were all there was. Images in which no face is found, and images that
    could not be enrolled, are counted as failures.
    """
    version = version or evaluation.model_version
    owners = owners_of(evaluation)
    if evaluation.input_kind == InputKind.CROP:
        context.log(f"{len(owners):,} faces are cut out of their photos")
        vectors = embed_faces(list(owners), version, context, _embed_cut_outs)
    else:
        stored = templates_of_faces(list(owners), version)
        vectors = dict(zip(stored.faces, stored.embeddings, strict=True))
        missing = [face for face in owners if face not in vectors]
        if missing:
            context.log(f"{len(missing):,} images have no template of {version.name} yet")
            vectors |= embed_faces(missing, version, context, _embed_photos)
    faces = tuple(face for face in owners if face in vectors)
    empty = np.empty((0, version.dimension), np.float32)
    return Faces(
        faces=faces,
        owners=tuple(owners[face] for face in faces),
        embeddings=np.stack([vectors[face] for face in faces]) if faces else empty,
        failures=len(owners) - len(faces) + _never_enrolled(evaluation),
    )


Embed = Callable[[list[FaceImage], list[DecodedImage], ModelVersion], dict[uuid.UUID, Floats]]


def embed_faces(
    faces: Sequence[uuid.UUID], version: ModelVersion, context: jobs.JobContext, embed: Embed
) -> dict[uuid.UUID, Floats]:
    """Embed stored faces from their photos; those whose photo or face is not found are left out."""
    found: dict[uuid.UUID, Floats] = {}
    for start in range(0, len(faces), _BATCH):
        context.progress(start, len(faces), f"reading photos with {version.name}")
        rows = FaceImage.objects.filter(pk__in=faces[start : start + _BATCH])
        ordered = rows.select_related("photo").order_by("pk")
        found |= embed(*_readable(list(ordered)), version)
    return found


def _readable(rows: list[FaceImage]) -> tuple[list[FaceImage], list[DecodedImage]]:
    """Return the faces whose photos can be read, and the photos."""
    readable, images = [], []
    for row in rows:
        try:
            data = storage.open_photo(row.organization_id, row.photo.sha256)
            images.append(read_photo(data))
        except (FileNotFoundError, DomainError):
            continue  # a photo that is gone or broken is a failure to enroll
        readable.append(row)
    return readable, images


def _embed_photos(
    rows: list[FaceImage], images: list[DecodedImage], version: ModelVersion
) -> dict[uuid.UUID, Floats]:
    """Find the stored faces again in their photos."""
    found = {}
    for row, analysed in zip(rows, analyse_images(images, version=version), strict=True):
        vector = _same_face(row, analysed)
        if vector is not None:
            found[row.pk] = vector
    return found


def _embed_cut_outs(
    rows: list[FaceImage], images: list[DecodedImage], version: ModelVersion
) -> dict[uuid.UUID, Floats]:
    """Embed the main face of each cut-out."""
    parts = [cut_out(image, box_of(row)) for row, image in zip(rows, images, strict=True)]
    found = {}
    for row, part, faces in zip(
        rows, parts, analyse_images(parts, version=version, main_only=True), strict=True
    ):
        vector = main_face(faces, part.width, part.height).embedding if faces else None
        if vector is not None:
            found[row.pk] = vector
    return found


def cut_out(image: DecodedImage, box: Box) -> DecodedImage:
    """Return the square around a face's box as a picture of its own, what the photo has of it."""
    half = max(box.width, box.height) * MARGIN / 2
    x, y = box.center
    square = Box(x - half, y - half, x + half, y + half).clipped(image.width, image.height)
    left, top = min(round(square.x1), image.width - 1), min(round(square.y1), image.height - 1)
    right, bottom = max(left + 1, round(square.x2)), max(top + 1, round(square.y2))
    return replace(image, pixels=np.ascontiguousarray(image.pixels[top:bottom, left:right]))


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
