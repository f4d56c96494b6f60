"""Fused scores against their definitions, and the calibration that comes with the project."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recognition.vision.calibration import Calibration
from recognition.vision.errors import CalibrationMissing, ModelDamaged
from recognition.vision.fusion import (
    RULES,
    FusionCalibration,
    centroid_length,
    fuse,
    fuse_rows,
    votes_needed,
)

HUNDREDTHS = st.integers(-100, 100).map(lambda n: n / 100)
SCORES = st.lists(HUNDREDTHS, min_size=1, max_size=30)


def test_each_rule_by_hand() -> None:
    scores = np.array([0.9, 0.1, 0.5, 0.3, 0.7], np.float32)
    assert fuse("max", scores) == pytest.approx(0.9)
    assert fuse("mean", scores) == pytest.approx(0.5)
    assert fuse("top_mean", scores) == pytest.approx(0.7)
    assert fuse("vote", scores) == pytest.approx(0.5)
    assert fuse("centroid", scores, centroid_length=0.8) == pytest.approx(0.625)


@pytest.mark.parametrize("rule", RULES)
def test_one_anchor_is_a_pair(rule: str) -> None:
    assert fuse(rule, np.array([0.42], np.float32)) == pytest.approx(0.42)  # type: ignore[arg-type]


@given(SCORES, HUNDREDTHS)
def test_the_vote_counts_anchors_at_any_threshold(scores: list[float], threshold: float) -> None:
    votes = sum(score >= np.float32(threshold) for score in np.array(scores, np.float32))
    passed = fuse("vote", np.array(scores, np.float32)) >= np.float32(threshold)
    assert passed == (votes >= votes_needed(len(scores)))
    assert votes_needed(len(scores)) > len(scores) / 2 >= votes_needed(len(scores)) - 1


@given(SCORES)
def test_rules_keep_their_order(scores: list[float]) -> None:
    row = np.array(scores, np.float32)
    assert fuse("max", row) >= fuse("top_mean", row) - 1e-6
    assert fuse("top_mean", row) >= fuse("mean", row) - 1e-6


def test_the_centroid_is_the_cosine_with_the_mean() -> None:
    rng = np.random.default_rng(5)
    anchors = rng.standard_normal((6, 16)).astype(np.float32)
    anchors /= np.linalg.norm(anchors, axis=1, keepdims=True)
    probes = rng.standard_normal((4, 16)).astype(np.float32)
    probes /= np.linalg.norm(probes, axis=1, keepdims=True)
    mean = anchors.mean(axis=0)
    expected = probes @ mean / np.linalg.norm(mean)
    found = fuse_rows("centroid", probes @ anchors.T, centroid_length=centroid_length(anchors))
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_nothing_to_fuse_is_refused() -> None:
    with pytest.raises(ValueError, match="anchors"):
        fuse("max", np.array([], np.float32))
    with pytest.raises(ValueError, match="rule"):
        fuse("median", np.array([0.1], np.float32))  # type: ignore[arg-type]


def test_the_calibration_of_the_project() -> None:
    fusion = FusionCalibration.load("facenet-casia")
    single = Calibration.load("facenet-casia")
    assert fusion.weights_sha256 == single.weights_sha256
    for rate in fusion.fmrs[:3]:
        pair = single.threshold_for(1, fpir=rate).score
        for rule in RULES:
            # One anchor is a pair, measured on a draw of the same images.
            assert fusion.threshold(rule, 1, rate).score == pytest.approx(pair, abs=0.02)
        best = [fusion.threshold("max", n, rate).score for n in (1, 2, 4, 9, 16, 500)]
        assert best == sorted(best), "the nearest of more strangers is nearer"
    strict = fusion.threshold("centroid", 4, 0.0001)
    assert strict.score > fusion.threshold("centroid", 4, 0.01).score
    assert strict.supported
    assert not fusion.threshold("centroid", 500, 0.00001).supported
    assert fusion.threshold("max", 500, 0.01).anchors == fusion.counts[-1]
    with pytest.raises(ValueError, match="no threshold"):
        fusion.threshold("max", 3, 0.02)


def test_missing_and_damaged_files(tmp_path) -> None:
    with pytest.raises(CalibrationMissing):
        FusionCalibration.load("nobody", tmp_path)
    (tmp_path / "broken.fusion.json").write_text('{"counts": [1]}')
    with pytest.raises(ModelDamaged):
        FusionCalibration.load("broken", tmp_path)
