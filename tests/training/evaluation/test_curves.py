"""Error curves: hand-worked cases, scikit-learn as the oracle, properties."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score, roc_curve

from tests.training.evaluation.people import templates
from training.evaluation.arrays import EvaluationError
from training.evaluation.comparisons import compare_all
from training.evaluation.curves import ErrorCurve

scored = st.lists(
    st.tuples(st.sampled_from([-1.0, -0.5, 0.0, 0.25, 0.3, 0.75, 1.0]), st.booleans()),
    min_size=2,
    max_size=60,
).filter(lambda pairs: len({mated for _, mated in pairs}) == 2)


def curve_of(pairs: list[tuple[float, bool]]) -> ErrorCurve:
    return ErrorCurve.of_scores([s for s, _ in pairs], [m for _, m in pairs])


def test_hand_worked() -> None:
    # mated 0.9 0.8 0.4, nonmated 0.5 0.3 0.2 0.1
    curve = ErrorCurve.of_scores([0.9, 0.8, 0.4, 0.5, 0.3, 0.2, 0.1], [1, 1, 1, 0, 0, 0, 0])
    at = curve.at(0.45)
    assert (at.false_matches, at.false_non_matches) == (1, 1)
    assert (at.fmr, at.fnmr) == pytest.approx((0.25, 1 / 3))
    assert curve.at(0.5).fmr == 0.25  # at or above is a match
    assert curve.at(0.4).fnmr == 0.0  # below is none
    assert curve.at(5.0).fnmr == 1.0
    assert curve.at(5.0).fmr == 0.0
    assert curve.threshold_at_fmr(0.25) == 0.4
    assert curve.threshold_at_fmr(0.0) == 0.8
    assert curve.auc() == pytest.approx(11 / 12)
    accuracy, threshold = curve.best_accuracy()
    assert accuracy == pytest.approx(6 / 7)
    assert 0.3 < threshold <= 0.4 or 0.5 < threshold <= 0.8
    # FNMR 0 to 1/3 and FMR 1/4 to 1/4 between 0.4 and 0.5: they meet at 1/4
    assert curve.eer() == pytest.approx((0.25, 0.475))


def test_separated_scores_make_no_error() -> None:
    curve = ErrorCurve.of_scores([0.9, 0.8, 0.1, 0.2], [True, True, False, False])
    assert curve.eer()[0] == 0.0
    assert curve.auc() == 1.0
    assert curve.best_accuracy()[0] == 1.0
    assert 0.2 < curve.best_accuracy()[1] <= 0.8


def test_constant_scores_are_chance() -> None:
    curve = ErrorCurve.of_scores([0.3] * 10, [True] * 4 + [False] * 6)
    assert curve.eer()[0] == pytest.approx(0.5)
    assert curve.auc() == pytest.approx(0.5)
    assert curve.best_accuracy()[0] == pytest.approx(0.6)


def test_a_failure_is_a_false_non_match_everywhere_and_never_a_false_match() -> None:
    curve = ErrorCurve.of_scores([0.9, -np.inf, 0.1, -np.inf], [True, True, False, False])
    assert curve.at(-1.0).fnmr == 0.5
    assert curve.at(-1.0).fmr == 0.5
    assert curve.auc() == pytest.approx((2 + 0 + 0.5) / 4)


@pytest.mark.parametrize("kind", [True, False])
def test_one_kind_of_comparisons_is_refused(kind: bool) -> None:
    with pytest.raises(EvaluationError) as error:
        ErrorCurve.of_scores([0.1, 0.2], [kind, kind])
    assert error.value.code == "one_kind"


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_scores_that_are_no_scores_are_refused(bad: float) -> None:
    with pytest.raises(EvaluationError) as error:
        ErrorCurve.of_scores([0.1, bad], [True, False])
    assert error.value.code == "bad_scores"


@settings(max_examples=150, deadline=None)
@given(pairs=scored)
def test_agrees_with_scikit_learn(pairs: list[tuple[float, bool]]) -> None:
    scores, mated = [s for s, _ in pairs], [m for _, m in pairs]
    curve = ErrorCurve.of_scores(scores, mated)
    assert curve.auc() == pytest.approx(roc_auc_score(mated, scores))
    fmr, tar, thresholds = roc_curve(mated, scores, drop_intermediate=False)
    for threshold, false, right in zip(thresholds[1:], fmr[1:], tar[1:], strict=True):
        point = curve.at(float(threshold))
        assert point.fmr == pytest.approx(false)
        assert 1 - point.fnmr == pytest.approx(right)


@settings(max_examples=150, deadline=None)
@given(pairs=scored)
def test_rates_are_monotone_and_the_figures_lie_between(pairs: list[tuple[float, bool]]) -> None:
    curve = curve_of(pairs)
    assert (np.diff(curve.fnmr) >= 0).all()
    assert (np.diff(curve.fmr) <= 0).all()
    eer, _ = curve.eer()
    assert 0 <= eer <= 1
    assert eer <= np.maximum(curve.fmr, curve.fnmr).min() + 1e-12
    assert eer >= np.minimum(curve.fmr, curve.fnmr).max() - 1e-12
    accuracy, threshold = curve.best_accuracy()
    point = curve.at(threshold)
    errors = point.false_matches + point.false_non_matches
    assert 1 - errors / (curve.mated + curve.nonmated) == pytest.approx(accuracy)
    thin = curve.thinned(6)
    assert set(thin.thresholds) <= set(curve.thresholds)


@settings(max_examples=50, deadline=None)
@given(pairs=scored, seed=st.integers(0, 1000))
def test_order_does_not_matter(pairs: list[tuple[float, bool]], seed: int) -> None:
    order = np.random.default_rng(seed).permutation(len(pairs))
    one, two = curve_of(pairs), curve_of([pairs[i] for i in order])
    assert one.eer() == two.eer()
    assert one.auc() == two.auc()


def test_the_curve_of_histograms_is_the_exact_one() -> None:
    rows, identities = templates(40, 5, seed=5, noise=1.1)
    curve = ErrorCurve.of_comparisons(compare_all(rows, identities))
    first, second = np.triu_indices(len(rows), 1)
    scores = np.einsum("ij,ij->i", rows[first], rows[second])
    exact = ErrorCurve.of_scores(scores, identities[first] == identities[second])
    assert (curve.mated, curve.nonmated) == (exact.mated, exact.nonmated)
    assert curve.eer()[0] == pytest.approx(exact.eer()[0], abs=1e-4)
    assert curve.auc() == pytest.approx(exact.auc(), abs=1e-5)
    for threshold in np.arange(-8, 9) / 16:
        assert curve.at(threshold).fmr == pytest.approx(exact.at(threshold).fmr, abs=1e-6)
        assert curve.at(threshold).fnmr == pytest.approx(exact.at(threshold).fnmr, abs=1e-6)


def test_failures_are_added_to_the_curve_of_histograms() -> None:
    rows, identities = templates(10, 3)
    found = compare_all(rows, identities)
    curve = ErrorCurve.of_comparisons(found, failed_mated=30, failed_nonmated=5)
    assert curve.at(-1.0).fnmr == pytest.approx(30 / (30 + found.mated.sum()))
    assert curve.at(-1.0).fmr == pytest.approx(found.nonmated.sum() / (found.nonmated.sum() + 5))
