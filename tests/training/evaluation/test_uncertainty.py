"""Intervals: known values, what cannot be said, and how often they hold the truth."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.training.evaluation.people import templates
from training.evaluation import resampling
from training.evaluation.resampling import IdentityCounts, clustered, resample
from training.evaluation.uncertainty import (
    NotSupported,
    Rate,
    measured,
    supports,
    trials_needed,
    wilson,
)


def test_wilson_as_published() -> None:
    # Newcombe 1998, table I: 81 of 263 and 15 of 148
    for errors, trials, wanted in ((81, 263, (0.2553, 0.3662)), (15, 148, (0.0624, 0.1605))):
        span = wilson(errors, trials)
        assert (span.low, span.high) == pytest.approx(wanted, abs=1e-4)


@given(errors=st.integers(0, 500), more=st.integers(1, 500))
def test_wilson_holds_the_share(errors: int, more: int) -> None:
    span = wilson(errors, errors + more)
    assert 0 <= span.low <= errors / (errors + more) <= span.high <= 1


def test_no_error_is_not_zero() -> None:
    found = measured(0, 3000)
    assert found == NotSupported(3000, upper=0.001)
    assert str(found) == "not supported by 3,000 comparisons"
    assert measured(0, 0) == NotSupported(0)
    assert measured(0, 2) == NotSupported(2, upper=1.0)


def test_rule_of_30() -> None:
    few, enough = measured(29, 1000), measured(30, 1000)
    assert isinstance(few, Rate) and not few.sound
    assert isinstance(enough, Rate) and enough.sound
    assert trials_needed(1e-6) == 30_000_000
    assert supports(3000, 1e-3)
    assert not supports(2999, 1e-3)


def test_counts_of_templates_are_those_of_pairs() -> None:
    rows, identities = templates(15, 4, noise=1.2)
    found = IdentityCounts.of_templates(rows, identities)
    first, second = np.triu_indices(len(rows), 1)
    scores = np.einsum("ij,ij->i", rows[first], rows[second])
    pairs = IdentityCounts.of_pairs(
        scores,
        identities[first] == identities[second],
        identities[first],
        identities[second],
        found.grid,
    )
    assert (found.mated == 6).all()
    assert (found.nonmated == 4 * 56).all()
    assert (found.false_matches == pairs.false_matches).all()
    assert (found.false_non_matches == pairs.false_non_matches).all()


def test_of_very_many_people_a_part_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    rows, identities = templates(60, 4, noise=1.2)
    whole = IdentityCounts.of_templates(rows, identities)
    monkeypatch.setattr(resampling, "MOST_PEOPLE", 30)
    part = IdentityCounts.of_templates(rows, identities)
    assert part.mated.tolist() == [6] * 30
    assert part.nonmated.tolist() == [4 * 4 * 29] * 30
    place = 256 + 64
    rates = [
        counts.false_non_matches[:, place].sum() / counts.mated.sum() for counts in (whole, part)
    ]
    assert rates[1] == pytest.approx(rates[0], rel=0.3)
    again = IdentityCounts.of_templates(rows, identities)
    assert (again.false_matches == part.false_matches).all()


def test_clustered_comparisons_give_a_wider_interval() -> None:
    rng = np.random.default_rng(0)
    people = np.repeat(np.arange(50), 40)
    bad = rng.random(50) < 0.2
    wrong = bad[people]  # all comparisons of a person fail together
    rate = clustered(wrong, people)
    plain = wilson(int(wrong.sum()), len(wrong))
    as_people = wilson(int(bad.sum()), 50)
    assert isinstance(rate, Rate)
    assert rate.interval.high - rate.interval.low > 4 * (plain.high - plain.low)
    assert rate.interval.low == pytest.approx(as_people.low, abs=0.01)
    assert rate.interval.high == pytest.approx(as_people.high, abs=0.01)


def test_independent_comparisons_are_not_punished() -> None:
    rng = np.random.default_rng(1)
    wrong = rng.random(4000) < 0.05
    rate = clustered(wrong, np.arange(4000), np.arange(4000, 8000))
    plain = wilson(int(wrong.sum()), 4000)
    assert isinstance(rate, Rate)
    assert rate.interval.low == pytest.approx(plain.low, abs=1e-9)
    assert rate.interval.high == pytest.approx(plain.high, abs=1e-9)


def test_replicates_stay_rates_and_monotone() -> None:
    rows, identities = templates(30, 4, noise=1.3)
    again = resample(IdentityCounts.of_templates(rows, identities), 200, seed=3)
    for rates in (again.fmr, again.fnmr):
        assert rates.min() >= 0
        assert rates.max() <= 1
    assert (np.diff(again.fmr, axis=1) <= 0).all()
    assert (np.diff(again.fnmr, axis=1) >= 0).all()


def people_of_different_difficulty(
    people: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Four templates of each person; some people vary more than others."""
    spread = np.exp(rng.normal(0, 0.35, people))
    centres = rng.normal(size=(people, 1, 16))
    rows = centres + 0.7 * spread[:, None, None] * rng.normal(size=(people, 4, 16))
    rows /= np.linalg.norm(rows, axis=2, keepdims=True)
    return rows.reshape(-1, 16), np.repeat(np.arange(people), 4)


def rates_at(rows: np.ndarray, identities: np.ndarray, threshold: float) -> tuple[float, float]:
    scores = rows @ rows.T
    same = identities[:, None] == identities[None, :]
    own = same & ~np.eye(len(rows), dtype=bool)
    return float((scores[~same] >= threshold).mean()), float((scores[own] < threshold).mean())


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    rng = np.random.default_rng(20)
    threshold = 0.5
    fmr, fnmr = rates_at(*people_of_different_difficulty(900, rng), threshold)
    held = np.zeros(2)
    rounds = 120
    for number in range(rounds):
        rows, identities = people_of_different_difficulty(50, rng)
        first, second = np.triu_indices(len(rows), 1)
        counts = IdentityCounts.of_pairs(
            np.einsum("ij,ij->i", rows[first], rows[second]),
            identities[first] == identities[second],
            identities[first],
            identities[second],
            np.array([threshold]),
        )
        again = resample(counts, 400, seed=number)
        for place, (truth, values) in enumerate(((fmr, again.fmr), (fnmr, again.fnmr))):
            low, high = np.quantile(values[:, 0], [0.025, 0.975])
            held[place] += low <= truth <= high
    assert (held / rounds >= 0.90).all()
    assert (held / rounds <= 0.995).all()
