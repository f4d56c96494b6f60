"""Templates of stored faces under another version, from their photos and known landmarks."""

import numpy as np

from faceplatform.core import jobs, storage
from faceplatform.core.errors import DomainError
from recognition.models import FaceImage, FaceTemplate, Gallery, ModelVersion
from recognition.services.faces import box_of
from recognition.services.vision import embed_faces, read_photo
from recognition.vision.types import DetectedFace, Pixels, Quality

_BATCH = 32
_UNMEASURED = Quality(0, 0, 0, 0, 0, 0, 0, 0)


def embed_missing(gallery: Gallery, version: ModelVersion, context: jobs.JobContext) -> int:
    """Embed every face of the gallery that has a template, but none of this version.

    Returns how many photos could not be read; they are named in the job's log.
    """
    faces = FaceImage.objects.filter(
        gallery=gallery, templates__model_version_id=gallery.model_version_id
    )
    todo = list(
        faces.exclude(
            pk__in=FaceTemplate.objects.filter(gallery=gallery, model_version=version).values(
                "face_id"
            )
        )
        .order_by("pk")
        .values_list("pk", flat=True)
    )
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
        _store(gallery, version, kept, embed_faces(work, version=version), context)
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


def _store(
    gallery: Gallery,
    version: ModelVersion,
    faces: list[FaceImage],
    embeddings: np.ndarray,
    context: jobs.JobContext,
) -> None:
    by_face = {face.pk: row for face, row in zip(faces, embeddings, strict=True)}
    with context.writing():
        present = (
            FaceImage.objects.select_for_update(no_key=True).filter(pk__in=by_face).order_by("pk")
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
                    searchable=FaceTemplate.objects.filter(face=face, searchable=True).exists(),
                )
                for face in present
            ),
            ignore_conflicts=True,
        )
