"""The arithmetic between the networks against the implementations it replaces."""

import numpy as np
import pytest
import torch
from facenet_pytorch.models.utils import detect_face as reference
from torchvision.ops import nms

from recognition.vision import cascade
from recognition.vision.types import Floats


def random_boxes(count: int, seed: int) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(seed)
    start = rng.uniform(0, 200, (count, 2))
    boxes = np.concatenate([start, start + rng.uniform(5, 80, (count, 2))], axis=1)
    scores = np.round(rng.random(count), 2)  # rounded, so that many are equal
    return boxes.astype(np.float32), scores.astype(np.float32)


@pytest.mark.parametrize("count", [0, 1, 2, 50, 600])
@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.7])
def test_suppression_equals_torchvision(count: int, threshold: float) -> None:
    boxes, scores = random_boxes(count, seed=count)
    expected = nms(torch.from_numpy(boxes), torch.from_numpy(scores), threshold).numpy()
    assert np.array_equal(cascade.suppress(boxes, scores, threshold), expected)


def test_suppression_of_many_boxes_equals_torchvision() -> None:
    boxes, scores = random_boxes(2500, seed=3)
    expected = nms(torch.from_numpy(boxes), torch.from_numpy(scores), 0.5).numpy()
    assert np.array_equal(cascade.suppress(boxes, scores, 0.5), expected)


@pytest.mark.parametrize("count", [1, 2, 12, 60])
def test_suppression_by_the_smaller_area_equals_the_reference(count: int) -> None:
    boxes, _ = random_boxes(count, seed=count)
    scores = np.random.default_rng(count).permutation(count).astype(np.float32)
    expected = reference.nms_numpy(boxes, scores, 0.7, "Min")
    assert np.array_equal(cascade.suppress(boxes, scores, 0.7, smaller=True), expected)


def test_refining_and_squaring_equal_the_reference() -> None:
    boxes, _ = random_boxes(40, seed=4)
    moves = np.random.default_rng(5).normal(0, 0.1, (40, 4)).astype(np.float32)
    expected = reference.bbreg(torch.from_numpy(boxes.copy()), torch.from_numpy(moves)).numpy()
    np.testing.assert_allclose(cascade.refined_inclusive(boxes, moves), expected, rtol=1e-5)
    squares = reference.rerec(torch.from_numpy(boxes.copy())).numpy()
    np.testing.assert_allclose(cascade.squared(boxes), squares, rtol=1e-5)


def test_windows_outside_the_picture_are_dropped() -> None:
    boxes = np.array([[-5, -5, 20, 20], [300, 10, 330, 40], [10, 10, 10.5, 40]], np.float32)
    windows, usable = cascade.inside(boxes, 100, 200)
    assert usable.tolist() == [True, False, True]
    assert windows[0].tolist() == [0, 0, 20, 20]


def test_pyramid_ends_at_the_shorter_side() -> None:
    assert cascade.pyramid_scales(39, 500, 40, 0.709) == []
    scales = cascade.pyramid_scales(250, 250, 40, 0.709)
    assert scales[0] == pytest.approx(0.3)
    assert 250 * scales[-1] >= 12 > 250 * scales[-1] * 0.709
