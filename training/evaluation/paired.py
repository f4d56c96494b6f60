"""Two models on the same comparisons: which is better, by how much, and where they differ."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from training.evaluation.arrays import Doubles, Flags, pair_scores
from training.evaluation.curves import ErrorCurve, crossing
from training.evaluation.resampling import IdentityCounts, percentile, resample
from training.evaluation.uncertainty import Estimate
from training.evaluation.verification import fnmr_at

CHANGED_KEPT = 200


@dataclass(frozen=True, slots=True)
class McNemar:
    """Decisions that only one model got right; `p_value` is exact and two-sided."""

    only_first_right: int
    only_second_right: int
    p_value: float


@dataclass(frozen=True, slots=True)
class ChangedPair:
    """Comparison number `pair`, decided differently by the two models."""

    pair: int
    mated: bool
    first_score: float
    second_score: float
    better: str
    """"first" or "second": the model that is right."""


@dataclass(frozen=True, slots=True)
class ModelComparison:
    """Second model less first, so a negative difference of errors favours the second.

    Intervals are from a bootstrap over identities that draws the same people for both models. Each
    model decides at its own threshold.
    """

    comparisons: int
    first_eer: float
    second_eer: float
    eer_difference: Estimate
    target_fmr: float
    fnmr_difference: Estimate
    mcnemar: McNemar
    changed: tuple[ChangedPair, ...]
    changed_total: int


def compare_models(
    first_scores: ArrayLike,
    second_scores: ArrayLike,
    mated: ArrayLike,
    first_identities: ArrayLike,
    second_identities: ArrayLike,
    *,
    thresholds: tuple[float, float] | None = None,
    target_fmr: float = 1e-2,
    seed: int = 0,
) -> ModelComparison:
    """Compare two models' scores of the same P comparisons.

    `thresholds` are those of the two models; without them each one's threshold at `target_fmr` on
    these comparisons. The 200 largest changes are listed.
    """
    one, flags = pair_scores(first_scores, mated)
    two, _ = pair_scores(second_scores, mated)
    curves = ErrorCurve.of_scores(one, flags), ErrorCurve.of_scores(two, flags)
    at = thresholds or tuple(curve.threshold_at_fmr(target_fmr) for curve in curves)
    again = [
        resample(
            IdentityCounts.of_pairs(values, flags, first_identities, second_identities), seed=seed
        )
        for values in (one, two)
    ]
    eers = [curve.eer()[0] for curve in curves]
    fnmrs = [curve.at(curve.threshold_at_fmr(target_fmr)).fnmr for curve in curves]
    eer_again = [
        np.array([crossing(r.grid, a, b)[0] for a, b in zip(r.fmr, r.fnmr, strict=True)])
        for r in again
    ]
    fnmr_again = [
        np.array([fnmr_at(a, b, target_fmr) for a, b in zip(r.fmr, r.fnmr, strict=True)])
        for r in again
    ]
    eer_grid = [crossing(r.grid, r.fmr_found, r.fnmr_found)[0] for r in again]
    fnmr_grid = [fnmr_at(r.fmr_found, r.fnmr_found, target_fmr) for r in again]
    right = (one >= at[0]) == flags, (two >= at[1]) == flags
    changed = _changed(one - at[0], two - at[1], (one, two), flags, right)
    return ModelComparison(
        comparisons=len(flags),
        first_eer=eers[0],
        second_eer=eers[1],
        eer_difference=percentile(
            eers[1] - eers[0], eer_grid[1] - eer_grid[0], eer_again[1] - eer_again[0]
        ),
        target_fmr=target_fmr,
        fnmr_difference=percentile(
            fnmrs[1] - fnmrs[0], fnmr_grid[1] - fnmr_grid[0], fnmr_again[1] - fnmr_again[0]
        ),
        mcnemar=mcnemar(*right),
        changed=changed[:CHANGED_KEPT],
        changed_total=len(changed),
    )


def mcnemar(first_right: ArrayLike, second_right: ArrayLike) -> McNemar:
    """McNemar's exact test of two models' decisions on the same comparisons (N,)."""
    one, two = np.asarray(first_right, bool), np.asarray(second_right, bool)
    only_one, only_two = int((one & ~two).sum()), int((~one & two).sum())
    return McNemar(only_one, only_two, _two_sided(min(only_one, only_two), only_one + only_two))


def _two_sided(fewer: int, total: int) -> float:
    """Twice the binomial(total, 1/2) chance of at most `fewer`, at most 1."""
    if not total:
        return 1.0
    logs = [
        math.lgamma(total + 1) - math.lgamma(k + 1) - math.lgamma(total - k + 1)
        for k in range(fewer + 1)
    ]
    top = max(logs)
    chance = math.exp(top - total * math.log(2)) * sum(math.exp(value - top) for value in logs)
    return min(1.0, 2 * chance)


def _changed(
    first_margin: Doubles,
    second_margin: Doubles,
    scores: tuple[Doubles, Doubles],
    mated: Flags,
    right: tuple[Flags, Flags],
) -> tuple[ChangedPair, ...]:
    rows = np.flatnonzero(right[0] != right[1])
    with np.errstate(invalid="ignore"):
        change = np.abs(second_margin - first_margin)[rows]
    rows = rows[np.argsort(-change, kind="stable")]
    return tuple(
        ChangedPair(
            int(row),
            bool(mated[row]),
            float(scores[0][row]),
            float(scores[1][row]),
            "first" if right[0][row] else "second",
        )
        for row in rows
    )
