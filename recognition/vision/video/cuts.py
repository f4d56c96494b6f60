"""Noticing that the camera changed between two frames."""

import numpy as np
from PIL import Image

from recognition.vision.types import Floats, Pixels

_SIDE = (64, 36)
_BINS = 8
CUT = 0.45
"""Share of the picture whose colours are elsewhere from this on: a cut."""


def signature(pixels: Pixels) -> Floats:
    """Colours of the four quarters of a frame: float32 (4, 512), each row sums to 1.

    A histogram of 8 x 8 x 8 colours per quarter of the frame at 64 x 36 pixels.
    """
    small = np.asarray(Image.fromarray(pixels).resize(_SIDE, Image.Resampling.BOX), np.int64)
    codes = (small >> 5) @ np.array([_BINS * _BINS, _BINS, 1])
    half_y, half_x = codes.shape[0] // 2, codes.shape[1] // 2
    quarters = (
        codes[:half_y, :half_x], codes[:half_y, half_x:],
        codes[half_y:, :half_x], codes[half_y:, half_x:],
    )  # fmt: skip
    counts = [np.bincount(part.reshape(-1), minlength=_BINS**3) for part in quarters]
    rows = np.asarray(counts, np.float32)
    return np.asarray(rows / rows.sum(axis=1, keepdims=True), np.float32)


def difference(first: Floats, second: Floats) -> float:
    """Half the sum of absolute differences, averaged over the quarters: 0 same, 1 nothing shared.

    Colours that moved a little over the border of a bin count as changed, so 0.45 and not less
    is taken for a cut.
    """
    return float(np.abs(first - second).sum(axis=1).mean() / 2)


def is_cut(first: Floats | None, second: Floats) -> bool:
    """Whether two frames in a row show different scenes; the first frame of all is no cut."""
    return first is not None and difference(first, second) >= CUT
