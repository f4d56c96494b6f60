"""Errors against discarded low-quality images."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from training.evaluation.arrays import EvaluationError, pair_scores


@dataclass(frozen=True, slots=True)
class DiscardCurve:
    """FNMR when the given share of mated comparisons of lowest quality is discarded.

    `measure` names the quality measure; `threshold` is fixed; `discarded` and `fnmr` are shares.
    """

    measure: str
    threshold: float
    discarded: tuple[float, ...]
    fnmr: tuple[float, ...]
    comparisons: int


def error_versus_discard(
    measure: str,
    scores: ArrayLike,
    first_quality: ArrayLike,
    second_quality: ArrayLike,
    threshold: float,
    *,
    steps: int = 40,
    most: float = 0.5,
) -> DiscardCurve:
    """Error-versus-discard curve of one quality measure (Grother & Tabassi 2007).

    `scores` (M,) of mated comparisons, minus infinity for a failure; the quality of a comparison is
    the lower of the two (M,), NaN where none was measured: discarded first. Equal qualities are
    discarded together, so a step is reached or not.
    """
    values, _ = pair_scores(scores, np.ones(np.shape(scores), bool))
    quality = np.fmin(np.asarray(first_quality, float), np.asarray(second_quality, float))
    missing = np.isnan(np.asarray(first_quality, float)) | np.isnan(
        np.asarray(second_quality, float)
    )
    quality = np.where(missing, -np.inf, quality)
    if quality.shape != values.shape or not len(values):
        raise EvaluationError("bad_quality", "quality must be given for each mated comparison")
    order = np.argsort(quality, kind="stable")
    wrong = (values < threshold)[order]
    ordered = quality[order]
    left = np.arange(len(values), 0, -1)
    errors_left = np.cumsum(wrong[::-1])[::-1]
    # A cut is allowed before the first of equal qualities only.
    cuts = np.flatnonzero(np.concatenate([[True], ordered[1:] > ordered[:-1]]))
    wanted = np.linspace(0, most, steps + 1) * len(values)
    at = np.unique(cuts[np.clip(np.searchsorted(cuts, wanted, "right") - 1, 0, len(cuts) - 1)])
    return DiscardCurve(
        measure,
        threshold,
        tuple((at / len(values)).tolist()),
        tuple((errors_left[at] / left[at]).tolist()),
        len(values),
    )
