"""The summed-area table against PyTorch's area interpolation."""

import numpy as np
import pytest
import torch
from torch.nn.functional import interpolate

from recognition.vision.resampling import AreaSampler
from recognition.vision.types import Floats, Pixels


def by_torch(pixels: Pixels, size: tuple[int, int]) -> Floats:
    values = torch.from_numpy(pixels.transpose(2, 0, 1)[None].astype(np.float32))
    return np.asarray(interpolate(values, size=size, mode="area")[0].numpy())


@pytest.mark.parametrize("size", [(76, 76), (1, 1), (13, 250), (200, 199), (300, 40)])
def test_whole_picture(size: tuple[int, int]) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (199, 250, 3), dtype=np.uint8)
    found = AreaSampler(pixels).resized(*size)
    assert found.shape == (3, *size)
    np.testing.assert_allclose(found, by_torch(pixels, size), atol=2e-4)


@pytest.mark.parametrize("size", [24, 48])
def test_windows(size: int) -> None:
    rng = np.random.default_rng(2)
    pixels = rng.integers(0, 256, (180, 240, 3), dtype=np.uint8)
    start = rng.integers(0, [239, 179], (60, 2))
    end = start + 1 + (rng.random((60, 2)) * ([240, 180] - start - 1)).astype(int)
    boxes = np.concatenate([start, end], axis=1)
    found = AreaSampler(pixels).crops(boxes, size)
    for box, crop in zip(boxes, found, strict=True):
        left, top, right, bottom = box
        expected = by_torch(pixels[top:bottom, left:right], (size, size))
        np.testing.assert_allclose(crop, expected, atol=2e-4)


def test_sums_beyond_32_bits_do_not_matter() -> None:
    """4200 x 4200 white pixels add up to more than 2^32."""
    pixels = np.full((4200, 4200, 3), 255, np.uint8)
    sampler = AreaSampler(pixels)
    assert (sampler.resized(50, 70) == 255).all()
    assert (sampler.crops(np.array([[4000, 4000, 4200, 4200]]), 24) == 255).all()
