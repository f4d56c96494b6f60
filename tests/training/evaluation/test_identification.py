"""Searches, fusion rules, open-set figures and the choice of a threshold."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recognition.vision.fusion import RULES, Rule, centroid_lengths, fuse_people
from tests.training.evaluation.people import templates
from training.evaluation.arrays import EvaluationError, Floats, Ints
from training.evaluation.identification import (
    choose_threshold,
    identify,
    open_set_point,
    search,
    threshold_at_fpir,
)
from training.evaluation.sizes import by_gallery_size
from training.evaluation.uncertainty import NotSupported, Rate


def fused_one_by_one(probe: Floats, gallery: Floats, people: Ints, rule: Rule) -> dict[int, float]:
    scores = gallery @ probe
    found = {}
    for person in np.unique(people).tolist():
        rows = np.flatnonzero(people == person)
        own = np.sort(scores[rows])[::-1]
        if rule == "max":
            found[person] = own[0]
        elif rule == "mean":
            found[person] = own.mean()
        elif rule == "top_mean":
            found[person] = own[:3].mean()
        elif rule == "centroid":
            middle = gallery[rows].mean(axis=0)
            found[person] = probe @ middle / np.linalg.norm(middle)
        else:
            found[person] = max(s for s in own if 2 * sum(own >= s) > len(own))
    return found


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_against_one_by_one(rule: Rule) -> None:
    rows, identities = templates(25, 8, seed=3, noise=1.4)
    probes, gallery = slice(0, 60), slice(60, None)
    keep = identities[gallery] >= 5  # the first five people are strangers
    stored, people = rows[gallery][keep], identities[gallery][keep]
    found = search(rows[probes], identities[probes], stored, people, rules=(rule,))[rule]
    for number in range(60):
        naive = fused_one_by_one(rows[number], stored, people, rule)
        person = int(identities[number])
        assert found.top[number] == pytest.approx(max(naive.values()), abs=1e-5)
        assert found.enrolled[number] == (person in naive)
        if person in naive:
            assert found.own[number] == pytest.approx(naive[person], abs=1e-5)
            rank = sum(score >= naive[person] - 1e-9 for score in naive.values())
            assert found.rank[number] == rank
        else:
            assert found.rank[number] == 0
            assert found.own[number] == -np.inf


def test_fused_by_hand() -> None:
    scores = np.array([[0.9, 0.1, 0.5, 0.4, 0.3, 0.2]], np.float32)  # person 0: 2, person 1: 4
    starts, lengths = np.array([0, 2]), np.array([1.0, 0.7], np.float32)

    def fused(rule: Rule) -> list[float]:
        found: list[float] = fuse_people(rule, scores, starts, lengths)[0].tolist()
        return found

    assert fused("max") == pytest.approx([0.9, 0.5])
    assert fused("mean") == pytest.approx([0.5, 0.35])
    assert fused("top_mean") == pytest.approx([0.5, 0.4])
    assert fused("centroid") == pytest.approx([0.5, 0.5])
    assert fused("vote") == pytest.approx([0.1, 0.3]), "more than half: both of 2, three of 4"


def test_lengths_of_mean_templates_by_hand() -> None:
    rows = np.array([[1, 0], [0, 1], [0, 1]], np.float32)
    assert centroid_lengths(rows, np.array([0, 2])).tolist() == pytest.approx([0.5**0.5, 1.0])


def test_ties_count_against_the_person_searched_for() -> None:
    gallery = np.array([[1, 0], [1, 0]], np.float32)
    found = search([[1.0, 0.0]], ["b"], gallery, ["a", "b"], rules=("max",))["max"]
    assert found.rank.tolist() == [2]


def test_failures_are_misses_and_no_false_positives() -> None:
    rows, identities = templates(20, 4, noise=0.3)
    asked = np.arange(len(rows)) % 4 == 0
    enrolled = (identities < 10) & ~asked
    probes = np.flatnonzero(asked)
    found = search(
        rows[probes],
        identities[probes],
        rows[enrolled],
        identities[enrolled],
        failed_identities=[3, 3, 15],
    )
    result = identify(found)
    assert (result.failed_mated, result.failed_nonmated) == (2, 1)
    best = result.rules[0]
    mated = int((identities[probes] < 10).sum())
    assert result.mated_searches == mated + 2
    assert best.rank_1 is not None
    assert best.rank_1.value <= mated / (mated + 2) + 1e-12
    assert best.cmc[-1] <= mated / (mated + 2) + 1e-12


def test_rates_by_hand() -> None:
    # Enrolled a, b on two axes; probes of both, and 200 strangers at known scores.
    gallery = np.eye(3, dtype=np.float32)[:2]
    angles = np.linspace(0, 0.99, 200)
    strangers = np.stack([angles, np.zeros(200), np.sqrt(1 - angles**2)], axis=1)
    mine = np.array([[0.95, 0, np.sqrt(1 - 0.95**2)], [0, 0.5, np.sqrt(0.75)]])
    probes = np.concatenate([mine, strangers]).astype(np.float32)
    names = ["a", "b", *(f"s{n}" for n in range(200))]
    found = search(probes, names, gallery, ["a", "b"], rules=("max",))["max"]
    point = open_set_point(found, 0.1)
    assert point.threshold == pytest.approx(angles[180], abs=0.01)
    assert isinstance(point.fpir, Rate)
    assert point.fpir.errors == 20
    assert isinstance(point.fnir, Rate)
    assert (point.fnir.errors, point.fnir.trials) == (1, 2)
    assert isinstance(open_set_point(found, 1e-3).fnir, NotSupported)


@settings(max_examples=100, deadline=None)
@given(
    scores=st.lists(st.floats(-1, 1, width=32), min_size=1, max_size=60),
    targets=st.tuples(st.floats(0.001, 0.5), st.floats(0.001, 0.5)),
)
def test_a_stricter_target_never_lowers_the_threshold(
    scores: list[float], targets: tuple[float, float]
) -> None:
    low, high = sorted(targets)
    values = np.array(scores, np.float64)
    strict = threshold_at_fpir(values, low)
    assert strict >= threshold_at_fpir(values, high)
    assert (values > strict).mean() <= low + 1 / len(values)


def test_the_threshold_keeps_its_promise_on_average_and_within_its_interval() -> None:
    """Order statistics: whatever the distribution, new strangers are named as often as promised."""
    rng = np.random.default_rng(5)
    measured, held = [], 0
    for _ in range(120):
        scores = rng.gamma(2.0, 0.1, 1000)
        choice = choose_threshold(scores[:500], 0.02, future=500)
        assert not isinstance(choice, NotSupported)
        share = float((scores[500:] >= choice.threshold).mean())
        measured.append(share)
        held += choice.interval.low <= share <= choice.interval.high
    assert np.mean(measured) == pytest.approx(0.02, rel=0.08)
    assert 0.93 <= held / 120 <= 1.0


def test_people_searched_for_repeatedly_widen_the_prediction() -> None:
    rng = np.random.default_rng(6)
    per_person = rng.normal(size=200)
    people = np.repeat(np.arange(200), 10)
    scores = per_person[people] + 0.1 * rng.normal(size=2000)
    alone = choose_threshold(scores, 0.05)
    clustered = choose_threshold(scores, 0.05, people=people)
    assert not isinstance(alone, NotSupported)
    assert not isinstance(clustered, NotSupported)
    assert alone.threshold == clustered.threshold
    spans = [one.interval.high - one.interval.low for one in (alone, clustered)]
    assert spans[1] > 2 * spans[0]


def test_too_few_strangers_choose_nothing() -> None:
    found = choose_threshold(np.linspace(0, 1, 100), 0.01)
    assert found == NotSupported(100, None, 3000)
    with pytest.raises(EvaluationError):
        choose_threshold([0.1, np.nan], 0.01)


def test_without_strangers_or_mates_there_are_no_open_set_figures() -> None:
    rows, identities = templates(10, 3)
    found = search(rows[:10], identities[:10], rows[10:], identities[10:])
    known = identify(found)
    assert known.nonmated_searches == 0
    assert all(isinstance(point.fnir, NotSupported) for point in known.rules[0].points)
    strangers = search(rows[:10], [f"s{n}" for n in range(10)], rows[10:], ["x"] * 20)
    result = identify(strangers)
    assert result.rules[0].rank_1 is None
    assert result.rules[0].cmc == ()
    with pytest.raises(EvaluationError) as error:
        search(rows[:0], [], rows, identities)
    assert error.value.code == "nothing_to_search"


def test_larger_galleries_are_harder() -> None:
    rows, identities = templates(300, 3, seed=2, noise=1.2)
    results = by_gallery_size(rows, identities, (5, 100, 1000), draws=10)
    assert [one.people for one in results] == [5, 100]  # 1,000 people there are not
    small, large = results
    assert small.threshold is not None
    assert large.threshold is not None
    assert small.threshold < large.threshold
    assert isinstance(small.fnir, Rate)
    assert isinstance(large.fnir, Rate)
    assert small.fnir.value < large.fnir.value
    assert large.fnir.trials == 1000
    assert large.rank_1 is not None
    assert large.rank_1.value < 1
