"""Similarity transforms and warped crops."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recognition.vision.alignment import similarity, warped
from recognition.vision.types import Pixels

POINTS = np.array([[40, 50], [80, 52], [60, 75], [45, 95], [76, 96]], np.float32)


@settings(max_examples=100, deadline=None)
@given(st.floats(0.2, 5.0), st.floats(-3.1, 3.1), st.floats(-200, 200), st.floats(-200, 200))
def test_similarity_finds_the_transform_that_was_applied(
    scale: float, angle: float, x: float, y: float
) -> None:
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    moved = POINTS @ turn.T + (x, y)
    found = similarity(POINTS, moved.astype(np.float32))
    np.testing.assert_allclose(found[:, :2], turn, atol=1e-3)
    np.testing.assert_allclose(found[:, 2], (x, y), atol=0.1)


def test_similarity_is_the_least_squares_answer() -> None:
    rng = np.random.default_rng(3)
    target = POINTS + rng.normal(size=POINTS.shape).astype(np.float32) * 4
    best = similarity(POINTS, target)

    def error(matrix: np.ndarray) -> float:
        return float((((POINTS @ matrix[:, :2].T + matrix[:, 2]) - target) ** 2).sum())

    for change in np.eye(4) * 1e-2:
        a, b = best[0, 0] + change[0], best[1, 0] + change[1]
        x, y = (float(value) for value in best[:, 2] + change[2:])
        assert error(np.array([[a, -b, x], [b, a, y]])) > error(best)


def test_points_in_one_place_do_not_divide_by_zero() -> None:
    found = similarity(np.full((5, 2), 7, np.float32), POINTS)
    assert np.isfinite(found).all()


def test_warped_equals_opencv(picture: Pixels) -> None:
    matrix = similarity(POINTS, POINTS * 0.9 + 10)
    ours = warped(picture, matrix, 90).astype(int)
    half = np.array([0.5, 0.5])
    shifted = matrix.copy()  # OpenCV counts from the middle of the first pixel
    shifted[:, 2] += matrix[:, :2] @ half - half
    theirs = cv2.warpAffine(picture, shifted, (90, 90), flags=cv2.INTER_LINEAR).astype(int)
    inside = np.s_[15:80, 15:80]
    assert np.abs(ours[inside] - theirs[inside]).mean() < 1.0


def test_shrinking_averages_instead_of_skipping() -> None:
    stripes = np.zeros((800, 800, 3), np.uint8)
    stripes[:, ::2] = 255
    small = warped(stripes, np.array([[0.1, 0, 0], [0, 0.1, 0]]), 80)
    assert np.abs(small[5:75, 5:75].astype(int) - 127).max() <= 2


@pytest.mark.parametrize("shift", [-5000.0, 5000.0, float("nan")])
def test_a_face_outside_the_picture_is_black(picture: Pixels, shift: float) -> None:
    for scale in (1.0, 0.1):
        crop = warped(picture, np.array([[scale, 0, shift], [0, scale, shift]]), 50)
        assert crop.shape == (50, 50, 3)
        assert crop.max() == 0
