"""Figures on held-out images while a network learns: quick, without intervals."""

import numpy as np
from numpy.typing import NDArray

from recognition.vision.types import Floats
from training.engine.data import Ints

TARGETS = (0.1, 0.01, 0.001)
_BINS = 4096


def verification(embeddings: Floats, labels: Ints) -> dict[str, float]:
    """Return EER and TAR at fixed FMR of all pairs of unit rows (N, d).

    `tar_at_fmr` is at the lowest FMR of `TARGETS` that 30 nonmated pairs stand behind: the one to
    choose the best epoch by. Empty where there are no mated or no nonmated pairs.
    """
    mated, nonmated = histograms(embeddings, labels)
    if not mated.sum() or not nonmated.sum():
        return {}
    above = np.cumsum(nonmated[::-1])[::-1] / nonmated.sum()
    found = np.cumsum(mated[::-1])[::-1] / mated.sum()
    crossing = int(np.argmin(np.abs(above - (1 - found))))
    figures = {"val_eer": float((above[crossing] + 1 - found[crossing]) / 2)}
    for target in TARGETS:
        if target == TARGETS[0] or target * nonmated.sum() >= 30:
            place = int(np.argmax(above <= target))
            figures["tar_at_fmr"] = float(found[place]) if above[place] <= target else 0.0
    return figures


def histograms(
    embeddings: Floats, labels: Ints, bins: int = _BINS
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return counts of mated and nonmated cosines in `bins` equal bins over -1..1."""
    mated = np.zeros(bins, np.int64)
    nonmated = np.zeros(bins, np.int64)
    for start in range(0, len(labels), 1024):
        rows = embeddings[start : start + 1024]
        scores = rows @ embeddings[start:].T
        places = np.clip(((scores + 1) * (bins / 2)).astype(np.int64), 0, bins - 1)
        number = np.arange(len(rows))
        later = np.arange(len(labels) - start)[None, :] > number[:, None]
        same = labels[start : start + len(rows), None] == labels[None, start:]
        mated += np.bincount(places[later & same], minlength=bins)
        nonmated += np.bincount(places[later & ~same], minlength=bins)
    return mated, nonmated


def unit(rows: Floats) -> Floats:
    """Return rows of length one."""
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(norms, 1e-10), np.float32)
