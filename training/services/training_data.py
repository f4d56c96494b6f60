"""From the rows of a dataset to the arrays that a recipe trains on."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from faceplatform.core import jobs, storage
from faceplatform.core.errors import DomainError
from recognition.models import FaceImage, FaceState, Gallery, ModelVersion
from recognition.selectors.embeddings import templates_of_faces
from recognition.services.faces import box_of
from recognition.services.reembedding import embed_these
from recognition.services.vision import read_photo
from recognition.vision.embedding import box_crop
from recognition.vision.registry import Preprocessing
from recognition.vision.types import Floats
from training.engine.data import PARTS, Data, Inputs, Part
from training.models import Dataset, DatasetItem

_BATCH = 500
MARGIN = 0.2
"""Share of a crop's side that lies around the detector's box."""
MOST_STRANGERS = 4000


@dataclass(frozen=True, slots=True)
class _Row:
    face: uuid.UUID
    identity: uuid.UUID
    part: str


def read_embeddings(
    dataset: Dataset, components: Sequence[ModelVersion], context: jobs.JobContext
) -> Data:
    """Return the embeddings of a dataset, the components' side by side.

    They are the stored templates: what a component lacks is embedded and stored once, so the next
    run finds it, and it goes when the face goes. Faces that cannot be read are left out.
    """
    _embed_missing(dataset, [row.face for row in _rows(dataset)], components, context)
    return stored_embeddings(dataset, components)


def stored_embeddings(dataset: Dataset, components: Sequence[ModelVersion]) -> Data:
    """Return the embeddings of the faces of which every component has a template."""
    rows = _rows(dataset)
    faces = [row.face for row in rows]
    known = [_vectors(faces, version) for version in components]
    kept = [row for row in rows if all(row.face in one for one in known)]
    inputs = [np.concatenate([one[row.face] for one in known]) for row in kept]
    width = sum(version.dimension for version in components)
    matrix = np.stack(inputs) if inputs else np.empty((0, width), np.float32)
    return _data(kept, matrix, tuple(version.dimension for version in components))


def read_crops(dataset: Dataset, size: int, context: jobs.JobContext) -> Data:
    """Return the faces of a dataset as pictures of `size` x `size` pixels, cut out by their boxes.

    Photos that are gone or cannot be read are left out and named in the job's log.
    """
    preprocessing = Preprocessing(size=size, margin=round(size * MARGIN))
    rows = _rows(dataset)
    kept: list[_Row] = []
    crops: list[Inputs] = []
    for start in range(0, len(rows), _BATCH):
        some = rows[start : start + _BATCH]
        found = FaceImage.objects.filter(pk__in=[row.face for row in some]).select_related("photo")
        by_id = {face.pk: face for face in found}
        for number, row in enumerate(some):
            context.progress(start + number, len(rows), "Cutting out faces")
            crop = _crop(by_id.get(row.face), preprocessing, context)
            if crop is not None:
                kept.append(row)
                crops.append(crop)
    matrix = np.stack(crops) if crops else np.empty((0, size, size, 3), np.uint8)
    return _data(kept, matrix, ())


def read_strangers(
    dataset: Dataset, components: Sequence[ModelVersion]
) -> tuple[Floats, list[str]]:
    """Return embeddings of people of the dataset's galleries who are not in it, and who they are.

    Only what is stored already; at most `MOST_STRANGERS` faces.
    """
    inside = dataset.items.values("identity_id")
    faces = list(
        FaceImage.objects.filter(
            gallery__in=dataset.galleries.all(),
            state=FaceState.ENROLLED,
            identity__isnull=False,
        )
        .exclude(identity_id__in=inside)
        .order_by("pk")
        .values_list("pk", "identity_id")[:MOST_STRANGERS]
    )
    known = [_vectors([face for face, _ in faces], version) for version in components]
    kept = [(face, owner) for face, owner in faces if all(face in one for one in known)]
    width = sum(version.dimension for version in components)
    rows = [np.concatenate([one[face] for one in known]) for face, _ in kept]
    matrix = np.stack(rows) if rows else np.empty((0, width), np.float32)
    return matrix, [str(owner) for _, owner in kept]


def _rows(dataset: Dataset) -> list[_Row]:
    items = DatasetItem.objects.filter(dataset=dataset, part__in=PARTS).order_by("pk")
    return [_Row(*row) for row in items.values_list("face_id", "identity_id", "part")]


def _embed_missing(
    dataset: Dataset,
    faces: Sequence[uuid.UUID],
    components: Sequence[ModelVersion],
    context: jobs.JobContext,
) -> None:
    for version in components:
        there = set(templates_of_faces(faces, version).faces)
        missing = [face for face in faces if face not in there]
        if not missing:
            continue
        context.log(f"{len(missing):,} images have no template of {version.name} yet")
        for gallery in Gallery.objects.filter(pk__in=dataset.galleries.values("pk")):
            own = FaceImage.objects.filter(gallery=gallery, pk__in=missing).order_by("pk")
            embed_these(gallery, version, list(own.values_list("pk", flat=True)), context)


def _vectors(faces: Sequence[uuid.UUID], version: ModelVersion) -> dict[uuid.UUID, Floats]:
    found = templates_of_faces(faces, version)
    return dict(zip(found.faces, found.embeddings, strict=True))


def _crop(
    face: FaceImage | None, preprocessing: Preprocessing, context: jobs.JobContext
) -> Inputs | None:
    if face is None:
        return None
    try:
        data = storage.open_photo(face.organization_id, face.photo.sha256)
        return box_crop(read_photo(data).pixels, box_of(face), preprocessing)
    except FileNotFoundError:
        context.log(f"Image {face.pk}: the photo's file is gone.", level="warning")
    except DomainError as refusal:
        if refusal.status >= 500:
            raise
        context.log(f"Image {face.pk}: {refusal}", level="warning")
    return None


def _data(rows: Sequence[_Row], inputs: Inputs, widths: tuple[int, ...]) -> Data:
    people = sorted({row.identity for row in rows})
    number = {person: place for place, person in enumerate(people)}
    labels = np.array([number[row.identity] for row in rows], np.int64)
    parts = np.array([row.part for row in rows])
    return Data(
        tuple(str(person) for person in people),
        {
            part: Part(inputs[parts == part], labels[parts == part])
            for part in PARTS
            if (parts == part).any()
        },
        widths,
    )
