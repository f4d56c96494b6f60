"""Made-up people: templates that differ less within a person than between people."""

import numpy as np

from training.evaluation.arrays import Floats, Ints


def templates(
    people: int, each: int, *, seed: int = 0, dimension: int = 32, noise: float = 0.8
) -> tuple[Floats, Ints]:
    """Unit-norm templates (people * each, dimension) in random order, and whose they are."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(people, dimension))
    identities = np.repeat(np.arange(people), each)
    rows = centres[identities] + noise * rng.normal(size=(len(identities), dimension))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    order = rng.permutation(len(rows))
    return rows[order].astype(np.float32), identities[order].astype(np.int64)
