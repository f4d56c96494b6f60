"""Small data for the loop: people as points, and as pictures."""

import numpy as np

from training.engine.data import Data, Part
from training.engine.figures import unit


def embeddings(people: int = 6, images: int = 8, *, width: int = 16, noise: float = 0.4) -> Data:
    """Return people around centres of their own, the last quarter of each one's images as test."""
    rng = np.random.default_rng(5)
    centres = np.repeat(rng.standard_normal((people, width)), images, axis=0)
    rows = unit((centres + noise * rng.standard_normal(centres.shape)).astype(np.float32))
    labels = np.repeat(np.arange(people), images)
    away = np.arange(len(labels)) % images >= images - max(1, images // 4)
    return Data(
        tuple(f"person-{number}" for number in range(people)),
        {"train": Part(rows[~away], labels[~away]), "test": Part(rows[away], labels[away])},
        (width,),
    )


def pictures(people: int = 4, images: int = 6, *, size: int = 32) -> Data:
    """Return people who are noise patterns of their own; whole people are the test."""
    rng = np.random.default_rng(6)
    patterns = np.repeat(rng.integers(0, 256, (2 * people, size, size, 3)), images, axis=0)
    noisy = np.clip(patterns + rng.normal(0, 25, patterns.shape), 0, 255).astype(np.uint8)
    labels = np.repeat(np.arange(2 * people), images)
    away = labels >= people
    return Data(
        tuple(f"person-{number}" for number in range(2 * people)),
        {"train": Part(noisy[~away], labels[~away]), "test": Part(noisy[away], labels[away])},
    )
