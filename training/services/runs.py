"""Running an evaluation: read faces, compare, put the report together, write it once."""

import uuid
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils import timezone

from faceplatform.core import jobs
from faceplatform.core.errors import Unprocessable
from training.evaluation.arrays import EvaluationError
from training.models import Evaluation
from training.services.measuring import PROTOCOLS, Measuring
from training.services.sources import read_faces


@dataclass(slots=True)
class Steps:
    """Progress over several passes, each over all images."""

    context: jobs.JobContext
    images: int
    passes: int
    number: int = 0
    note: str = ""

    def begin(self, note: str) -> None:
        """Start the next pass."""
        self.number += 1
        self.note = note
        self.context.progress(self.images * (self.number - 1), self._total, note, force=True)

    def __call__(self, done: int, total: int) -> None:
        """Say how far the present pass is; this is where a cancel stops the work."""
        share = done / total if total else 1.0
        at = round(self.images * (self.number - 1 + share))
        self.context.progress(at, self._total, self.note)

    @property
    def _total(self) -> int:
        return self.images * self.passes


def run_evaluation(context: jobs.JobContext) -> dict[str, Any]:
    """Measure and store the report; a second run after an interruption starts over.

    Raises DomainError with the code of what the data cannot answer.
    """
    evaluation = Evaluation.objects.select_related(
        "gallery__model_version", "dataset", "model_version", "other_version"
    ).get(pk=uuid.UUID(context.payload["evaluation"]))
    protocol = PROTOCOLS[evaluation.protocol]
    faces = read_faces(evaluation, context)
    other = None
    if evaluation.other_version is not None:
        other = read_faces(evaluation, context, version=evaluation.other_version)
    context.log(f"{len(faces.faces):,} images of {len(set(faces.owners)):,} people")
    steps = Steps(context, max(1, len(faces.faces)), protocol.passes)
    try:
        report = protocol.measure(Measuring(evaluation, faces, steps, other))
    except EvaluationError as error:
        raise Unprocessable(error.code, f"This cannot be measured: {error}.") from error
    with context.writing():
        Evaluation.objects.filter(pk=evaluation.pk).update(
            report=report, finished_at=timezone.now()
        )
    return {
        "sentence": report["headline"],
        "url": reverse("evaluation", args=[evaluation.pk]),
        "evaluation": str(evaluation.pk),
    }
