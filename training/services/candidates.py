"""From a finished run to a version that galleries may be given."""

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceplatform.core.actors import Actor
from recognition.models import ModelVersion
from recognition.services.trained_versions import MAX_NAME, register_trained
from recognition.vision.heads import Head
from training.engine.data import Data
from training.engine.figures import histograms
from training.engine.recipes import Result
from training.models import Dataset, SplitKind, TrainingRun
from training.services.training_data import read_strangers

BINS = 2048
LEAST_PAIRS = 3000
"""Nonmated pairs that a threshold for one template asks for: 30 errors at 1 in 100."""
LEAST_STRANGERS = 20


def make_candidate(
    run: TrainingRun,
    dataset: Dataset,
    components: list[ModelVersion],
    data: Data,
    result: Result,
    actor: Actor,
) -> tuple[ModelVersion | None, str]:
    """Return the version that a run made, or None with the reason why it made none."""
    if result.head is None:
        return None, "This recipe measures; it leaves nothing that a gallery could use."
    measured = calibration_of(result.head, dataset, components, data)
    if isinstance(measured, str):
        return None, measured
    version = register_trained(
        organization_id=run.organization_id,
        name=run.name[:MAX_NAME],
        head=result.head,
        components=components,
        calibration=measured,
        card=card_of(run, dataset, components, result, measured),
        actor=actor,
    )
    return version, ""


def calibration_of(
    head: Head, dataset: Dataset, components: list[ModelVersion], data: Data
) -> dict[str, Any] | str:
    """Return what the head's scores mean in the form of a calibration file, or why nobody knows.

    Mated pairs are those of the test part. Nonmated pairs are of people that the head has not seen:
    the test part's where the split keeps people apart, else those of people of the same galleries
    who are not in the dataset; only where there are too few of them, the test part's own.
    """
    test = data.test
    if test is None or len(test) < 2:
        return "There is no test part to measure its scores on."
    mated, nonmated = histograms(head.apply(np.asarray(test.inputs, np.float32)), test.labels, BINS)
    people = len(np.unique(test.labels))
    said = f"the test part of {dataset.name}"
    if dataset.split_kind != SplitKind.DISJOINT:
        rows, owners = read_strangers(dataset, components)
        if len(set(owners)) >= LEAST_STRANGERS:
            numbers = np.unique(owners, return_inverse=True)[1].astype(np.int64)
            nonmated = histograms(head.apply(rows), numbers, BINS)[1]
            people = len(set(owners))
            said += f", strangers from {people:,} people who are not in it"
        else:
            said += ", whose people it was trained on: strangers may score higher"
    if not mated.sum():
        return "No person of the test part has two images to measure its scores on."
    if nonmated.sum() < LEAST_PAIRS:
        return (
            f"The test part has {int(nonmated.sum()):,} pairs of different people; thresholds need "
            f"{LEAST_PAIRS:,}."
        )
    return {
        "backbone": "trained",
        "bins": BINS,
        "nonmated": _packed(nonmated),
        "mated": _packed(mated),
        "centring": [],
        "people": people,
        "images": len(test),
        "failures": 0,
        "protocol": said,
        "weights_sha256": hashlib.sha256(head.to_bytes()).hexdigest(),
    }


def card_of(
    run: TrainingRun,
    dataset: Dataset,
    components: list[ModelVersion],
    result: Result,
    calibration: dict[str, Any],
) -> dict[str, Any]:
    """Return the model card: data, licence, figures, intended use."""
    licences = sorted({str(one.specification.get("licence", "")) for one in components} - {""})
    return {
        "recipe": run.recipe,
        "run": str(run.pk),
        "training_data": f"{dataset.name}: {dataset.images:,} images of {dataset.identities:,} "
        f"people, on top of {', '.join(one.name for one in components)}",
        "dataset_digest": dataset.digest,
        "licence": ", ".join(licences),
        "figures": {name: round(value, 5) for name, value in result.figures.items()},
        "calibration": calibration["protocol"],
        "intended_use": "Searching galleries of people like those it was trained on. Compare it "
        "with the model in use on images of your own before it serves.",
    }


def _packed(counts: NDArray[np.int64]) -> dict[str, Any]:
    used = np.flatnonzero(counts)
    first, last = (int(used[0]), int(used[-1])) if len(used) else (0, 0)
    return {"first_bin": first, "counts": counts[first : last + 1].tolist()}
