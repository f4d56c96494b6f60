"""Crops in which the eyes, nose and mouth lie where a network expects them."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from recognition.vision.types import Floats, Pixels

Matrix = NDArray[np.float64]


def similarity(source: Floats, target: Floats) -> Matrix:
    """The rotation, scale and shift that takes `source` nearest to `target`, both (n, 2): (2, 3).

    Least squares without mirroring (Umeyama 1991), in complex numbers: the factor z with
    target = z * source + shift. Points that all coincide give a scale of 1.
    """
    ours = np.asarray(source, np.float64) @ np.array([1, 1j])
    theirs = np.asarray(target, np.float64) @ np.array([1, 1j])
    middle, wanted = ours.mean(), theirs.mean()
    spread = float((np.abs(ours - middle) ** 2).sum())
    factor = (np.conj(ours - middle) @ (theirs - wanted)) / spread if spread > 0 else 1 + 0j
    shift = wanted - factor * middle
    return np.array(
        [[factor.real, -factor.imag, shift.real], [factor.imag, factor.real, shift.imag]]
    )


def warped(pixels: Pixels, matrix: Matrix, size: int) -> Pixels:
    """The picture under `matrix` (2, 3), a map from its pixels to the crop's: (size, size, 3).

    Bilinear; black outside the picture. A picture that shrinks is first averaged over whole
    blocks of pixels, so that no detail is skipped.
    """
    scale = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    if scale <= 0 or not np.isfinite(matrix).all():
        return np.zeros((size, size, 3), np.uint8)
    full = np.vstack([matrix, [0.0, 0.0, 1.0]])
    back = np.linalg.inv(full)[:2]
    picture = Image.fromarray(pixels)
    factor = int(1 / scale)
    if factor > 1:
        left, top, right, bottom = _window(back, size, picture.size, margin=2 * factor)
        if right <= left or bottom <= top:
            return np.zeros((size, size, 3), np.uint8)
        picture = picture.crop((left, top, right, bottom)).reduce(factor)
        back[:, 2] -= (left, top)
        back /= factor
    turned = picture.transform(
        (size, size), Image.Transform.AFFINE, tuple(back.reshape(-1)), Image.Resampling.BILINEAR
    )
    return np.asarray(turned, np.uint8)


def _window(
    back: Matrix, size: int, limits: tuple[int, int], margin: int
) -> tuple[int, int, int, int]:
    """The part of the picture that the crop needs: left, top, right, bottom."""
    corners = np.array([[0, 0, 1], [size, 0, 1], [0, size, 1], [size, size, 1]]) @ back.T
    low = np.floor(corners.min(axis=0)).astype(int) - margin
    high = np.ceil(corners.max(axis=0)).astype(int) + margin
    return (
        max(0, int(low[0])),
        max(0, int(low[1])),
        min(limits[0], int(high[0])),
        min(limits[1], int(high[1])),
    )
