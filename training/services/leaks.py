"""Looking for what is in two parts of a dataset and should not be."""

import uuid
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from django.urls import reverse

from faceplatform.core import jobs
from recognition.models import FaceTemplate, ModelVersion
from recognition.selectors.embeddings import templates_of_faces
from recognition.vision.types import Floats
from training.evaluation.splits import find_leaks
from training.models import Dataset, SplitKind

_SHOWN = 60


@dataclass(frozen=True, slots=True)
class _Image:
    face: uuid.UUID
    identity: uuid.UUID
    name: str
    sha256: str
    part: str


def run_check(context: jobs.JobContext) -> dict[str, Any]:
    """Write what two parts share: people by name, bytes, near-duplicates."""
    dataset = Dataset.objects.get(pk=context.payload["dataset"])
    images = _images(dataset)
    parts = sorted({image.part for image in images})
    pairs = list(combinations(parts, 2))
    found: dict[str, Any] = {"people": [], "bytes": 0, "near": []}
    people: set[str] = set()
    vectors = _vectors(images) if pairs else None
    for number, (first, second) in enumerate(pairs):
        context.progress(number, len(pairs), f"{first} against {second}", force=True)
        leaks = find_leaks(
            [row for row, image in enumerate(images) if image.part == first],
            [row for row, image in enumerate(images) if image.part == second],
            identities=[image.name for image in images],
            sha256=[image.sha256 for image in images],
            templates=vectors,
        )
        people |= set(leaks.people)
        found["bytes"] += len(leaks.same_bytes)
        found["near"] += [_near(images, vectors, one, two) for one, two in leaks.near_duplicates]
    named = {image.name: str(image.identity) for image in images if image.name in people}
    found["people"] = sorted(named.values())
    found["near_total"] = len(found["near"])
    found["near"] = sorted(found["near"], key=lambda row: -row[2])[:_SHOWN]
    with context.writing():
        Dataset.objects.filter(pk=dataset.pk).update(leaks=found)
    return {"sentence": sentence(dataset, found), "url": reverse("dataset", args=[dataset.pk])}


def sentence(dataset: Dataset, leaks: dict[str, Any]) -> str:
    """Say what the check found. A stratified split has people in several parts on purpose."""
    if dataset.split_kind == SplitKind.NONE:
        return "There is one part only, so nothing can leak between parts."
    people = len(leaks["people"]) if dataset.split_kind == SplitKind.DISJOINT else 0
    counts = [
        (people, "names are in two parts"),
        (leaks["bytes"], "photos are in two parts"),
        (leaks["near_total"], "pairs of pictures in two parts are nearly the same"),
    ]
    said = [f"{count:,} {what}" for count, what in counts if count]
    return f"{', '.join(said)}." if said else "Nothing is in two parts that should not be."


def _images(dataset: Dataset) -> list[_Image]:
    rows = dataset.items.order_by("pk").values_list(
        "face_id", "identity_id", "identity__name", "face__photo__sha256", "part"
    )
    return [_Image(*row) for row in rows]


def _vectors(images: list[_Image]) -> Floats | None:
    """Return a template per image where one model version has them all, else None."""
    faces = [image.face for image in images]
    used = FaceTemplate.objects.filter(face_id__in=faces).values_list("model_version_id", flat=True)
    for version in ModelVersion.objects.filter(pk__in=used.distinct()):
        found = templates_of_faces(faces, version)
        if len(found.faces) == len(images):
            place = {face: row for row, face in enumerate(found.faces)}
            ordered: Floats = found.embeddings[[place[face] for face in faces]]
            return ordered
    return None


def _near(
    images: list[_Image], vectors: Floats | None, first: int, second: int
) -> tuple[str, str, float]:
    score = 1.0 if vectors is None else float(np.dot(vectors[first], vectors[second]))
    return str(images[first].face), str(images[second].face), round(score, 4)
