"""Scores between embeddings and what follows from a score. Numpy only.

A score is the cosine of two unit-norm embeddings of one version, -1..1, higher is closer.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from recognition.vision.types import Floats

Decision = Literal["identified", "unknown", "low_quality"]
Counts = NDArray[np.int64]


def scores(probes: Floats, templates: Floats) -> Floats:
    """Cosine of every probe with every template: float32 (P, T), -1..1.

    Both inputs are float32 with unit-norm rows: (P, d) and (T, d). One probe may be (d,), then the
    result is (T,).
    """
    product: Floats = np.asarray(probes, np.float32) @ np.asarray(templates, np.float32).T
    return product.clip(-1.0, 1.0)


def score(first: Floats, second: Floats) -> float:
    """Cosine of two unit-norm embeddings (d,), -1..1."""
    return float(np.clip(np.dot(first, second), -1.0, 1.0))


def decide(best: float | None, threshold: float, low_quality: bool) -> Decision:
    """The answer for one face.

    `best` is the highest score in the gallery, None where the gallery is empty. A score at or
    above the threshold identifies. Low quality wins over both other answers: a bad crop is near
    to other bad crops, so its score means less than the calibration says.
    """
    if low_quality:
        return "low_quality"
    if best is not None and best >= threshold:
        return "identified"
    return "unknown"


@dataclass(frozen=True, slots=True)
class ScoreHistogram:
    """Counts of scores in equal bins over -1..1; bin i holds [edge i, edge i+1)."""

    counts: Counts

    @classmethod
    def empty(cls, bins: int) -> "ScoreHistogram":
        return cls(np.zeros(bins, np.int64))

    @property
    def bins(self) -> int:
        return int(self.counts.shape[0])

    @property
    def total(self) -> int:
        return int(self.counts.sum())

    def plus(self, other: "ScoreHistogram") -> "ScoreHistogram":
        return ScoreHistogram(self.counts + other.counts)


def bin_of(values: Floats, bins: int) -> NDArray[np.int64]:
    """Index of the bin of each score in `bins` equal bins over -1..1."""
    index = ((values.astype(np.float64) + 1.0) * (bins / 2.0)).astype(np.int64)
    return np.clip(index, 0, bins - 1)


def all_pairs(
    embeddings: Floats, labels: NDArray[np.int64], *, bins: int, block: int = 1024
) -> tuple[ScoreHistogram, ScoreHistogram]:
    """Histograms of the scores of all unordered pairs: (mated, nonmated).

    `embeddings` is float32 (N, d) with unit rows, `labels` int64 (N,), one number per identity.
    Memory stays at block x N floats; nothing per pair is kept.
    """
    mated = np.zeros(bins, np.int64)
    nonmated = np.zeros(bins, np.int64)
    for rows, columns in _blocks(len(embeddings), block):
        index = bin_of(embeddings[rows] @ embeddings[columns].T, bins)
        same = labels[rows][:, None] == labels[columns][None, :]
        wanted = np.ones(index.shape, bool)
        if rows == columns:
            wanted = np.triu(wanted, 1)
        mated += np.bincount(index[wanted & same], minlength=bins)
        nonmated += np.bincount(index[wanted & ~same], minlength=bins)
    return ScoreHistogram(mated), ScoreHistogram(nonmated)


def _blocks(count: int, block: int) -> Iterator[tuple[slice, slice]]:
    """Row and column slices that cover the upper triangle of a count x count matrix."""
    starts = range(0, count, block)
    for row in starts:
        for column in starts:
            if column >= row:
                yield slice(row, min(row + block, count)), slice(column, min(column + block, count))
