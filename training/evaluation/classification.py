"""Closed-set classification by a trained classifier."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from training.evaluation.arrays import Doubles, EvaluationError, Ints
from training.evaluation.uncertainty import Estimate, Measured, measured, wilson

MOST_IN_MATRIX = 400


@dataclass(frozen=True, slots=True)
class ClassResult:
    """One class. `recall` is the share of its images that are named so (class-wise accuracy)."""

    name: str
    images: int
    named: int
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True, slots=True)
class Confusion:
    """`count` images of class `truth` were named `answer`."""

    truth: str
    answer: str
    count: int


@dataclass(frozen=True, slots=True)
class Timing:
    """Time per image in milliseconds."""

    mean: float
    median: float
    p95: float
    images: int


@dataclass(frozen=True, slots=True)
class Classification:
    """Figures of a classifier on N images. Shares are 0..1.

    `failed` images had no face: they count as errors in `accuracy`, `errors`, recall and top-5.
    `matrix` counts truth (rows) by answer (columns) in the order of `classes`, without failures; it
    is empty where there are more than 400 classes.
    Precision of a class that is never named is 0 (as scikit-learn's `zero_division=0`).
    """

    images: int
    failed: int
    accuracy: Estimate
    errors: Measured
    top_5: Estimate | None
    macro_precision: float
    macro_recall: float
    macro_f1: float
    weighted_precision: float
    weighted_recall: float
    weighted_f1: float
    classes: tuple[ClassResult, ...]
    matrix: tuple[tuple[int, ...], ...]
    confused: tuple[Confusion, ...]
    timing: Timing | None = None


def classify(
    truth: ArrayLike,
    answers: ArrayLike,
    names: Sequence[str],
    *,
    scores: ArrayLike | None = None,
    ranks: ArrayLike | None = None,
    milliseconds: ArrayLike | None = None,
    most_confused: int = 20,
) -> Classification:
    """Figures from the true class and the answer of each image.

    `truth` (N,) class numbers 0..C-1; `answers` (N,) class numbers, -1 where no face was found;
    `scores` float (N, C) for top-5, or `ranks` (N,): the place of the true class, 1 up, 0 for none;
    `milliseconds` (M,) of single inferences. Raises `EvaluationError` `bad_classes`.
    """
    true, said = np.asarray(truth, np.int64), np.asarray(answers, np.int64)
    count = len(names)
    if true.shape != said.shape or true.ndim != 1 or not len(true):
        raise EvaluationError("bad_classes", "truth and answers must be (N,), N at least 1")
    if true.min() < 0 or max(true.max(), said.max()) >= count or said.min() < -1:
        raise EvaluationError("bad_classes", "a class number has no name")
    known = said >= 0
    matrix = np.zeros((count, count), np.int64)
    np.add.at(matrix, (true[known], said[known]), 1)
    images = np.bincount(true, minlength=count)
    classes = _classes(matrix, images, names)
    right = int(np.trace(matrix))
    present = images > 0
    return Classification(
        images=len(true),
        failed=int((~known).sum()),
        accuracy=Estimate(right / len(true), wilson(right, len(true))),
        errors=measured(len(true) - right, len(true)),
        top_5=_top_5_of_ranks(ranks, len(true), count)
        if scores is None
        else _top_5(true, known, scores, count),
        macro_precision=_mean(classes, "precision", present.astype(np.float64)),
        macro_recall=_mean(classes, "recall", present.astype(np.float64)),
        macro_f1=_mean(classes, "f1", present.astype(np.float64)),
        weighted_precision=_mean(classes, "precision", images.astype(np.float64)),
        weighted_recall=_mean(classes, "recall", images.astype(np.float64)),
        weighted_f1=_mean(classes, "f1", images.astype(np.float64)),
        classes=classes,
        matrix=tuple(tuple(row) for row in matrix.tolist()) if count <= MOST_IN_MATRIX else (),
        confused=_confused(matrix, names, most_confused),
        timing=_timing(milliseconds),
    )


def _classes(matrix: Ints, images: Ints, names: Sequence[str]) -> tuple[ClassResult, ...]:
    named = matrix.sum(axis=0)
    right = np.diag(matrix)
    found = []
    for number, name in enumerate(names):
        precision = float(right[number] / named[number]) if named[number] else 0.0
        recall = float(right[number] / images[number]) if images[number] else 0.0
        both = precision + recall
        f1 = 2 * precision * recall / both if both else 0.0
        found.append(
            ClassResult(name, int(images[number]), int(named[number]), precision, recall, f1)
        )
    return tuple(found)


def _mean(classes: tuple[ClassResult, ...], figure: str, weight: Doubles) -> float:
    values = np.array([getattr(one, figure) for one in classes], np.float64)
    return float((values * weight).sum() / weight.sum())


def _top_5(
    true: Ints,
    known: np.ndarray[tuple[int], np.dtype[np.bool_]],
    scores: ArrayLike,
    count: int,
) -> Estimate | None:
    if count <= 5:
        return None
    values = np.asarray(scores, np.float64)
    if values.shape != (len(true), count) or bool(np.isnan(values[known]).any()):
        raise EvaluationError("bad_scores", f"scores must be ({len(true)}, {count}) without NaN")
    own = values[np.arange(len(true)), true]
    place = (values >= own[:, None]).sum(axis=1)  # ties count against the class
    hits = int((known & (place <= 5)).sum())
    return Estimate(hits / len(true), wilson(hits, len(true)))


def _top_5_of_ranks(ranks: ArrayLike | None, images: int, count: int) -> Estimate | None:
    if ranks is None or count <= 5:
        return None
    places = np.asarray(ranks, np.int64)
    if places.shape != (images,):
        raise EvaluationError("bad_classes", "one rank per image is needed")
    hits = int(((places >= 1) & (places <= 5)).sum())
    return Estimate(hits / images, wilson(hits, images))


def _confused(matrix: Ints, names: Sequence[str], most: int) -> tuple[Confusion, ...]:
    wrong = matrix - np.diag(np.diag(matrix))
    truth, answer = np.nonzero(wrong)
    order = np.lexsort((answer, truth, -wrong[truth, answer]))[:most]
    return tuple(
        Confusion(names[t], names[a], int(wrong[t, a]))
        for t, a in zip(truth[order], answer[order], strict=True)
    )


def _timing(milliseconds: ArrayLike | None) -> Timing | None:
    if milliseconds is None:
        return None
    values = np.asarray(milliseconds, np.float64)
    if not len(values):
        return None
    middle, high = np.quantile(values, [0.5, 0.95])
    return Timing(float(values.mean()), float(middle), float(high), len(values))
