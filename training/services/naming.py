"""The closed-set protocol: every test image of a dataset gets the name of one of its people."""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

import numpy as np

from faceplatform.core import storage
from faceplatform.core.errors import DomainError
from recognition.models import FaceImage, ModelVersion
from recognition.services.vision import analyse_photo
from training.evaluation.classification import classify
from training.evaluation.closed_set import name_images
from training.selectors.faces import parts_of
from training.services import records

if TYPE_CHECKING:
    from training.services.measuring import Measuring

TIMED = 50


def measure_classification(given: "Measuring") -> dict[str, Any]:
    """Name test images by the nearest image of the part `train`.

    Classes are named by the ids of their people; pages put the names in, so that nobody erased can
    be read in a report.
    """
    faces, evaluation = given.faces, given.evaluation
    parts, owners = parts_of(evaluation)
    people = sorted(set(owners.values()), key=str)
    number = {person: place for place, person in enumerate(people)}
    row = {face: place for place, face in enumerate(faces.faces)}
    known = [face for face in faces.faces if parts[face] == "train"]
    tested = [face for face, part in parts.items() if part == "test"]
    seen = [face for face in tested if face in row]
    given.steps.begin("naming the test images")
    named = name_images(
        faces.embeddings[[row[face] for face in seen]],
        [number[owners[face]] for face in seen],
        faces.embeddings[[row[face] for face in known]],
        [number[owners[face]] for face in known],
        progress=given.steps,
    )
    answers, ranks = np.full(len(tested), -1), np.zeros(len(tested), np.int64)
    found = np.array([face in row for face in tested])
    answers[found], ranks[found] = named.answer, named.rank
    given.steps.begin("timing single images")
    classification = classify(
        [number[owners[face]] for face in tested],
        answers,
        [str(person) for person in people],
        ranks=ranks,
        milliseconds=milliseconds(seen[:TIMED], evaluation.model_version),
    )
    report = records.report_of(evaluation, faces, classification=classification)
    return records.record_of(report, [])


def milliseconds(faces: Sequence[UUID], version: ModelVersion) -> list[float]:
    """Time reading, finding and embedding of single photos; those that cannot be read are left out.

    The first one loads the network and is not counted.
    """
    found: list[float] = []
    rows = FaceImage.objects.filter(pk__in=faces).select_related("photo").order_by("pk")
    for face in rows:
        try:
            data = storage.open_photo(face.organization_id, face.photo.sha256)
            began = time.perf_counter()
            analyse_photo(data, version=version)
        except (FileNotFoundError, DomainError):
            continue
        found.append((time.perf_counter() - began) * 1000)
    return found[1:]
