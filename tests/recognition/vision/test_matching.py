"""Scores, decisions and the histograms of all pairs."""

import numpy as np
import pytest

from recognition.vision.embedding import unit
from recognition.vision.matching import all_pairs, bin_of, decide, score, scores
from recognition.vision.types import Floats


def random_embeddings(count: int, seed: int) -> Floats:
    return unit(np.random.default_rng(seed).normal(size=(count, 16)).astype(np.float32))


def test_scores_are_cosines() -> None:
    probes, templates = random_embeddings(3, 0), random_embeddings(5, 1)
    found = scores(probes, templates)
    assert found.shape == (3, 5)
    assert found.dtype == np.float32
    assert found[1, 2] == pytest.approx(float(np.dot(probes[1], templates[2])), abs=1e-6)
    assert scores(probes[0], templates).shape == (5,)
    assert score(probes[0], probes[0]) == pytest.approx(1.0)
    assert score(probes[0], probes[0]) <= 1.0


@pytest.mark.parametrize(
    ("best", "low_quality", "decision"),
    [
        (0.6, False, "identified"),
        (0.5, False, "identified"),
        (0.4999, False, "unknown"),
        (None, False, "unknown"),
        (0.9, True, "low_quality"),
        (0.1, True, "low_quality"),
        (None, True, "low_quality"),
    ],
)
def test_decision(best: float | None, low_quality: bool, decision: str) -> None:
    assert decide(best, 0.5, low_quality) == decision


@pytest.mark.parametrize("block", [7, 64, 1000])
def test_all_pairs_equals_counting_one_by_one(block: int) -> None:
    embeddings = random_embeddings(90, 2)
    labels = np.random.default_rng(3).integers(0, 20, 90)
    mated, nonmated = all_pairs(embeddings, labels, bins=50, block=block)
    expected = {True: np.zeros(50, int), False: np.zeros(50, int)}
    matrix = embeddings @ embeddings.T
    for i in range(90):
        for j in range(i + 1, 90):
            expected[bool(labels[i] == labels[j])][bin_of(matrix[i, j : j + 1], 50)[0]] += 1
    assert mated.total + nonmated.total == 90 * 89 // 2
    # One product may fall on the other side of a bin's edge when it is summed in another order.
    assert np.abs(mated.counts - expected[True]).sum() <= 2
    assert np.abs(nonmated.counts - expected[False]).sum() <= 2


def test_bins_cover_the_whole_range() -> None:
    values = np.array([-1.0, -0.5, 0.0, 0.999, 1.0, 1.0001, -1.0001], np.float32)
    assert bin_of(values, 4).tolist() == [0, 1, 2, 3, 3, 3, 0]
