"""Sixteen pictures that every engine must embed alike.

They are drawn from a seed, so nobody's face is stored, and they are the same on every machine:
the bit generator's raw output is guaranteed by numpy, and the rest is exact up to rounding.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recognition.vision.errors import ModelDamaged
from recognition.vision.types import Floats

COUNT = 16
_SEED = 20_180_408
_GRIDS = ((4, 90.0), (10, 50.0), (32, 25.0))  # cells per side, amplitude: coarse to fine


def crops(size: int) -> NDArray[np.uint8]:
    """Smooth coloured noise, uint8 (16, size, size, 3), with the spectrum of a soft photograph."""
    source = np.random.PCG64(_SEED)
    pictures = np.full((COUNT, size, size, 3), 127.5)
    for cells, amplitude in _GRIDS:
        raw = source.random_raw(COUNT * cells * cells * 3).astype(np.float64) / 2.0**64
        grid = (raw.reshape(COUNT, cells, cells, 3) - 0.5) * 2 * amplitude
        weights = _interpolation(cells, size)
        pictures += np.einsum("yi,nijc,xj->nyxc", weights, grid, weights, optimize=True)
    rounded: NDArray[np.uint8] = np.rint(pictures).clip(0, 255).astype(np.uint8)
    return rounded


def load(path: Path) -> Floats:
    """Stored embeddings of the crops, float32 (16, d). Raises ModelDamaged."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            embeddings: Floats = stored["embeddings"].astype(np.float32)
    except (OSError, KeyError, ValueError) as error:
        raise ModelDamaged(f"The stored embeddings {path.name} cannot be read.") from error
    if embeddings.ndim != 2 or len(embeddings) != COUNT:
        raise ModelDamaged(f"The stored embeddings {path.name} have the wrong shape.")
    return embeddings


def save(path: Path, embeddings: Floats) -> None:
    """Store embeddings of the crops."""
    with path.open("wb") as stream:
        np.savez_compressed(stream, embeddings=embeddings.astype(np.float32))


def _interpolation(cells: int, size: int) -> NDArray[np.float64]:
    """Linear interpolation from `cells` points to `size` points as a matrix (size, cells)."""
    position = np.linspace(0, cells - 1, size)
    left = np.minimum(position.astype(int), cells - 2)
    matrix = np.zeros((size, cells))
    rows = np.arange(size)
    matrix[rows, left] = 1 - (position - left)
    matrix[rows, left + 1] = position - left
    return matrix
