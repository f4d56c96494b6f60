"""Bootstrap over identities for rates of comparisons.

Comparisons that share a person are not independent, so people are resampled, not pairs. Each
replicate draws people with replacement and moves every rate by the sum of the influences of the
people drawn (the linear part of the U-statistic). A nonmated pair belongs to two people and would
count twice; the spread is scaled to the dyadic cluster-robust variance, the sum over people less
the sum over pairs (Fafchamps & Gubert 2007), and never below the binomial one. Moves are made on
the logit scale, so that no replicate leaves 0..1.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from training.evaluation.arrays import (
    Doubles,
    Floats,
    Ints,
    Progress,
    labels,
    pair_scores,
    unit_rows,
)
from training.evaluation.uncertainty import (
    Estimate,
    Interval,
    Measured,
    NotSupported,
    Rate,
    measured,
    wilson,
)

REPLICATES = 1000
GRID = 512
MOST_PEOPLE = 20_000


@dataclass(frozen=True, slots=True, eq=False)
class IdentityCounts:
    """Errors per identity over a grid of thresholds.

    `grid` float64 (G,), ascending. `false_matches` (A, G): of each of A people, their nonmated
    comparisons at or above; a pair counts with both. `false_non_matches` (A, G): their mated
    comparisons below. `nonmated`, `mated` (A,): how many they have.
    """

    grid: Doubles
    false_matches: Ints
    false_non_matches: Ints
    nonmated: Ints
    mated: Ints

    @classmethod
    def of_pairs(
        cls,
        scores: ArrayLike,
        mated: ArrayLike,
        first: ArrayLike,
        second: ArrayLike,
        grid: Doubles | None = None,
    ) -> "IdentityCounts":
        """Of scored pairs (P,) with the identities of both sides, numbers or strings (P,)."""
        values, flags = pair_scores(scores, mated)
        both = labels(np.concatenate([np.asarray(first), np.asarray(second)]), 2 * len(values))
        one, two = both[: len(values)], both[len(values) :]
        steps = grid_of(values) if grid is None else grid
        people = int(both.max()) + 1 if len(both) else 0
        place = np.searchsorted(steps, values, "right")  # thresholds 0..place-1 are reached
        non = np.zeros((people, len(steps) + 1), np.int64)
        own = np.zeros((people, len(steps) + 1), np.int64)
        np.add.at(non, (one[~flags], place[~flags]), 1)
        np.add.at(non, (two[~flags], place[~flags]), 1)
        np.add.at(own, (one[flags], place[flags]), 1)
        return _cumulated(steps, non, own)

    @classmethod
    def of_templates(
        cls,
        templates: ArrayLike,
        identities: ArrayLike,
        *,
        progress: Progress | None = None,
    ) -> "IdentityCounts":
        """Of all unordered pairs of N templates, on a grid of 512 scores over -1..1.

        Of more than 20,000 people as many are drawn by a fixed seed, so that tables and time stay
        bounded; intervals are then a little wider than they need be.
        """
        rows = unit_rows(templates)
        label = labels(identities, len(rows))
        if len(label) and label.max() >= MOST_PEOPLE:
            rng = np.random.default_rng(0)
            drawn = np.isin(label, rng.choice(int(label.max()) + 1, MOST_PEOPLE, replace=False))
            rows, label = rows[drawn], labels(label[drawn], int(drawn.sum()))
        order = np.argsort(label, kind="stable")
        rows, label = rows[order], label[order]
        people = int(label.max()) + 1 if len(label) else 0
        non = np.zeros((people, GRID + 1), np.int64)
        own = np.zeros((people, GRID + 1), np.int64)
        for start in range(0, len(rows), 256):
            stop = min(start + 256, len(rows))
            _count_rows(rows, label, start, stop, non, own)
            if progress is not None:
                progress(stop, len(rows))
        steps = np.arange(GRID, dtype=np.float64) / (GRID / 2) - 1.0
        return _cumulated(steps, non, own // 2)


def grid_of(values: Doubles) -> Doubles:
    """Thresholds for a grid: all distinct scores, or 512 quantiles of them when there are more."""
    finite = np.unique(values[np.isfinite(values)])
    if len(finite) > GRID:
        finite = np.unique(np.quantile(finite, np.linspace(0, 1, GRID)))
    return finite


def _count_rows(
    rows: Floats,
    label: Ints,
    start: int,
    stop: int,
    non: Ints,
    own: Ints,
) -> None:
    """Add the comparisons of some rows with all others to the counts of their people."""
    values = rows[start:stop] @ rows.T
    values *= np.float32(GRID / 2)
    np.floor(values, out=values)
    np.clip(values, -GRID // 2, GRID // 2 - 1, out=values)
    values += np.float32(GRID // 2 + 1)  # place 1..GRID: the thresholds reached
    values[np.arange(stop - start), np.arange(start, stop)] = 0  # itself
    index = values.astype(np.int64)
    index += (np.arange(stop - start) * (GRID + 1))[:, None]
    all_counts = np.bincount(index.ravel(), minlength=(stop - start) * (GRID + 1))
    table = all_counts.reshape(stop - start, GRID + 1)
    table[:, 0] = 0
    mine = np.zeros_like(table)
    low = np.searchsorted(label, label[start:stop], "left")
    high = np.searchsorted(label, label[start:stop], "right")
    for row in np.flatnonzero(high - low > 1):
        places = values[row, low[row] : high[row]].astype(np.int64)
        mine[row] = np.bincount(places, minlength=GRID + 1)
    mine[:, 0] = 0
    np.add.at(non, label[start:stop], table - mine)
    np.add.at(own, label[start:stop], mine)


def _cumulated(grid: Doubles, non: Ints, own: Ints) -> IdentityCounts:
    """From counts by number of thresholds reached to counts at each threshold."""
    reached = non[:, ::-1].cumsum(axis=1)[:, ::-1]
    missed = own.cumsum(axis=1)
    return IdentityCounts(grid, reached[:, 1:], missed[:, :-1], non.sum(axis=1), own.sum(axis=1))


@dataclass(frozen=True, slots=True, eq=False)
class Replicates:
    """Bootstrap replicates of both rates on the grid: `fmr`, `fnmr` float64 (R, G)."""

    grid: Doubles
    fmr: Doubles
    fnmr: Doubles
    fmr_found: Doubles
    fnmr_found: Doubles


def weights(people: int, replicates: int, seed: int) -> Doubles:
    """How often each of A people is drawn: float64 (R, A), rows sum to A."""
    rng = np.random.default_rng(seed)
    drawn = np.empty((replicates, people), np.float64)
    for row in drawn:
        row[:] = np.bincount(rng.integers(0, people, people), minlength=people)
    return drawn


def resample(counts: IdentityCounts, replicates: int = REPLICATES, seed: int = 0) -> Replicates:
    """Replicates of FMR and FNMR over the grid."""
    drawn = weights(len(counts.mated), replicates, seed)
    fmr, fmr_found = _moved(drawn, counts.false_matches, counts.nonmated, pairs_twice=True)
    fnmr, fnmr_found = _moved(drawn, counts.false_non_matches, counts.mated, pairs_twice=False)
    fmr = np.minimum.accumulate(fmr, axis=1)
    fnmr = np.maximum.accumulate(fnmr, axis=1)
    return Replicates(counts.grid, fmr, fnmr, fmr_found, fnmr_found)


def _moved(
    drawn: Doubles, errors: Ints, trials: Ints, *, pairs_twice: bool
) -> tuple[Doubles, Doubles]:
    """Replicated rates (R, G) and the rate found (G,)."""
    total = float(trials.sum())
    if total == 0:
        return np.zeros((len(drawn), errors.shape[1])), np.zeros(errors.shape[1])
    counted = total / 2 if pairs_twice else total
    rate = errors.sum(axis=0) / total
    influence = (errors - rate * trials[:, None]) / counted
    alone = rate * (1 - rate) / counted  # variance of independent comparisons
    variance = (influence**2).sum(axis=0)
    wanted = np.maximum(variance - (alone if pairs_twice else 0.0), alone)
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = np.where(variance > 0, np.sqrt(wanted / variance), 0.0)
        slope = np.where(alone > 0, scale / (rate * (1 - rate)), 0.0)
        logit = np.log(rate) - np.log1p(-rate)
    moved = logit + slope * ((drawn - 1.0) @ influence)
    with np.errstate(over="ignore"):
        replicated = 1.0 / (1.0 + np.exp(-moved))
    return np.where((rate > 0) & (rate < 1), replicated, rate), rate


def percentile(found: float, grid_found: float, values: Doubles, level: float = 0.95) -> Estimate:
    """`found` with the percentile interval of replicates, moved by what the grid is off."""
    good = values[np.isfinite(values)]
    if not len(good):
        return Estimate(found)
    tail = (1 - level) / 2
    low, high = np.quantile(good, [tail, 1 - tail]) + (found - grid_found)
    return Estimate(found, Interval(float(low), float(high), level, "bootstrap over identities"))


def clustered(wrong: ArrayLike, first: ArrayLike, second: ArrayLike | None = None) -> Measured:
    """A share of comparisons that share people: Wilson's interval with an effective number.

    `wrong` (P,) flags; `first` and, for nonmated comparisons, `second` (P,) the people. The
    effective number is p(1-p) over the cluster-robust (for two sides: dyadic) variance.
    """
    flags = np.asarray(wrong, bool)
    plain = measured(int(flags.sum()), len(flags))
    if isinstance(plain, NotSupported) or flags.all():
        return plain
    residual = flags - plain.value
    sides = [np.asarray(first)] if second is None else [np.asarray(first), np.asarray(second)]
    label = labels(np.concatenate(sides), len(sides) * len(flags))
    sums = np.bincount(label, weights=np.tile(residual, len(sides)))
    alone = float((residual**2).sum())
    spread = float((sums**2).sum()) - (alone if second is not None else 0.0)
    effective = len(flags) * alone / max(spread, alone)
    span = wilson(plain.value * effective, effective)
    method = "wilson, people as clusters"
    return Rate(
        plain.value, plain.errors, plain.trials, Interval(span.low, span.high, span.level, method)
    )
