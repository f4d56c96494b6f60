"""Thresholds from a calibration, with a hand-made one and with the project's own."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recognition.vision.calibration import Calibration, StrangerRate, from_json
from recognition.vision.errors import CalibrationMissing, ModelDamaged

BINS = 100  # each 0.02 wide


def calibration(nonmated: dict[float, int], mated: dict[float, float]) -> Calibration:
    """Counts by lower edge of their bin."""

    def spread(counts: dict[float, float]) -> np.ndarray:
        values = np.zeros(BINS)
        for edge, count in counts.items():
            values[round((edge + 1) * BINS / 2)] += count
        return values

    return Calibration(
        backbone="test",
        nonmated=spread({k: float(v) for k, v in nonmated.items()}).astype(np.int64),
        mated=spread(mated),
        centring=np.zeros(4, np.float32),
        people=10,
        images=20,
        failures=0,
        protocol="made by hand",
        weights_sha256="0" * 64,
    )


@pytest.fixture
def simple() -> Calibration:
    """100,000 nonmated pairs: 1,000 at 0.3, 100 at 0.5, 10 at 0.7, the rest at 0."""
    return calibration({0.0: 98_890, 0.3: 1000, 0.5: 100, 0.7: 10}, {0.4: 1.0, 0.6: 3.0, 0.8: 6.0})


def test_rates(simple: Calibration) -> None:
    assert simple.comparisons == 100_000
    assert simple.fmr_at(-1.0) == 1.0
    assert simple.fmr_at(0.5) == pytest.approx(110 / 100_000)
    assert simple.fmr_at(0.51) == pytest.approx(60 / 100_000)  # half of the bin
    assert simple.fmr_at(0.99) == 0.0
    assert simple.fnmr_at(0.6) == pytest.approx(0.1)
    assert simple.fnmr_at(1.0) == 1.0


def test_threshold_names_the_wanted_share_of_strangers(simple: Calibration) -> None:
    choice = simple.threshold_for(10, fpir=0.0111)
    assert choice.score == pytest.approx(0.32)  # the first edge with 110 or fewer pairs above
    assert choice.fmr == pytest.approx(0.0011)
    assert choice.expected_fpir == pytest.approx(0.0109, abs=1e-3)
    assert choice.supported


def test_beyond_thirty_errors_it_stops_and_says_so(simple: Calibration) -> None:
    choice = simple.threshold_for(1000, fpir=0.01)  # one error in 100,000 asked for
    assert not choice.supported
    assert choice.score == pytest.approx(0.52)  # ten pairs are above: the thirty-first decides
    assert choice.expected_fpir > 0.01
    assert simple.threshold_for(10**9).score == choice.score


def test_threshold_rises_with_the_gallery(simple: Calibration) -> None:
    found = [simple.threshold_for(n).score for n in (1, 3, 10, 100, 1000, 10_000)]
    assert found == sorted(found)
    assert simple.threshold_for(0) == simple.threshold_for(1)
    for fpir in (0.0, 1.0, -0.1, float("nan")):
        with pytest.raises(ValueError, match="fpir"):
            simple.threshold_for(10, fpir)


def test_a_stranger_rate_knows_its_limit(simple: Calibration) -> None:
    assert simple.stranger_rate(0.3) == StrangerRate(90, bounded=False)
    assert simple.stranger_rate(0.5) == StrangerRate(909, bounded=False)
    assert simple.stranger_rate(0.7) == StrangerRate(3333, bounded=True)
    assert simple.stranger_rate(0.99) == StrangerRate(3333, bounded=True)
    assert simple.stranger_rate(0.5, templates=100).one_in == 10
    assert simple.stranger_rate(0.5, templates=10**9).one_in == 1


@given(st.integers(1, 10**7), st.floats(1e-4, 0.5))
def test_never_more_strangers_than_asked_for_when_supported(templates: int, fpir: float) -> None:
    shape = np.exp(-0.5 * ((np.arange(4000) - 2000) / 250) ** 2) * 40_000
    made = Calibration(
        "test", shape.astype(np.int64), shape, np.zeros(4, np.float32), 1, 1, 0, "", ""
    )
    choice = made.threshold_for(templates, fpir)
    if choice.supported:
        assert choice.expected_fpir <= fpir * 1.0001
        below = choice.score - 0.001
        assert made.fmr_at(below) * templates > fpir * 0.99 or below < -1
    else:
        assert choice.fmr * templates >= fpir * 0.9


def test_files_that_are_missing_or_damaged(tmp_path: Path) -> None:
    with pytest.raises(CalibrationMissing):
        Calibration.load("nobody", tmp_path)
    (tmp_path / "torn.json").write_text('{"bins": 40', encoding="utf-8")
    with pytest.raises(ModelDamaged):
        Calibration.load("torn", tmp_path)
    (tmp_path / "other.json").write_text(json.dumps({"bins": 4}), encoding="utf-8")
    with pytest.raises(ModelDamaged):
        Calibration.load("other", tmp_path)


def test_the_project_s_own_file() -> None:
    own = Calibration.load("facenet-casia")
    assert own is Calibration.load("facenet-casia")  # read once
    assert own.centring.shape == (512,)
    assert own.comparisons > 8_000_000
    expected = {3: 0.40, 10: 0.46, 50: 0.53, 300: 0.59, 1000: 0.63}
    for templates, score in expected.items():
        choice = own.threshold_for(templates)
        assert choice.supported
        assert choice.score == pytest.approx(score, abs=0.015)
        assert choice.expected_fpir <= 0.0101


def test_histograms_are_stored_without_their_empty_ends() -> None:
    record = {
        "backbone": "x", "bins": 10, "people": 1, "images": 2, "failures": 0, "protocol": "",
        "weights_sha256": "", "centring": [0.1, 0.2],
        "nonmated": {"first_bin": 3, "counts": [5, 0, 7]},
        "mated": {"first_bin": 8, "counts": [0.5]},
    }  # fmt: skip
    read = from_json(record)
    assert read.nonmated.tolist() == [0, 0, 0, 5, 0, 7, 0, 0, 0, 0]
    assert read.mated.tolist() == [0, 0, 0, 0, 0, 0, 0, 0, 0.5, 0]
    for bad in ({"first_bin": 9, "counts": [1, 1]}, {"first_bin": 0, "counts": [-1, 3]}):
        with pytest.raises(ValueError, match="histogram"):
            from_json(record | {"nonmated": bad})
