"""The faces that an evaluation is about."""

import uuid
from dataclasses import dataclass

from django.db.models import QuerySet

from recognition.models import FaceImage, FaceState
from training.models import Dataset, DatasetItem, Evaluation


@dataclass(frozen=True, slots=True)
class FaceCount:
    """How much there is to measure."""

    images: int
    people: int


def faces_of(evaluation: Evaluation) -> "QuerySet[FaceImage]":
    """Return the enrolled faces of the gallery, or those of the dataset and part."""
    if evaluation.gallery_id is not None:
        return FaceImage.objects.filter(
            gallery_id=evaluation.gallery_id,
            state=FaceState.ENROLLED,
            identity__isnull=False,
        )
    return FaceImage.objects.filter(
        pk__in=items_of(evaluation).values("face_id"), identity__isnull=False
    )


def items_of(evaluation: Evaluation) -> "QuerySet[DatasetItem]":
    """Return the items of the evaluation's dataset and part."""
    items = DatasetItem.objects.filter(dataset=evaluation.dataset)
    return items.filter(part=evaluation.part) if evaluation.part else items


def owners_of(evaluation: Evaluation) -> dict[uuid.UUID, uuid.UUID]:
    """Return whose each face counts as: in a dataset the person at the time of freezing."""
    if evaluation.gallery_id is None:
        return dict(items_of(evaluation).values_list("face_id", "identity_id"))
    rows = faces_of(evaluation).values_list("pk", "identity_id")
    return {face: owner for face, owner in rows if owner is not None}


def parts_of(
    evaluation: Evaluation,
) -> tuple[dict[uuid.UUID, str], dict[uuid.UUID, uuid.UUID]]:
    """Return the part of every face of the evaluation's dataset, and whose it counts as."""
    rows = list(items_of(evaluation).order_by("pk").values_list("face_id", "part", "identity_id"))
    return {face: part for face, part, _ in rows}, {face: owner for face, _, owner in rows}


def count_faces(evaluation: Evaluation) -> FaceCount:
    """Count images and people."""
    faces = faces_of(evaluation)
    return FaceCount(faces.count(), faces.values("identity_id").distinct().count())


def part_sizes(dataset: Dataset) -> dict[str, FaceCount]:
    """Return how many images and people each part of a dataset has."""
    found: dict[str, FaceCount] = {}
    for part in ("train", "val", "test"):
        items = dataset.items.filter(part=part)
        images = items.count()
        if images:
            found[part] = FaceCount(images, items.values("identity_id").distinct().count())
    return found
