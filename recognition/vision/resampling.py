"""Area resizing of many windows of one picture, by a summed-area table.

MTCNN shrinks the picture to every pyramid level and cuts every candidate to 24 or 48 pixels, each
pixel being the plain mean of a window: output pixel i of n over a length of L averages the inputs
floor(i L / n) .. ceil((i + 1) L / n) - 1 (adaptive average pooling; PyTorch calls it "area"). With
a table of sums (Crow, "Summed-area tables for texture mapping", 1984) each of these pixels costs
four look-ups whatever the window's size, and all windows of all candidates are one gather.

The table is uint32 and wraps around in large pictures. That is exact: a window's sum is smaller
than 2^32, and differences modulo 2^32 are right.
"""

import numpy as np
from numpy.typing import NDArray

from recognition.vision.types import Floats, Pixels

Ints = NDArray[np.int64]


class AreaSampler:
    """The summed-area table of one picture, uint8 (H, W, 3)."""

    def __init__(self, pixels: Pixels) -> None:
        self.height, self.width = pixels.shape[:2]
        # (row, channel, column): a row is contiguous, and gathers come out channel first.
        table = np.zeros((self.height + 1, 3, self.width + 1), np.uint32)
        table[1:, :, 1:] = pixels.transpose(0, 2, 1)
        for y in range(1, self.height + 1):  # row by row stays in the cache
            row = table[y]
            np.cumsum(row, axis=1, out=row)
            row += table[y - 1]
        self._table = table

    def resized(self, height: int, width: int) -> Floats:
        """The whole picture at another size: float32 (3, height, width), 0..255."""
        top, bottom = _windows(np.array([0]), np.array([self.height]), height)
        left, right = _windows(np.array([0]), np.array([self.width]), width)
        rows = self._table.take(bottom[0], axis=0) - self._table.take(top[0], axis=0)
        sums = rows.take(right[0], axis=2) - rows.take(left[0], axis=2)
        heights = (bottom - top)[0].astype(np.float32)
        widths = (right - left)[0].astype(np.float32)
        means = sums.astype(np.float32) / (heights[:, None, None] * widths[None, None, :])
        return np.ascontiguousarray(means.transpose(1, 0, 2))

    def crops(self, boxes: Ints, size: int) -> Floats:
        """Windows of the picture at size x size: float32 (K, 3, size, size), 0..255.

        `boxes` is int64 (K, 4): left, top, right, bottom inside the picture, right and bottom
        exclusive, no box empty.
        """
        left, right = _windows(boxes[:, 0], boxes[:, 2], size)
        top, bottom = _windows(boxes[:, 1], boxes[:, 3], size)
        table = self._table.reshape(-1)
        stride = self.width + 1
        channels = (np.arange(3) * stride)[None, :, None, None]

        def at(rows: Ints, columns: Ints) -> NDArray[np.uint32]:
            places = rows[:, None, :, None] * (3 * stride) + columns[:, None, None, :] + channels
            found: NDArray[np.uint32] = table.take(places)
            return found

        sums = at(bottom, right) - at(top, right) - at(bottom, left) + at(top, left)
        heights = (bottom - top)[:, None, :, None].astype(np.float32)
        widths = (right - left)[:, None, None, :].astype(np.float32)
        means: Floats = sums.astype(np.float32) / (heights * widths)
        return means


def _windows(start: Ints, end: Ints, count: int) -> tuple[Ints, Ints]:
    """First input and the one behind the last for each of `count` outputs: two (K, count)."""
    length = (end - start)[:, None]
    index = np.arange(count)[None, :]
    first = index * length // count
    last = -(-(index + 1) * length // count)
    return start[:, None] + first, start[:, None] + last
