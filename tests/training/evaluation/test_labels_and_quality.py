"""Doubtful labels, classification, error-versus-discard."""

import numpy as np
import pytest
from sklearn.metrics import (
    accuracy_score,
    confusion_matrix,
    precision_recall_fscore_support,
    top_k_accuracy_score,
)

from tests.training.evaluation.people import templates
from training.evaluation.arrays import EvaluationError
from training.evaluation.classification import classify
from training.evaluation.quality import error_versus_discard
from training.evaluation.suspects import suspects
from training.evaluation.uncertainty import NotSupported, Rate

NAMES = [f"person {number}" for number in range(8)]


def answers(seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(truth, scores, answers) of 300 images of eight unevenly filled classes."""
    rng = np.random.default_rng(seed)
    truth = rng.choice(8, 300, p=np.array([8, 7, 6, 5, 4, 3, 2, 1]) / 36)
    scores = rng.random((300, 8))
    scores[np.arange(300), truth] += 0.4
    return truth, scores, scores.argmax(axis=1)


def test_classification_agrees_with_scikit_learn() -> None:
    truth, scores, said = answers()
    found = classify(truth, said, NAMES, scores=scores, milliseconds=[1.0, 2.0, 9.0])
    assert found.accuracy.value == pytest.approx(accuracy_score(truth, said))
    assert np.array(found.matrix).tolist() == confusion_matrix(truth, said).tolist()
    for average in ("macro", "weighted"):
        wanted = precision_recall_fscore_support(truth, said, average=average, zero_division=0)
        ours = [getattr(found, f"{average}_{figure}") for figure in ("precision", "recall", "f1")]
        assert ours == pytest.approx(wanted[:3])
    each = precision_recall_fscore_support(truth, said, average=None, zero_division=0)
    assert [one.precision for one in found.classes] == pytest.approx(each[0])
    assert [one.recall for one in found.classes] == pytest.approx(each[1])
    assert found.top_5 is not None
    assert found.top_5.value == pytest.approx(top_k_accuracy_score(truth, scores, k=5))
    assert found.timing is not None
    assert (found.timing.mean, found.timing.median) == (4.0, 2.0)
    most = found.confused[0]
    wrong = np.array(found.matrix) - np.diag(np.diag(found.matrix))
    assert most.count == wrong.max()
    assert wrong[NAMES.index(most.truth), NAMES.index(most.answer)] == most.count


def test_an_image_without_a_face_is_an_error() -> None:
    found = classify([0, 0, 1, 1], [0, -1, 1, 1], ["a", "b"])
    assert found.failed == 1
    assert found.accuracy.value == 0.75
    assert found.classes[0].recall == 0.5
    assert found.classes[0].precision == 1.0
    assert found.matrix == ((1, 0), (0, 2))
    assert isinstance(found.errors, Rate)
    assert found.errors.errors == 1


def test_no_error_is_a_bound_and_a_class_without_images_counts_for_nothing() -> None:
    found = classify([0, 1], [0, 1], ["a", "b", "never"])
    assert isinstance(found.errors, NotSupported)
    assert found.macro_f1 == 1.0
    assert found.top_5 is None


@pytest.mark.parametrize(
    ("truth", "said"), [([], []), ([0], [0, 1]), ([0], [2]), ([2], [0]), ([-1], [0]), ([0], [-2])]
)
def test_classes_that_do_not_fit_are_refused(truth: list[int], said: list[int]) -> None:
    with pytest.raises(EvaluationError) as error:
        classify(truth, said, ["a", "b"])
    assert error.value.code == "bad_classes"


def test_wrong_labels_lead_the_list() -> None:
    rows, identities = templates(200, 4, noise=0.5)
    rng = np.random.default_rng(0)
    wrong = rng.choice(len(rows), 20, replace=False)
    labels = identities.copy()
    labels[wrong] = (labels[wrong] + 1 + rng.integers(0, 198, 20)) % 200
    found = suspects(rows, labels, keep=40)
    assert set(wrong.tolist()) <= {one.row for one in found[:25]}
    assert [one.evidence for one in found] == sorted((one.evidence for one in found), reverse=True)
    for one in found[:20]:
        assert labels[one.other] != labels[one.row]
        assert one.own == -1 or labels[one.own] == labels[one.row]
        assert one.other_score == pytest.approx(float(rows[one.row] @ rows[one.other]), abs=1e-5)
        assert one.own != one.row


def test_a_person_with_one_image_is_measured_against_the_usual_score() -> None:
    rows = np.array([[1, 0], [0.8, 0.6], [0, 1]], np.float32)
    found = suspects(rows, ["a", "a", "b"])
    single = next(one for one in found if one.row == 2)
    assert single.own == -1
    assert single.own_score == pytest.approx(0.8)
    assert single.evidence == pytest.approx(0.6 - 0.8)
    with pytest.raises(EvaluationError):
        suspects(rows, ["a", "a", "a"])


def test_discarding_by_hand() -> None:
    scores = [0.1, 0.2, 0.8, 0.9]
    quality = [0.0, 1.0, 2.0, 3.0]
    curve = error_versus_discard("sharpness", scores, quality, [9.0] * 4, 0.5, steps=2, most=0.5)
    assert curve.discarded == (0.0, 0.25, 0.5)
    assert curve.fnmr == pytest.approx((0.5, 1 / 3, 0.0))


def test_equal_qualities_are_discarded_together_and_missing_ones_first() -> None:
    curve = error_versus_discard(
        "q", [0.1, 0.9, 0.9, 0.1], [np.nan, 1.0, 1.0, 2.0], [5.0] * 4, 0.5, steps=4, most=1.0
    )
    assert curve.discarded == (0.0, 0.25, 0.75)
    assert curve.fnmr == pytest.approx((0.5, 1 / 3, 1.0))


def test_a_measure_that_means_something_lowers_the_errors() -> None:
    rng = np.random.default_rng(0)
    quality = rng.random(4000)
    scores = np.where(rng.random(4000) < 0.4 * (1 - quality), 0.0, 1.0)
    good = error_versus_discard("good", scores, quality, quality, 0.5)
    none = error_versus_discard("none", scores, rng.random(4000), rng.random(4000), 0.5)
    assert good.fnmr[-1] < 0.6 * good.fnmr[0]
    assert none.fnmr[-1] == pytest.approx(none.fnmr[0], rel=0.2)
