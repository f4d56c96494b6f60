"""Verification figures against scikit-learn, naive resampling and hand-worked cases."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from tests.training.evaluation.people import templates
from training.evaluation.arrays import EvaluationError
from training.evaluation.comparisons import compare_all
from training.evaluation.groups import pairs_by_group, templates_by_group
from training.evaluation.paired import compare_models, mcnemar
from training.evaluation.resampling import IdentityCounts
from training.evaluation.uncertainty import NotSupported, Rate
from training.evaluation.verification import (
    failed_comparisons,
    k_fold,
    student_t,
    verify_all,
    verify_pairs,
)

Pairs = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def scored_pairs(people: int = 60, each: int = 4, *, seed: int = 0, noise: float = 1.2) -> Pairs:
    """(scores, mated, first identity, second identity) of all pairs."""
    rows, identities = templates(people, each, seed=seed, noise=noise)
    first, second = np.triu_indices(len(rows), 1)
    scores = np.einsum("ij,ij->i", rows[first], rows[second])
    return scores, identities[first] == identities[second], identities[first], identities[second]


def test_all_vs_all_and_the_same_pairs_agree() -> None:
    rows, identities = templates(60, 4, noise=1.2)
    scores, mated, first, second = scored_pairs()
    exact = verify_pairs(scores, mated, first, second)
    streamed = verify_all(
        compare_all(rows, identities), IdentityCounts.of_templates(rows, identities)
    )
    assert (exact.mated, exact.nonmated) == (streamed.mated, streamed.nonmated)
    assert streamed.eer.value == pytest.approx(exact.eer.value, abs=1e-4)
    assert streamed.auc.value == pytest.approx(roc_auc_score(mated, scores), abs=1e-5)
    assert streamed.best_accuracy.value == pytest.approx(exact.best_accuracy.value, abs=1e-4)
    for one, two in zip(exact.table, streamed.table, strict=True):
        if isinstance(one.fnmr, Rate) and isinstance(two.fnmr, Rate):
            assert one.fnmr.errors == pytest.approx(two.fnmr.errors, abs=1)
    for figure in ("eer", "auc"):
        spans = [getattr(found, figure).interval for found in (exact, streamed)]
        assert spans[0].low == pytest.approx(spans[1].low, abs=0.004)
        assert spans[0].high == pytest.approx(spans[1].high, abs=0.004)


def test_figures_lie_in_their_intervals() -> None:
    found = verify_pairs(*scored_pairs())
    for figure in (found.eer, found.auc, found.best_accuracy):
        assert figure.interval is not None
        assert figure.interval.low < figure.value < figure.interval.high
    for point in found.points:
        if isinstance(point.fnmr, Rate):
            assert point.fnmr.interval.low <= point.fnmr.value <= point.fnmr.interval.high


def test_eer_interval_is_that_of_resampling_whole_people() -> None:
    """Against drawing people and evaluating their images again, which is what is approximated."""
    rows, identities = templates(80, 4, seed=4, noise=1.5)
    scores = rows @ rows.T
    rng = np.random.default_rng(0)
    eers = []
    for _ in range(60):
        drawn = rng.integers(0, 80, 80)
        place = np.concatenate([np.flatnonzero(identities == person) for person in drawn])
        copy = np.repeat(np.arange(80), 4)  # a person drawn twice is not compared with itself
        first, second = np.triu_indices(len(place), 1)
        same = copy[first] == copy[second]
        apart = identities[place[first]] != identities[place[second]]
        keep = same | apart
        values, mated = scores[place[first], place[second]][keep], same[keep]
        order = np.argsort(values)
        fnmr = np.cumsum(mated[order]) / mated.sum()
        fmr = 1 - np.cumsum(~mated[order]) / (~mated).sum()
        eers.append(fnmr[np.argmax(fnmr >= fmr)])
    found = verify_all(
        compare_all(rows, identities), IdentityCounts.of_templates(rows, identities)
    ).eer
    assert found.interval is not None
    width = (found.interval.high - found.interval.low) / (2 * 1.96)
    assert width == pytest.approx(float(np.std(eers)), rel=0.35)


def test_what_too_few_comparisons_cannot_say_is_no_number() -> None:
    scores, mated, first, second = scored_pairs(20, 3)
    found = verify_pairs(scores, mated, first, second)
    by_target = {point.target_fmr: point for point in found.points}
    assert isinstance(by_target[1e-2].fnmr, Rate)
    last = by_target[1e-6]
    assert last.threshold is None
    assert last.fnmr == NotSupported(int((~mated).sum()), None, 30_000_000)
    top = found.table[-1]
    assert isinstance(top.fmr, NotSupported)
    assert top.fmr.upper == pytest.approx(3 / (~mated).sum())


def test_failures_are_counted_as_errors() -> None:
    scores, mated, first, second = scored_pairs()
    clean = verify_pairs(scores, mated, first, second)
    scores = scores.copy()
    scores[np.flatnonzero(mated)[:90]] = -np.inf
    found = verify_pairs(scores, mated, first, second)
    assert (found.failed_mated, found.failed_nonmated) == (90, 0)
    assert found.mated == clean.mated
    assert found.eer.value > clean.eer.value
    assert found.curve.fnmr[0] == pytest.approx(90 / found.mated)


def test_failed_comparisons_by_hand() -> None:
    # a: 3 images, one failed; b: 2 images, both failed
    mated, nonmated = failed_comparisons(["a", "a", "a", "b", "b"], [0, 0, 1, 1, 1])
    assert mated == 2 + 1
    assert nonmated == 6


def test_k_fold_takes_the_threshold_from_the_other_folds() -> None:
    scores = np.array([0.9, 0.1, 0.8, 0.2, 0.55, 0.5])
    mated = np.array([True, False, True, False, False, True])
    found = k_fold(scores, mated, [0, 0, 1, 1, 2, 2])
    # Fold 2's own pairs would ask for another threshold; the others leave only 0.2 to 0.8.
    assert found.accuracies[2] == pytest.approx(0.5)
    assert 0.2 < found.thresholds[2] <= 0.8
    assert found.accuracy.value == pytest.approx(np.mean(found.accuracies))
    with pytest.raises(EvaluationError):
        k_fold(scores, mated, [0] * 6)


@pytest.mark.parametrize(
    ("freedom", "expected"), [(1, 12.706), (4, 2.776), (5, 2.571), (9, 2.262), (30, 2.042)]
)
def test_student_t(freedom: int, expected: float) -> None:
    assert student_t(freedom) == pytest.approx(expected, abs=0.003)


@pytest.mark.parametrize("step", [0.0, -0.1, 2.0])
def test_a_step_that_makes_no_table_is_refused(step: float) -> None:
    with pytest.raises(EvaluationError):
        verify_pairs(*scored_pairs(5, 2), step=step)


def test_the_table_has_every_step_of_the_rescaled_score() -> None:
    found = verify_pairs(*scored_pairs(10, 3), step=0.1)
    assert [row.rescaled for row in found.table] == pytest.approx(np.arange(11) / 10)
    assert [row.score for row in found.table] == pytest.approx(np.arange(-10, 11, 2) / 10)


def test_small_groups_get_no_figure() -> None:
    rows, identities = templates(60, 4, noise=1.3)
    groups = np.where(identities < 50, "large", "small")
    groups[identities == 49] = ""
    large, small = templates_by_group(rows, identities, groups, 0.3)
    assert (large.group, large.people, small.people) == ("large", 49, 10)
    assert isinstance(small.fmr, NotSupported)
    assert isinstance(small.fnmr, NotSupported)
    mine = identities < 49
    scores = rows[mine] @ rows[mine].T
    first, second = np.triu_indices(int(mine.sum()), 1)
    same = identities[mine][first] == identities[mine][second]
    assert isinstance(large.fmr, Rate)
    assert large.fmr.value == pytest.approx((scores[first, second][~same] >= 0.3).mean(), abs=1e-4)
    by_pairs = pairs_by_group(
        scores[first, second],
        same,
        np.full(len(first), "large"),
        identities[mine][first],
        identities[mine][second],
        0.3,
    )[0]
    assert isinstance(by_pairs.fmr, Rate)
    assert isinstance(large.fnmr, Rate)
    assert isinstance(by_pairs.fnmr, Rate)
    for one, two in ((by_pairs.fmr, large.fmr), (by_pairs.fnmr, large.fnmr)):
        assert one.interval.low == pytest.approx(two.interval.low, rel=0.2)
        assert one.interval.high == pytest.approx(two.interval.high, rel=0.2)


def test_mcnemar_by_hand() -> None:
    right = np.array([True] * 10 + [False] * 2 + [True] * 5)
    other = np.array([False] * 10 + [True] * 2 + [True] * 5)
    found = mcnemar(right, other)
    assert (found.only_first_right, found.only_second_right) == (10, 2)
    at_most_two_of_twelve = (1 + 12 + 66) / 2**12
    assert found.p_value == pytest.approx(2 * at_most_two_of_twelve)
    assert mcnemar(right, right).p_value == 1.0


def test_the_better_model_is_found_better() -> None:
    scores, mated, first, second = scored_pairs(noise=1.3)
    rng = np.random.default_rng(0)
    worse = scores + rng.normal(0, 0.15, len(scores))
    found = compare_models(scores, worse, mated, first, second)
    assert found.eer_difference.value > 0
    assert found.eer_difference.interval is not None
    assert found.eer_difference.interval.low > 0
    assert found.mcnemar.p_value < 0.01
    assert found.changed_total == (found.mcnemar.only_first_right + found.mcnemar.only_second_right)
    change = found.changed[0]
    assert scores[change.pair] == pytest.approx(change.first_score)
    assert change.better in {"first", "second"}


def test_a_model_is_no_better_than_itself() -> None:
    scores, mated, first, second = scored_pairs(noise=1.3)
    found = compare_models(scores, scores, mated, first, second)
    assert found.eer_difference.value == 0
    assert found.eer_difference.interval is not None
    assert found.eer_difference.interval.low == found.eer_difference.interval.high == 0
    assert found.changed == ()
