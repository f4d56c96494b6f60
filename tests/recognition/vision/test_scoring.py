"""Kinds of scores, checked by hand-worked cases and by what they are for."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recognition.vision import scoring
from recognition.vision.embedding import unit
from recognition.vision.scoring import CohortStatistics, Mix, Term, cohort_statistics, normalised
from recognition.vision.types import Floats


def floats(*values: float) -> Floats:
    return np.array(values, np.float32)


def test_cohort_statistics_leave_out_the_nearest_ten() -> None:
    # One face along x, a cohort whose scores with it are 0.99, 0.98, ... 0.01, in any order.
    values = np.arange(1, 100, dtype=np.float32)[::-1] / 100
    cohort = np.stack([values, np.sqrt(1 - values**2)], axis=1)
    cohort = cohort[np.random.default_rng(1).permutation(99)]
    found = cohort_statistics(np.array([[1.0, 0.0]], np.float32), cohort)
    assert found.mean[0] == pytest.approx(values[10:].mean(), abs=1e-5)  # 0.89 ... 0.01
    assert found.deviation[0] == pytest.approx(values[10:].std(), abs=1e-5)


def test_cohort_statistics_use_the_next_two_hundred_and_any_block() -> None:
    rng = np.random.default_rng(2)
    faces = unit(rng.normal(size=(50, 16)).astype(np.float32))
    cohort = unit(rng.normal(size=(700, 16)).astype(np.float32))
    found = cohort_statistics(faces, cohort, block=7)
    expected = np.sort(faces @ cohort.T, axis=1)[:, ::-1][:, 10:210]
    np.testing.assert_allclose(found.mean, expected.mean(axis=1), atol=1e-6)
    np.testing.assert_allclose(found.deviation, expected.std(axis=1), atol=1e-6)
    with pytest.raises(ValueError, match="too small"):
        cohort_statistics(faces, cohort[:12])


def test_a_cohort_of_one_picture_gives_no_division_by_zero() -> None:
    same = np.tile(floats(1.0, 0.0), (30, 1))
    assert cohort_statistics(same[:1], same).deviation[0] > 0


def test_as_norm_by_hand() -> None:
    probe = CohortStatistics(floats(0.2), floats(0.1))
    templates = CohortStatistics(floats(0.1, 0.3), floats(0.05, 0.2))
    found = normalised(np.array([[0.5, 0.4]], np.float32), probe, templates)
    # ((0.5-0.2)/0.1 + (0.5-0.1)/0.05) / 2 = (3 + 8) / 2; ((0.4-0.2)/0.1 + (0.4-0.3)/0.2) / 2
    np.testing.assert_allclose(found, [[5.5, 1.25]], rtol=1e-5)
    pairs = normalised(floats(0.5, 0.4), probe.rows([0, 0]), templates)
    np.testing.assert_allclose(pairs, [5.5, 1.25], rtol=1e-5)


def a_mix(**change: float) -> Mix:
    terms = (Term(0, False, 0.1, 0.1), Term(1, False, 0.8, 0.05, **change))
    return Mix("fused", terms, ((1.0, 0.28), (0.28, 1.0)), unit=10.0)


def test_a_mix_by_hand() -> None:
    # (0.4-0.1)/0.1 + (0.9-0.8)/0.05 = 3 + 2; deviation sqrt(1 + 1 + 2 x 0.28) = 1.6; unit 10
    found = a_mix().scores([floats(0.4), floats(0.9)], [None, None])
    np.testing.assert_allclose(found, [5 / 1.6 / 10], rtol=1e-5)


def test_a_component_that_fails_on_profiles_fades_out() -> None:
    mix = a_mix(full_yaw=20.0, no_yaw=40.0)
    raw = [floats(0.4, 0.4, 0.4), floats(0.2, 0.2, 0.2)]
    found = mix.scores(raw, [None, None], floats(10.0, 30.0, 60.0))
    half = (3 - 0.5 * 12) / np.sqrt(1 + 0.25 + 0.28) / 10
    np.testing.assert_allclose(found, [(3 - 12) / 1.6 / 10, half, 0.3], rtol=1e-5)


def test_a_term_without_a_value_is_left_out() -> None:
    found = a_mix().scores([floats(0.4, 0.4), floats(float("nan"), 0.9)], [None, None])
    np.testing.assert_allclose(found, [3 / 10, 5 / 1.6 / 10], rtol=1e-5)


def test_mixes_stay_in_range_and_keep_the_order_of_their_terms() -> None:
    grid = np.linspace(-1, 1, 41, dtype=np.float32)
    found = a_mix().scores([grid, grid], [None, None])
    assert found.min() >= -1 and found.max() <= 1
    assert (np.diff(found) >= 0).all()


def test_a_mix_survives_its_file_and_bad_files_are_refused() -> None:
    mix = a_mix(full_yaw=20.0, no_yaw=40.0)
    assert Mix.from_json(json.loads(json.dumps(mix.as_json()))) == mix
    changes: tuple[dict[str, object], ...] = (
        {"kind": "raw"},
        {"kind": "guess"},
        {"terms": []},
        {"correlation": [[1.0]]},
    )
    for change in changes:
        with pytest.raises(ValueError, match=r"kind of score|a mix needs"):
            Mix.from_json(mix.as_json() | change)
    with pytest.raises(ValueError, match="cohort"):
        Mix("normalised", (Term(0, True, 0.0, 1.0),), ((1.0,),), 1.0).scores([floats(0.1)], [None])


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.0, 0.9))
def test_fitted_mixes_put_strangers_at_zero_and_a_picture_with_itself_at_one(
    seed: int, together: float
) -> None:
    rng = np.random.default_rng(seed)
    shared = rng.normal(size=4000)
    raw = [
        (0.1 * (together * shared + rng.normal(size=4000)) + offset).astype(np.float32)
        for offset in (0.0, 0.5)
    ]
    mix = scoring.fit_mix(
        "fused", ((0, False, 1.0), (1, False, 1.0)), raw, [None, None], [None, None]
    )
    strangers = mix.scores(raw, [None, None])
    assert abs(float(strangers.mean())) < 0.01
    assert float(strangers.std()) * mix.unit == pytest.approx(1.0, abs=0.1)
    ones = mix.scores([floats(1.0), floats(1.0)], [None, None])
    assert float(ones[0]) == pytest.approx(1.0, abs=1e-4)


def test_normalising_tells_a_common_face_from_a_mate() -> None:
    """Two probes score 0.5; one of them scores nearly as much with everybody."""
    common = CohortStatistics(floats(0.45), floats(0.05))
    rare = CohortStatistics(floats(0.05), floats(0.05))
    template = CohortStatistics(floats(0.05), floats(0.05))
    scores = np.array([[0.5]], np.float32)
    assert normalised(scores, rare, template) > normalised(scores, common, template)
