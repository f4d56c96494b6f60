"""Running a training run: read, check, train, measure, offer the candidate."""

import os
import platform
from dataclasses import asdict
from importlib.metadata import version as version_of_package
from typing import Any

from django.urls import reverse
from django.utils import timezone

from faceplatform.core import jobs
from faceplatform.core.errors import Unprocessable
from faceplatform.core.jobs import JobCancelled
from training.engine import configs, recipes
from training.engine.data import Data, check
from training.engine.errors import Cancelled, TrainingError
from training.models import Dataset, TrainingRun
from training.services import run_files
from training.services.candidates import make_candidate
from training.services.training import components_of_run, run_id_of
from training.services.training_data import read_crops, read_embeddings

_PACKAGES = ("torch", "torchvision", "numpy", "safetensors", "openvino")
_MATRIX = 120
"""People up to whom the confusion matrix is kept in the row; its CSV always has all."""


class Live:
    """Tells the job and the run how far training is; asks whether to stop."""

    def __init__(self, run: TrainingRun, context: jobs.JobContext) -> None:
        self._run, self._context = run, context
        self._cancelled = False

    def should_stop(self) -> bool:
        """Return whether somebody cancelled the job; LeaseLost when another worker has it."""
        try:
            self._context.check()
        except JobCancelled:
            self._cancelled = True
        return self._cancelled

    def hear(self, step: Any) -> None:
        """Write where training is; a row of figures after every epoch."""
        done = step.epoch * step.steps + step.step
        note = f"Epoch {step.epoch + 1} of {step.epochs}, loss {step.loss:.4g}"
        try:
            self._context.progress(done, step.epochs * step.steps, note)
            if step.row is not None:
                self._write(step)
        except JobCancelled:
            self._cancelled = True

    def _write(self, step: Any) -> None:
        self._run.history = [
            *(row for row in self._run.history if row["epoch"] < step.row["epoch"]),
            step.row,
        ]
        with self._context.writing():
            TrainingRun.objects.filter(pk=self._run.pk).update(history=self._run.history)


def run_training(context: jobs.JobContext) -> dict[str, Any]:
    """Train; run again after an interruption, it goes on from the last checkpoint.

    Raises DomainError with the code of what makes training impossible.
    """
    run = TrainingRun.objects.select_related("dataset").get(pk=run_id_of(context.payload))
    if run.dataset is None:
        raise Unprocessable("dataset_gone", "The dataset of this run was deleted.")
    try:
        return _train(run, run.dataset, context)
    except TrainingError as error:
        raise Unprocessable(error.code, error.detail) from error
    except Cancelled:
        context.check()
        raise


def _train(run: TrainingRun, dataset: Dataset, context: jobs.JobContext) -> dict[str, Any]:
    from training.engine.checkpoints import free_bytes

    recipe = recipes.get(run.recipe)
    config = configs.parse(recipe.config, run.config)
    components = components_of_run(run)
    crops = recipe.inputs(config) == "crops"
    data = (
        read_crops(dataset, config.size, context)
        if crops
        else read_embeddings(dataset, components, context)
    )
    check(data)
    folder = run_files.folder_of(run.pk)
    sizes = recipes.Sizes(len(data.train), len(data.people), sum(data.widths))
    needed = recipe.estimate(config, sizes).disk_mb * 1e6
    if free_bytes(folder) < needed:
        raise TrainingError("disk_full", f"The checkpoints take about {needed / 1e6:.0f} MB.")
    environment = environment_of(run, data)
    run_files.write_json(run.pk, "config.json", {"recipe": run.recipe, "settings": run.config})
    run_files.write_json(run.pk, "environment.json", environment)
    TrainingRun.objects.filter(pk=run.pk).update(environment=environment)
    live = Live(run, context)
    work = recipes.Work(data, config, folder, live.hear, live.should_stop, resume=True)
    context.log(f"{len(data.train):,} images of {len(data.people):,} people to train on")
    result = recipe.train(work)
    return _finish(run, dataset, components, data, result, context)


def _finish(
    run: TrainingRun,
    dataset: Dataset,
    components: list[Any],
    data: Data,
    result: recipes.Result,
    context: jobs.JobContext,
) -> dict[str, Any]:
    record = record_of(data, result)
    if result.classification is not None:
        _write_confusion(run, data, result)
    with context.writing():
        version, reason = make_candidate(run, dataset, components, data, result, context.actor)
        record["no_version"] = reason
        TrainingRun.objects.filter(pk=run.pk).update(
            result=record, version=version, finished_at=timezone.now()
        )
    return {
        "sentence": sentence_of(run.recipe, record),
        "url": reverse("training_run", args=[run.pk]),
        "run": str(run.pk),
    }


def record_of(data: Data, result: recipes.Result) -> dict[str, Any]:
    """Return what the row keeps of a result: figures, and ids of people."""
    record: dict[str, Any] = {
        "figures": result.figures,
        "baseline": result.baseline,
        "reason": result.state.reason if result.state else "",
        "best_epoch": result.state.best_epoch + 1 if result.state else 0,
        "images": {name: len(part) for name, part in data.parts.items()},
        "people": len(data.people),
    }
    found = result.classification
    if found is not None:
        record["classes"] = [asdict(one) for one in found.classes]
        record["confused"] = [asdict(one) for one in found.confused]
        interval = found.accuracy.interval
        record["interval"] = [interval.low, interval.high] if interval else None
        if len(found.classes) <= _MATRIX:
            record["matrix"] = [list(row) for row in found.matrix]
    return record


def sentence_of(recipe: str, record: dict[str, Any]) -> str:
    """Say the result in one sentence."""
    figures = record["figures"]
    if "accuracy" in figures:
        floor = record["baseline"].get("accuracy")
        said = f"Names {figures['accuracy']:.1%} of the test images right"
        return f"{said}; naive Bayes {floor:.1%}." if floor is not None else f"{said}."
    if "eer" in figures:
        alone = [v for k, v in figures.items() if k.startswith("component_") and k.endswith("_eer")]
        said = f"Equal error rate {figures['eer']:.2%} on the test part"
        return f"{said}; {min(alone):.2%} without training." if alone else f"{said}."
    if "pair_accuracy" in figures:
        return f"Tells {figures['pair_accuracy']:.1%} of the pairs apart: the floor."
    return "Trained; without a test part nothing was measured."


def environment_of(run: TrainingRun, data: Data) -> dict[str, Any]:
    """Return what somebody needs to make the same run again."""
    return {
        "dataset": run.dataset_name,
        "dataset_digest": run.dataset_digest,
        "images": {name: len(part) for name, part in data.parts.items()},
        "components": run.components,
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors",
        "packages": {name: version_of_package(name) for name in _PACKAGES},
    }


def _write_confusion(run: TrainingRun, data: Data, result: recipes.Result) -> None:
    """Store the confusion matrix and the figures of every class as CSV, people by their ids."""
    from training.engine.checkpoints import write_bytes

    found = result.classification
    if found is None:
        return
    names = [one.name for one in found.classes]
    lines = [",".join(["truth", *names])]
    for name, row in zip(names, found.matrix, strict=True):
        lines.append(",".join([name, *(str(count) for count in row)]))
    folder = run_files.folder_of(run.pk)
    write_bytes(folder / "confusion.csv", ("\n".join(lines) + "\n").encode())
    lines = ["identity,images,named,precision,recall,f1"]
    lines += [
        f"{one.name},{one.images},{one.named},{one.precision:.4f},{one.recall:.4f},{one.f1:.4f}"
        for one in found.classes
    ]
    write_bytes(folder / "classes.csv", ("\n".join(lines) + "\n").encode())
