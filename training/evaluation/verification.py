"""Verification: is this the same person? Figures of one curve, with intervals over identities."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from training.evaluation.arrays import Doubles, EvaluationError, Flags, Ints, pair_scores
from training.evaluation.comparisons import BINS, Comparisons
from training.evaluation.curves import ErrorCurve, crossing
from training.evaluation.resampling import IdentityCounts, Replicates, percentile, resample
from training.evaluation.uncertainty import (
    Estimate,
    Interval,
    Measured,
    NotSupported,
    Rate,
    measured,
    supports,
    trials_needed,
)

FMR_TARGETS = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6)
SCORE_BINS = 200


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """Errors at the lowest threshold with FMR of at most `target_fmr`.

    `threshold` is None and the rates are `NotSupported` where there are too few comparisons. TAR,
    as others print it, is 1 - FNMR. The interval of `fnmr` is for the threshold at which the target
    would be met in the long run: with few false matches that threshold is hardly known, and the
    interval is wide. The interval of `fnmr_there`, the same rate, takes this threshold as given.
    """

    target_fmr: float
    threshold: float | None
    fmr: Measured
    fnmr: Measured
    fnmr_there: Measured | None = None


@dataclass(frozen=True, slots=True)
class ThresholdRow:
    """Errors at one threshold; `rescaled` is (score + 1) / 2, 0..1."""

    score: float
    rescaled: float
    fmr: Measured
    fnmr: Measured


@dataclass(frozen=True, slots=True)
class CurvePoints:
    """A curve to draw: thresholds ascending, FMR and FNMR as shares."""

    thresholds: tuple[float, ...]
    fmr: tuple[float, ...]
    fnmr: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class ScoreHistogram:
    """Counts in equal bins from `low` to `high`, mated and nonmated."""

    low: float
    high: float
    mated: tuple[int, ...]
    nonmated: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Folds:
    """Accuracy per fold at the threshold that was best on the other folds, shares 0..1.

    `accuracy` is their mean; its interval is Student's t over the folds.
    """

    accuracy: Estimate
    accuracies: tuple[float, ...]
    thresholds: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Verification:
    """Everything about mated and nonmated comparisons. Rates are shares, 0..1.

    `mated` and `nonmated` count all comparisons; `failed_mated` and `failed_nonmated` those of them
    that had no template: false non-matches at every threshold, and never false matches.
    """

    mated: int
    nonmated: int
    failed_mated: int
    failed_nonmated: int
    identities: int
    eer: Estimate
    eer_threshold: float
    auc: Estimate
    best_accuracy: Estimate
    best_accuracy_threshold: float
    points: tuple[OperatingPoint, ...]
    table: tuple[ThresholdRow, ...]
    curve: CurvePoints
    scores: ScoreHistogram
    folds: Folds | None = None


def verify_pairs(
    scores: ArrayLike,
    mated: ArrayLike,
    first: ArrayLike,
    second: ArrayLike,
    *,
    folds: ArrayLike | None = None,
    step: float = 0.05,
    seed: int = 0,
) -> Verification:
    """Figures of P scored pairs.

    `scores` (P,), -1..1, minus infinity where an image has no template; `mated` (P,) flags;
    `first`, `second` (P,) the identities of both images; `folds` (P,) numbers for the k-fold
    protocol. `step` of the threshold table is in the rescaled score, 0..1. Raises
    `EvaluationError`.
    """
    values, flags = pair_scores(scores, mated)
    curve = ErrorCurve.of_scores(values, flags)
    counts = IdentityCounts.of_pairs(values, flags, first, second)
    failed = ~np.isfinite(values)
    return _verification(
        curve,
        counts,
        _histogram_of_scores(values, flags),
        (int((failed & flags).sum()), int((failed & ~flags).sum())),
        k_fold(values, flags, folds) if folds is not None else None,
        step,
        seed,
    )


def verify_all(
    found: Comparisons,
    counts: IdentityCounts,
    *,
    failed_mated: int = 0,
    failed_nonmated: int = 0,
    step: float = 0.05,
    seed: int = 0,
) -> Verification:
    """Figures of `compare_all` and of `IdentityCounts.of_templates` on the same templates."""
    return _verification(
        ErrorCurve.of_comparisons(
            found, failed_mated=failed_mated, failed_nonmated=failed_nonmated
        ),
        counts,
        _histogram_of_bins(found),
        (failed_mated, failed_nonmated),
        None,
        step,
        seed,
    )


def failed_comparisons(identities: ArrayLike, failed: ArrayLike) -> tuple[int, int]:
    """(mated, nonmated) comparisons of an all-vs-all that failures to enroll prevent.

    `identities` (N,) of all images, `failed` (N,) flags of those without a template.
    """
    flags = np.asarray(failed, bool)
    label = np.unique(np.asarray(identities), return_inverse=True)[1]
    everything = _pairs(np.bincount(label))
    left = np.bincount(label, weights=~flags).astype(np.int64)
    mated = everything - _pairs(left)
    good = int((~flags).sum())
    total = len(flags) * (len(flags) - 1) // 2 - good * (good - 1) // 2
    return mated, total - mated


def k_fold(scores: Doubles, mated: Flags, folds: ArrayLike) -> Folds:
    """Accuracy of each fold at the best threshold of the others (the protocol of LFW View 2)."""
    number = np.asarray(folds)
    accuracies, thresholds = [], []
    for fold in np.unique(number):
        mine = number == fold
        _, threshold = ErrorCurve.of_scores(scores[~mine], mated[~mine]).best_accuracy()
        accuracies.append(float(((scores[mine] >= threshold) == mated[mine]).mean()))
        thresholds.append(threshold)
    if len(accuracies) < 2:
        raise EvaluationError("one_fold", "at least two folds are needed")
    mean = float(np.mean(accuracies))
    spread = float(np.std(accuracies, ddof=1) / np.sqrt(len(accuracies)))
    half = student_t(len(accuracies) - 1) * spread
    interval = Interval(max(0.0, mean - half), min(1.0, mean + half), 0.95, "t over folds")
    return Folds(Estimate(mean, interval), tuple(accuracies), tuple(thresholds))


def student_t(freedom: int) -> float:
    """97.5 % quantile of Student's t (Abramowitz & Stegun 26.7.5; exact up to 5)."""
    exact = {1: 12.7062, 2: 4.30265, 3: 3.18245, 4: 2.77645, 5: 2.57058}
    if freedom in exact:
        return exact[freedom]
    z = 1.959964
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + first / freedom + second / freedom**2 + third / freedom**3


def _pairs(counts: Ints) -> int:
    return int((counts * (counts - 1) // 2).sum())


def _verification(
    curve: ErrorCurve,
    counts: IdentityCounts,
    scores: ScoreHistogram,
    failed: tuple[int, int],
    folds: Folds | None,
    step: float,
    seed: int,
) -> Verification:
    again = resample(counts, seed=seed)
    eer, eer_threshold = curve.eer()
    best, best_threshold = curve.best_accuracy()
    thin = curve.thinned()
    return Verification(
        mated=curve.mated,
        nonmated=curve.nonmated,
        failed_mated=failed[0],
        failed_nonmated=failed[1],
        identities=int(((counts.mated > 0) | (counts.nonmated > 0)).sum()),
        eer=_eer(eer, again),
        eer_threshold=eer_threshold,
        auc=_auc(curve.auc(), again),
        best_accuracy=_best_accuracy(best, best_threshold, curve, again),
        best_accuracy_threshold=best_threshold,
        points=tuple(_operating_point(curve, again, target) for target in FMR_TARGETS),
        table=_table(curve, again, step),
        curve=CurvePoints(
            tuple(thin.thresholds.tolist()), tuple(thin.fmr.tolist()), tuple(thin.fnmr.tolist())
        ),
        scores=scores,
        folds=folds,
    )


def _eer(found: float, again: Replicates) -> Estimate:
    on_grid = crossing(again.grid, again.fmr_found, again.fnmr_found)[0]
    values = np.array(
        [
            crossing(again.grid, fmr, fnmr)[0]
            for fmr, fnmr in zip(again.fmr, again.fnmr, strict=True)
        ]
    )
    return _within_share(percentile(found, on_grid, values))


def _auc(found: float, again: Replicates) -> Estimate:
    """The area under TAR over FMR, by trapezes on the grid."""

    def area(fmr: Doubles, fnmr: Doubles) -> Doubles:
        ends = ((0, 0),) * (fmr.ndim - 1) + ((1, 1),)
        x = np.pad(fmr, ends, constant_values=((1.0, 0.0),))
        y = 1 - np.pad(fnmr, ends, constant_values=((0.0, 1.0),))
        return np.asarray((-np.diff(x, axis=-1) * (y[..., 1:] + y[..., :-1]) / 2).sum(axis=-1))

    on_grid = float(area(again.fmr_found, again.fnmr_found))
    return _within_share(percentile(found, on_grid, area(again.fmr, again.fnmr)))


def _best_accuracy(
    found: float, threshold: float, curve: ErrorCurve, again: Replicates
) -> Estimate:
    """Interval of the accuracy at the threshold that was best."""
    share = curve.mated / (curve.mated + curve.nonmated)
    place = _place(again.grid, threshold)
    values = 1 - share * again.fnmr[:, place] - (1 - share) * again.fmr[:, place]
    on_grid = 1 - share * again.fnmr_found[place] - (1 - share) * again.fmr_found[place]
    return _within_share(percentile(found, float(on_grid), values))


def _place(grid: Doubles, threshold: float) -> int:
    return int(np.clip(np.searchsorted(grid, threshold, "left"), 0, len(grid) - 1))


def _within_share(estimate: Estimate) -> Estimate:
    span = estimate.interval
    if span is None:
        return estimate
    low, high = min(1.0, max(0.0, span.low)), max(0.0, min(1.0, span.high))
    return Estimate(estimate.value, Interval(low, high, span.level, span.method))


def _operating_point(curve: ErrorCurve, again: Replicates, target: float) -> OperatingPoint:
    """Errors at a target FMR. The interval of FNMR holds the threshold's uncertainty as well."""
    if not supports(curve.nonmated, target):
        missing = NotSupported(curve.nonmated, None, trials_needed(target))
        return OperatingPoint(target, None, missing, missing)
    point = curve.at(curve.threshold_at_fmr(target))
    missed = np.array(
        [fnmr_at(fmr, fnmr, target) for fmr, fnmr in zip(again.fmr, again.fnmr, strict=True)]
    )
    on_grid = fnmr_at(again.fmr_found, again.fnmr_found, target)
    fnmr = _rate(point.false_non_matches, curve.mated, percentile(point.fnmr, on_grid, missed))
    fmr = rate_at(point.false_matches, curve.nonmated, again, "fmr", point.threshold)
    there = rate_at(point.false_non_matches, curve.mated, again, "fnmr", point.threshold)
    return OperatingPoint(target, point.threshold, fmr, fnmr, there)


def fnmr_at(fmr: Doubles, fnmr: Doubles, target: float) -> float:
    """FNMR where FMR passes the target, linear in log FMR between two steps of the grid."""
    reached = fmr <= target
    if not reached.any():
        return float(fnmr[-1])
    after = int(np.argmax(reached))
    if after == 0:
        return float(fnmr[0])
    high, low = np.log(fmr[after - 1]), np.log(max(fmr[after], target * 1e-3))
    part = (high - np.log(target)) / (high - low) if high > low else 1.0
    return float(fnmr[after - 1] + part * (fnmr[after] - fnmr[after - 1]))


def _rate(errors: int, trials: int, estimate: Estimate) -> Measured:
    plain = measured(errors, trials)
    if isinstance(plain, NotSupported) or estimate.interval is None:
        return plain
    span = _within_share(estimate).interval or plain.interval
    return Rate(plain.value, errors, trials, span)


def rate_at(
    errors: int, trials: int, again: Replicates, which: Literal["fmr", "fnmr"], threshold: float
) -> Measured:
    """A rate at a fixed threshold; the replicates' relative spread at the nearest grid step."""
    replicated, on_grid = (
        (again.fmr, again.fmr_found) if which == "fmr" else (again.fnmr, again.fnmr_found)
    )
    plain = measured(errors, trials)
    place = _place(again.grid, threshold)
    center = float(on_grid[place])
    if isinstance(plain, NotSupported) or not 0 < center < 1 or errors == trials:
        return plain
    logit = np.log(replicated[:, place]) - np.log1p(-replicated[:, place])
    low, high = np.quantile(logit, [0.025, 0.975]) - np.log(center) + np.log1p(-center)
    own = np.log(plain.value) - np.log1p(-plain.value)
    span = Interval(
        float(1 / (1 + np.exp(-own - low))),
        float(1 / (1 + np.exp(-own - high))),
        0.95,
        "bootstrap over identities",
    )
    return Rate(plain.value, errors, trials, span)


def _table(curve: ErrorCurve, again: Replicates, step: float) -> tuple[ThresholdRow, ...]:
    if not 0 < step <= 1:
        raise EvaluationError("bad_step", "the step of the table must be in 0..1")
    rows = []
    for rescaled in np.arange(0, round(1 / step) + 1) * step:
        score = float(2 * rescaled - 1)
        point = curve.at(score)
        fmr = rate_at(point.false_matches, curve.nonmated, again, "fmr", score)
        fnmr = rate_at(point.false_non_matches, curve.mated, again, "fnmr", score)
        rows.append(ThresholdRow(score, float(rescaled), fmr, fnmr))
    return tuple(rows)


def _histogram_of_scores(scores: Doubles, mated: Flags) -> ScoreHistogram:
    edges = np.linspace(-1, 1, SCORE_BINS + 1)
    usable = np.isfinite(scores)
    inside = np.clip(scores, -1, 1)
    own, _ = np.histogram(inside[usable & mated], edges)
    other, _ = np.histogram(inside[usable & ~mated], edges)
    return ScoreHistogram(-1.0, 1.0, tuple(own.tolist()), tuple(other.tolist()))


def _histogram_of_bins(found: Comparisons) -> ScoreHistogram:
    """Of 65,536 bins to 256."""
    own = found.mated.reshape(256, BINS // 256).sum(axis=1)
    other = found.nonmated.reshape(256, BINS // 256).sum(axis=1)
    return ScoreHistogram(-1.0, 1.0, tuple(own.tolist()), tuple(other.tolist()))
