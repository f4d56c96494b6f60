"""Sets of faces under every component of a version, and mixed scores between them.

What `calibration`, `open_set`, `lfw_pairs` and `cfp` share. The formulas are those of
`recognition.vision.scoring`, which the product uses as well.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recognition.vision.matching import bin_of
from recognition.vision.scoring import (
    COHORT_SIZE,
    CohortStatistics,
    Mix,
    ScoreKind,
    cohort_statistics,
    fit_mix,
    normalised,
)
from recognition.vision.types import Floats

Rows = NDArray[np.int64]
TERMS: dict[ScoreKind, tuple[tuple[int, bool, float], ...]] = {
    "normalised": ((0, False, 0.3), (0, True, 0.7)),
    "fused": ((0, False, 1.0), (1, False, 1.5)),
    "fused_normalised": ((0, False, 1.0), (1, False, 1.0), (0, True, 1.0), (1, True, 1.0)),
}
"""Component, whether cohort-normalised, weight: what each kind adds up.

The weights of `fused` were chosen on the LFW images that View 2 does not use: FNMR at FMR 1e-3 was
2.63, 2.23, 2.13 and 2.14 % at 0.5, 1, 1.5 and 2, at 1e-4 8.24, 7.67, 7.97 and 8.59 %.
"""
POSES: dict[str, tuple[float, float]] = {}
"""Yaw in degrees up to which a backbone counts fully, and from which it counts nothing."""
_SAMPLE = 400_000
_BLOCK = 256


@dataclass(frozen=True, slots=True, eq=False)
class Faces:
    """Centred unit-norm embeddings (N, d) of each component, with cohort statistics and yaw."""

    embeddings: tuple[Floats, ...]
    statistics: tuple[CohortStatistics, ...]
    yaw: Floats

    def rows(self, chosen: Any) -> "Faces":
        return Faces(
            tuple(part[chosen] for part in self.embeddings),
            tuple(part.rows(chosen) for part in self.statistics),
            self.yaw[chosen],
        )


def describe(embeddings: Sequence[Floats], cohort: Rows, yaw: Floats) -> Faces:
    """Faces with their statistics against the cohort, which are rows of the same arrays."""
    statistics = tuple(cohort_statistics(part, part[cohort]) for part in embeddings)
    return Faces(tuple(embeddings), statistics, np.abs(yaw).astype(np.float32))


def draw_cohort(people: Rows, rows: Rows, rng: np.random.Generator) -> Rows:
    """One of `rows` of each person, of at most COHORT_SIZE people."""
    return draw_one_each(people, rows, rng)[:COHORT_SIZE]


def draw_one_each(people: Rows, rows: Rows, rng: np.random.Generator) -> Rows:
    """One of `rows` of each person, in random order."""
    shuffled = rng.permutation(rows)
    _, first = np.unique(people[shuffled], return_index=True)
    return rng.permutation(shuffled[first])


def matrix(mix: Mix | None, probes: Faces, templates: Faces) -> Floats:
    """Scores (P, T); without a mix the cosines of the first component."""
    if mix is None:
        return probes.embeddings[0] @ templates.embeddings[0].T
    rows = []
    for start in range(0, len(probes.yaw), _BLOCK):
        part = probes.rows(slice(start, start + _BLOCK))
        raw = [a @ b.T for a, b in zip(part.embeddings, templates.embeddings, strict=True)]
        cohort: list[Floats | None] = [None] * len(raw)
        if mix.uses_cohort:
            cohort = [
                normalised(scores, ours, theirs)
                for scores, ours, theirs in zip(
                    raw, part.statistics, templates.statistics, strict=True
                )
            ]
        yaw = np.maximum(part.yaw[:, None], templates.yaw[None, :])
        rows.append(mix.scores(raw, cohort, yaw))
    return np.concatenate(rows)


def pairs(mix: Mix | None, faces: Faces, first: Rows, second: Rows) -> Floats:
    """Scores (n,) of pairs of rows."""
    raw, cohort = _pair_scores(faces, first, second)
    if mix is None:
        return raw[0]
    yaw = np.maximum(faces.yaw[first], faces.yaw[second])
    return mix.scores(raw, cohort, yaw)


def fit(
    kind: ScoreKind,
    faces: Faces,
    people: Rows,
    rng: np.random.Generator,
    poses: Sequence[tuple[float, float]] = (),
) -> Mix:
    """The constants of a kind of score from random nonmated pairs of these faces."""
    first, second = rng.integers(0, len(people), (2, _SAMPLE))
    strangers = people[first] != people[second]
    raw, cohort = _pair_scores(faces, first[strangers], second[strangers])
    own = [((1.0 - part.mean) / part.deviation).astype(np.float32) for part in faces.statistics]
    return fit_mix(kind, TERMS[kind], raw, cohort, own, poses=poses)


def histograms(
    mix: Mix, faces: Faces, people: Rows, bins: int
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Scores of all unordered pairs: mated weights, each person's pairs 1 in all, and counts."""
    mated, nonmated = np.zeros(bins), np.zeros(bins, np.int64)
    numbers = np.bincount(people)
    columns = np.arange(len(people))
    for start in range(0, len(people), _BLOCK):
        own = columns[start : start + _BLOCK]
        index = bin_of(matrix(mix, faces.rows(own), faces), bins)
        later = columns[None, :] > own[:, None]
        same = people[own][:, None] == people[None, :]
        nonmated += np.bincount(index[later & ~same], minlength=bins)
        rows, chosen = np.nonzero(later & same)
        sizes = numbers[people[own[rows]]]
        weights = 2.0 / (sizes * (sizes - 1.0))
        mated += np.bincount(index[rows, chosen], weights=weights, minlength=bins)
    return mated, nonmated


def _pair_scores(
    faces: Faces, first: Rows, second: Rows
) -> tuple[list[Floats], list[Floats | None]]:
    raw: list[Floats] = []
    cohort: list[Floats | None] = []
    for embeddings, statistics in zip(faces.embeddings, faces.statistics, strict=True):
        cosines = np.einsum("nd,nd->n", embeddings[first], embeddings[second])
        raw.append(cosines)
        cohort.append(normalised(cosines, statistics.rows(first), statistics.rows(second)))
    return raw, cohort
