"""Rules that hold wrong images back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recognition.vision.hygiene import QUARANTINING, judge

LOW, THRESHOLD = 0.34, 0.60
SCORES = st.floats(-1, 1)


@pytest.mark.parametrize(
    ("own", "other", "verdict"),
    [
        (None, None, ""),
        (None, 0.59, ""),
        (None, 0.60, "possible_duplicate"),
        (0.33, None, "unlike_own"),
        (0.34, None, ""),
        (0.5, 0.61, "like_another"),
        (0.5, 0.59, ""),
        (0.7, 0.69, ""),
        (0.1, 0.9, "like_another"),
        (0.98, 0.1, "near_duplicate"),
        (0.98, 0.99, "like_another"),
    ],
)
def test_verdicts(own: float | None, other: float | None, verdict: str) -> None:
    assert judge(own, other, low_match=LOW, threshold=THRESHOLD) == verdict


def test_a_low_match_score_above_the_threshold_asks_for_no_more_than_the_threshold() -> None:
    assert judge(0.42, None, low_match=0.5, threshold=0.4) == ""


@given(own=SCORES, other=SCORES)
def test_only_an_image_that_is_nearest_to_its_own_person_passes(own: float, other: float) -> None:
    held = judge(own, other, low_match=LOW, threshold=THRESHOLD) in QUARANTINING
    assert held == (own < LOW or (other >= THRESHOLD and other > own))
