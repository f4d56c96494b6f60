"""FMR and FNMR over the threshold, from scores or from histograms, and what is read off them.

FMR: share of nonmated comparisons at or above the threshold. FNMR: share of mated comparisons
below it (ISO/IEC 19795-1; NIST FRTE). A comparison without a template has the score minus infinity:
it never matches, so it is a false non-match at every threshold.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from training.evaluation.arrays import Doubles, EvaluationError, Ints, pair_scores
from training.evaluation.comparisons import BINS, Comparisons, edges


@dataclass(frozen=True, slots=True)
class Point:
    """Errors at one threshold, as counts and as shares of 0..1."""

    threshold: float
    fmr: float
    fnmr: float
    false_matches: int
    false_non_matches: int


@dataclass(frozen=True, slots=True, eq=False)
class ErrorCurve:
    """Errors at every threshold that changes a count.

    `thresholds` float64 (T,), ascending; `false_matches` and `false_non_matches` int64 (T,). The
    last threshold is above every score. `mated` and `nonmated` count all comparisons, those without
    a template included.
    """

    thresholds: Doubles
    false_matches: Ints
    false_non_matches: Ints
    mated: int
    nonmated: int

    @classmethod
    def of_scores(cls, scores: ArrayLike, mated: ArrayLike) -> "ErrorCurve":
        """Exact curve of scored pairs (P,); every distinct score is a threshold.

        Raises `EvaluationError`: `bad_scores`, or `one_kind` without mated or nonmated pairs.
        """
        values, flags = pair_scores(scores, mated)
        own, other = np.sort(values[flags]), np.sort(values[~flags])
        _refuse_one_kind(len(own), len(other))
        distinct = np.unique(values[np.isfinite(values)])
        top = np.nextafter(distinct[-1:], np.inf) if len(distinct) else np.zeros(1)
        thresholds = np.concatenate([distinct, top])
        return cls(
            thresholds,
            len(other) - np.searchsorted(other, thresholds, "left").astype(np.int64),
            np.searchsorted(own, thresholds, "left").astype(np.int64),
            len(own),
            len(other),
        )

    @classmethod
    def of_comparisons(
        cls, found: Comparisons, *, failed_mated: int = 0, failed_nonmated: int = 0
    ) -> "ErrorCurve":
        """Curve at the edges of the bins that hold anything: exact there.

        `failed_mated` and `failed_nonmated` are comparisons that a failure to enroll prevented.
        """
        mated, nonmated = int(found.mated.sum()), int(found.nonmated.sum())
        _refuse_one_kind(mated + failed_mated, nonmated + failed_nonmated)
        used = np.flatnonzero(found.mated + found.nonmated)
        at = np.unique(np.concatenate([used, np.minimum(used + 1, BINS)]))
        below_own = np.concatenate([[0], np.cumsum(found.mated)])[at]
        below_other = np.concatenate([[0], np.cumsum(found.nonmated)])[at]
        thresholds = np.concatenate([edges(), [np.nextafter(1.0, 2.0)]])[at]
        if not len(at):
            thresholds, below_own, below_other = np.zeros(1), np.zeros(1), np.zeros(1)
        return cls(
            thresholds,
            (nonmated - below_other).astype(np.int64),
            (below_own + failed_mated).astype(np.int64),
            mated + failed_mated,
            nonmated + failed_nonmated,
        )

    @property
    def fmr(self) -> Doubles:
        return np.asarray(self.false_matches / self.nonmated, np.float64)

    @property
    def fnmr(self) -> Doubles:
        return np.asarray(self.false_non_matches / self.mated, np.float64)

    def at(self, threshold: float) -> Point:
        """Errors at any threshold; between two bin edges those of the next edge above."""
        place = int(np.searchsorted(self.thresholds, threshold, "left"))
        if place == len(self.thresholds):
            place -= 1
        matches, misses = int(self.false_matches[place]), int(self.false_non_matches[place])
        return Point(threshold, matches / self.nonmated, misses / self.mated, matches, misses)

    def threshold_at_fmr(self, target: float) -> float:
        """The lowest threshold with FMR of at most `target`; there is always one."""
        return float(self.thresholds[int(np.argmax(self.fmr <= target))])

    def eer(self) -> tuple[float, float]:
        """Equal error rate and its threshold, interpolated between the two points around it.

        Where failures to enroll keep FNMR above FMR everywhere it is the mean of both rates at the
        first threshold.
        """
        return crossing(self.thresholds, self.fmr, self.fnmr)

    def auc(self) -> float:
        """Chance that a mated score is above a nonmated one; ties (and one bin) count a half."""
        wins = -np.diff(self.false_matches).astype(np.float64)  # nonmated in [t_i, t_i+1)
        own = np.diff(self.false_non_matches).astype(np.float64)
        above = np.concatenate([[0.0], np.cumsum(wins)])[:-1]
        failed_own = float(self.false_non_matches[0])
        failed_other = float(self.nonmated - self.false_matches[0])
        score = float(own @ (above + failed_other + wins / 2)) + failed_own * failed_other / 2
        return score / (float(self.mated) * float(self.nonmated))

    def best_accuracy(self) -> tuple[float, float]:
        """Highest share of right decisions over these comparisons, and the threshold for it.

        The threshold is the middle between the two scores around it; of several best places, the
        lowest.
        """
        right = self.nonmated - self.false_matches + self.mated - self.false_non_matches
        best = int(np.argmax(right))
        share = float(right[best]) / (self.mated + self.nonmated)
        if best in (0, len(right) - 1):  # nothing is between the highest score and the last one
            return share, float(self.thresholds[best])
        return share, float((self.thresholds[best - 1] + self.thresholds[best]) / 2)

    def thinned(self, points: int = 400) -> "ErrorCurve":
        """At most about `points` thresholds, spread over both error rates on a log scale."""
        if len(self.thresholds) <= points:
            return self
        kept = np.unique(
            np.concatenate(
                [
                    [0, len(self.thresholds) - 1],
                    _spread(self.fmr, points // 2),
                    _spread(self.fnmr, points // 2),
                ]
            )
        )
        return ErrorCurve(
            self.thresholds[kept],
            self.false_matches[kept],
            self.false_non_matches[kept],
            self.mated,
            self.nonmated,
        )


def crossing(thresholds: Doubles, fmr: Doubles, fnmr: Doubles) -> tuple[float, float]:
    """Where FNMR reaches FMR: (rate, threshold), linear between the two neighbours."""
    over = fnmr >= fmr
    if not over.any():  # a grid that ends below the crossing
        return float((fmr[-1] + fnmr[-1]) / 2), float(thresholds[-1])
    after = int(np.argmax(over))
    if after == 0:
        return float((fmr[0] + fnmr[0]) / 2), float(thresholds[0])
    before = after - 1
    gap = fmr[before] - fnmr[before]
    closing = gap + fnmr[after] - fmr[after]
    part = float(gap / closing)
    rate = fmr[before] + part * (fmr[after] - fmr[before])
    threshold = thresholds[before] + part * (thresholds[after] - thresholds[before])
    return float(rate), float(threshold)


def _spread(rate: Doubles, points: int) -> Ints:
    """Places where a monotone rate passes values that are evenly spaced by their logit."""
    inside = np.clip(rate, 1e-9, 1 - 1e-9)
    scale = np.log(inside / (1 - inside))
    if scale[0] > scale[-1]:
        scale = -scale
    steps = np.linspace(scale[0], scale[-1], points)
    return np.clip(np.searchsorted(scale, steps), 0, len(rate) - 1).astype(np.int64)


def _refuse_one_kind(mated: int, nonmated: int) -> None:
    if not mated or not nonmated:
        kind = "mated" if not mated else "nonmated"
        raise EvaluationError("one_kind", f"there are no {kind} comparisons")
