"""The order in which images are learned from."""

import numpy as np

from training.engine.data import Ints

BALANCE = ("none", "weights", "sampler")


def balanced(labels: Ints, epoch: int, seed: int) -> Ints:
    """Return as many rows as there are, every class as often as any other."""
    rng = np.random.default_rng([seed, epoch])
    counts = np.bincount(labels).astype(np.float64)
    chance = 1.0 / counts[labels]
    return rng.choice(len(labels), len(labels), p=chance / chance.sum()).astype(np.int64)


def class_weights(labels: Ints, classes: int) -> "np.ndarray[tuple[int], np.dtype[np.float32]]":
    """Return a weight per class, rare ones heavier; the mean over the images is 1."""
    counts = np.maximum(np.bincount(labels, minlength=classes), 1)
    return np.asarray(len(labels) / (np.count_nonzero(counts) * counts), np.float32)


def people_in_batches(labels: Ints, batch: int, each: int, epoch: int, seed: int) -> Ints:
    """Return rows so that every batch has people with `each` images: pairs to learn from.

    One epoch is about as many images as there are. People with one image come as strangers.
    """
    rng = np.random.default_rng([seed, epoch])
    by_person = [np.flatnonzero(labels == person) for person in np.unique(labels)]
    several = [rows for rows in by_person if len(rows) >= 2]
    people = max(2, batch // each)
    found: list[int] = []
    for _ in range(max(1, round(len(labels) / batch))):
        chosen = rng.permutation(len(several))[:people]
        rows: list[int] = []
        for person in chosen:
            rows += rng.permutation(several[person])[:each].tolist()
        if len(rows) < batch:
            rest = rng.permutation(len(labels))[: batch - len(rows)]
            rows += rest.tolist()
        found += rows[:batch]
    return np.asarray(found, np.int64)
