"""Gathering faces that are probably of one person. Numpy only."""

import numpy as np
from numpy.typing import NDArray

from recognition.vision.types import Floats

Labels = NDArray[np.int64]
ROUNDS = 20


def cluster(
    embeddings: Floats, *, threshold: float, seed: int = 0, block: int = 1024
) -> list[Labels]:
    """Cluster faces by Chinese whispers; return the rows of every cluster, the largest first.

    `embeddings` is float32 (N, d) with unit rows. Two faces are neighbours where their cosine
    reaches `threshold`; the edge weighs by how far it does. Every face takes the label that
    weighs most among its neighbours, in random order, until nothing changes (Biemann 2006,
    "Chinese Whispers"). Faces without a neighbour are clusters of one. Same seed, same clusters.
    """
    count = len(embeddings)
    neighbours, weights = _edges(embeddings, threshold, block)
    labels = np.arange(count, dtype=np.int64)
    rng = np.random.default_rng(seed)
    for _ in range(ROUNDS):
        changed = False
        for face in rng.permutation(count):
            near = neighbours[face]
            if not len(near):
                continue
            votes, place = np.unique(labels[near], return_inverse=True)
            best = votes[np.bincount(place, weights=weights[face]).argmax()]
            changed |= bool(best != labels[face])
            labels[face] = best
        if not changed:
            break
    clusters = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    return sorted(clusters, key=lambda rows: (-len(rows), int(rows[0])))


def _edges(
    embeddings: Floats, threshold: float, block: int
) -> tuple[list[Labels], list[NDArray[np.float64]]]:
    """Neighbours of every face and the weight of each edge, above 0."""
    neighbours: list[Labels] = []
    weights: list[NDArray[np.float64]] = []
    for start in range(0, len(embeddings), block):
        scores = embeddings[start : start + block] @ embeddings.T
        for row, line in enumerate(scores, start):
            line[row] = -2.0
            near = np.flatnonzero(line >= threshold)
            neighbours.append(near)
            weights.append(line[near].astype(np.float64) - threshold + 1e-6)
    return neighbours, weights
