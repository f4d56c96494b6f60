"""Kinds of scores: raw, cohort-normalised, fused. Numpy only; what every comparison goes through.

raw                the cosine of two embeddings of one version
normalised         the cosine and its cohort-normalised form (AS-norm), mixed
fused              the cosines of several component versions, mixed
fused_normalised   the cosines of several versions and their cohort-normalised forms, mixed

AS-norm, adaptive symmetric score normalisation, comes from speaker recognition (Matejka et al.,
"Analysis of Score Normalization in Multilingual Speaker Recognition", Interspeech 2017): a score
counts by how far it stands out from what each of the two faces scores with the strangers that are
nearest to it. Every mixed score is scaled to -1..1: 0 is the mean of strangers, 1 what a picture
scores with itself. Scores of two kinds are never compared.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from recognition.vision.types import Floats

ScoreKind = Literal["raw", "normalised", "fused", "fused_normalised"]
KINDS: tuple[ScoreKind, ...] = ("raw", "normalised", "fused", "fused_normalised")

COHORT_SIZE = 2000
"""People in a cohort at most, one template each."""
COHORT_LEAST = 300
"""Fewer people than this make no cohort: the trial's gain needed about as many."""
COHORT_DROP = 10
"""The nearest of the cohort are left out: they may be the same person, or kin."""
COHORT_KEEP = 200
"""So many of the next nearest make mean and deviation."""
_LEAST_DEVIATION = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class CohortStatistics:
    """Mean and deviation of each face's scores with its nearest strangers: float32 (N,) each."""

    mean: Floats
    deviation: Floats

    def rows(self, chosen: Any) -> "CohortStatistics":
        """Those of some faces; `chosen` is any numpy index."""
        return CohortStatistics(self.mean[chosen], self.deviation[chosen])


def cohort_statistics(embeddings: Floats, cohort: Floats, *, block: int = 1024) -> CohortStatistics:
    """Statistics of unit-norm `embeddings` (N, d) against a `cohort` (C, d) of one version.

    Of each face's C scores the COHORT_DROP highest are left out and the COHORT_KEEP next ones are
    used, or as many as there are. Raises ValueError for a cohort of COHORT_DROP + 2 or fewer.
    """
    if len(cohort) <= COHORT_DROP + 2:
        raise ValueError(f"a cohort of {len(cohort)} is too small")
    highest = min(len(cohort), COHORT_DROP + COHORT_KEEP)
    mean = np.empty(len(embeddings), np.float32)
    deviation = np.empty(len(embeddings), np.float32)
    for start in range(0, len(embeddings), block):
        scored = embeddings[start : start + block] @ cohort.T
        scored = -np.partition(-scored, highest - 1, axis=1)[:, :highest]
        scored.sort(axis=1)
        used = scored[:, : highest - COHORT_DROP]
        mean[start : start + block] = used.mean(axis=1)
        deviation[start : start + block] = used.std(axis=1)
    return CohortStatistics(mean, np.maximum(deviation, np.float32(_LEAST_DEVIATION)))


def normalised(scores: Floats, probes: CohortStatistics, templates: CohortStatistics) -> Floats:
    """AS-norm of cosines: ((s - m_p) / d_p + (s - m_t) / d_t) / 2, in deviations, float32.

    `scores` is (P, T) for P probes and T templates, or (n,) for n pairs with statistics of n each.
    """
    if scores.ndim == 2:
        mean, deviation = probes.mean[:, None], probes.deviation[:, None]
    else:
        mean, deviation = probes.mean, probes.deviation
    both: Floats = (scores - mean) / deviation + (scores - templates.mean) / templates.deviation
    both *= np.float32(0.5)
    return both


@dataclass(frozen=True, slots=True)
class Term:
    """One summand of a mixed score: a component's cosine or its normalised form.

    It enters as weight x (value - mean) / deviation, with the mean and deviation of strangers.
    `full_yaw` and `no_yaw` are degrees: the weight falls from full to nothing between them, for
    a network that fails on turned faces.
    """

    component: int
    normalised: bool
    mean: float
    deviation: float
    weight: float = 1.0
    full_yaw: float = 180.0
    no_yaw: float = 180.0

    def weights(self, yaw: Floats) -> Floats:
        """Weight for pairs whose more turned face has this yaw in degrees, 0 or more."""
        if self.no_yaw <= self.full_yaw:
            return np.full_like(yaw, self.weight)
        share = (np.float32(self.no_yaw) - yaw) / np.float32(self.no_yaw - self.full_yaw)
        turned: Floats = (np.float32(self.weight) * share.clip(0.0, 1.0)).astype(np.float32)
        return turned


@dataclass(frozen=True, slots=True)
class Mix:
    """How a kind of score other than raw is made; constants fitted by `benchmarks.calibration`.

    `correlation` is that of the terms over nonmated pairs: it keeps the deviation of strangers the
    same whatever the weights. `unit` is what a picture scores with itself, in deviations.
    """

    kind: ScoreKind
    terms: tuple[Term, ...]
    correlation: tuple[tuple[float, ...], ...]
    unit: float

    @property
    def components(self) -> int:
        """Number of component versions that are compared."""
        return 1 + max(term.component for term in self.terms)

    @property
    def uses_cohort(self) -> bool:
        return any(term.normalised for term in self.terms)

    def scores(
        self, raw: Sequence[Floats], cohort: Sequence[Floats | None], yaw: Floats | float = 0.0
    ) -> Floats:
        """Mixed scores, float32, -1..1, of the shape of the components' cosines.

        `raw` are the cosines of each component and `cohort` their normalised forms, None where no
        term needs one. A value that is not a number leaves its term out, for faces without a
        template of that component. `yaw` is the larger absolute yaw of the two faces in degrees.
        """
        turned = np.broadcast_to(np.asarray(yaw, np.float32), raw[0].shape)
        total = np.zeros(raw[0].shape, np.float32)
        weights = []
        for term in self.terms:
            values = cohort[term.component] if term.normalised else raw[term.component]
            if values is None:
                raise ValueError("this kind of score needs cohort statistics")
            known = np.isfinite(values)
            weight = np.where(known, term.weights(turned), np.float32(0))
            standing = (np.where(known, values, 0) - np.float32(term.mean)) / np.float32(
                term.deviation
            )
            total += weight * standing
            weights.append(weight)
        total /= self._spread(weights) * np.float32(self.unit)
        return total.clip(-1.0, 1.0)

    def _spread(self, weights: list[Floats]) -> Floats:
        """Deviation of the weighted sum over strangers: sqrt(w' R w)."""
        square = np.zeros_like(weights[0])
        for row, first in zip(self.correlation, weights, strict=True):
            for factor, second in zip(row, weights, strict=True):
                square += np.float32(factor) * first * second
        spread: Floats = np.sqrt(np.maximum(square, np.float32(1e-6)))
        return spread

    def as_json(self) -> dict[str, Any]:
        """The form that a calibration file keeps."""
        return asdict(self)

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> "Mix":
        """Undo `as_json`. Raises LookupError, TypeError or ValueError."""
        if record["kind"] not in KINDS or record["kind"] == "raw":
            raise ValueError(f"kind of score {record['kind']!r}")
        terms = tuple(Term(**term) for term in record["terms"])
        correlation = tuple(tuple(float(v) for v in row) for row in record["correlation"])
        if not terms or any(len(row) != len(terms) for row in correlation):
            raise ValueError("a mix needs terms and their correlation")
        return cls(record["kind"], terms, correlation, float(record["unit"]))


def fit_mix(
    kind: ScoreKind,
    terms: Sequence[tuple[int, bool, float]],
    raw: Sequence[Floats],
    cohort: Sequence[Floats | None],
    own: Sequence[Floats | None],
    *,
    poses: Sequence[tuple[float, float]] = (),
) -> Mix:
    """A Mix from nonmated pairs of people who are neither enrolled nor asked about.

    `terms` are (component, normalised, weight). `raw` and `cohort` are each component's cosines
    and normalised scores of the same n pairs, (n,). `own` are the normalised scores (m,) of
    pictures with themselves, None where nothing is normalised. `poses` are (full_yaw, no_yaw) of
    each component.
    """
    values, fitted = [], []
    for component, is_normalised, weight in terms:
        column = cohort[component] if is_normalised else raw[component]
        if column is None:
            raise ValueError("this kind of score needs cohort statistics")
        column = np.asarray(column, np.float64)
        full, none = poses[component] if poses else (180.0, 180.0)
        fitted.append(
            Term(
                component,
                is_normalised,
                _digits(column.mean()),
                _digits(column.std()),
                weight,
                full,
                none,
            )
        )
        values.append(column)
    correlation = np.atleast_2d(np.corrcoef(values)).tolist()
    rows = tuple(tuple(_digits(value) for value in row) for row in correlation)
    mix = Mix(kind, tuple(fitted), rows, 1.0)
    return Mix(kind, mix.terms, rows, _digits(_self_score(mix, own)))


def _self_score(mix: Mix, own: Sequence[Floats | None]) -> float:
    """What a picture scores with itself under a mix of unit 1, on average, in deviations."""
    total = 0.0
    for term in mix.terms:
        value = 1.0
        if term.normalised:
            column = own[term.component]
            value = float(np.mean(column)) if column is not None else 0.0
        total += term.weight * (value - term.mean) / term.deviation
    weights = np.array([term.weight for term in mix.terms])
    return total / float(np.sqrt(weights @ np.array(mix.correlation) @ weights))


def _digits(value: float | np.floating[Any]) -> float:
    return float(f"{float(value):.6g}")
