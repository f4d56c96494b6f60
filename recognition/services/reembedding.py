"""Templates of stored faces under another version, from their photos and known landmarks."""

import uuid
from collections.abc import Sequence

import numpy as np

from faceplatform.core import jobs, storage
from faceplatform.core.errors import DomainError
from recognition.models import FaceImage, FaceTemplate, Gallery, ModelVersion
from recognition.services.faces import box_of
from recognition.services.vision import embed_faces, read_photo
from recognition.vision.types import DetectedFace, Floats, Pixels, Quality

_BATCH = 32
_UNMEASURED = Quality(0, 0, 0, 0, 0, 0, 0, 0)


def embed_missing(gallery: Gallery, version: ModelVersion, context: jobs.JobContext) -> int:
    """Embed every face of the gallery that has a template, but none of this version.

    Returns how many photos could not be read; they are named in the job's log.
    """
    return embed_these(gallery, version, missing_faces(gallery, version), context)


def missing_faces(gallery: Gallery, version: ModelVersion) -> list[uuid.UUID]:
    """Return the faces of a gallery that have a template of some version, but none of this one."""
    embedded = FaceTemplate.objects.filter(gallery=gallery)
    faces = FaceImage.objects.filter(gallery=gallery, pk__in=embedded.values("face_id"))
    there = embedded.filter(model_version=version).values("face_id")
    return list(faces.exclude(pk__in=there).order_by("pk").values_list("pk", flat=True))


def embed_these(
    gallery: Gallery,
    version: ModelVersion,
    todo: Sequence[uuid.UUID],
    context: jobs.JobContext,
) -> int:
    """Embed some faces of a gallery from their photos; return how many could not be read."""
    lost = 0
    for start in range(0, len(todo), _BATCH):
        rows = list(
            FaceImage.objects.filter(pk__in=todo[start : start + _BATCH]).select_related("photo")
        )
        work: list[tuple[Pixels, DetectedFace]] = []
        kept: list[FaceImage] = []
        for row in rows:
            pixels = _pixels(row, context)
            if pixels is not None:
                work.append((pixels, _detected(row)))
                kept.append(row)
        lost += len(rows) - len(kept)
        found = embed_faces(work, version=version)
        store_embeddings(gallery, version, [row.pk for row in kept], found, context)
        context.progress(start + len(rows), len(todo), f"Embedding with {version.name}")
    return lost


def _pixels(face: FaceImage, context: jobs.JobContext) -> Pixels | None:
    try:
        data = storage.open_photo(face.organization_id, face.photo.sha256)
        return read_photo(data).pixels
    except FileNotFoundError:
        context.log(f"{face}: the photo's file is gone.", level="warning")
    except DomainError as refusal:
        if refusal.status >= 500:
            raise
        context.log(f"{face}: {refusal}", level="warning")
    return None


def _detected(face: FaceImage) -> DetectedFace:
    points = np.asarray(face.landmarks, np.float32).reshape(5, 2)
    return DetectedFace(box_of(face), face.detection_score, points, _UNMEASURED)


def store_embeddings(
    gallery: Gallery,
    version: ModelVersion,
    faces: Sequence[uuid.UUID],
    embeddings: Floats,
    context: jobs.JobContext,
) -> None:
    """Store templates, float32 (N, d), of faces that are still there; others are left out."""
    by_face = dict(zip(faces, embeddings, strict=True))
    with context.writing():
        present = (
            FaceImage.objects.select_for_update(no_key=True).filter(pk__in=by_face).order_by("pk")
        )
        searchable = set(
            FaceTemplate.objects.filter(face_id__in=by_face, searchable=True).values_list(
                "face_id", flat=True
            )
        )
        FaceTemplate.objects.bulk_create(
            (
                FaceTemplate(
                    organization_id=gallery.organization_id,
                    gallery=gallery,
                    face=face,
                    model_version=version,
                    dimension=version.dimension,
                    embedding=by_face[face.pk],
                    searchable=face.pk in searchable,
                )
                for face in present
            ),
            ignore_conflicts=True,
        )
