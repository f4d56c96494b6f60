"""What an engine is, and how it proves itself before it may serve."""

import logging
from typing import Protocol

import numpy as np

from recognition.vision.errors import EngineRefused
from recognition.vision.types import Floats

logger = logging.getLogger(__name__)

MIN_COSINE = 0.999
"""What an engine must reach on every stored embedding."""


class Engine(Protocol):
    """Runs one network. `infer` may be called from several threads."""

    name: str
    precision: str

    def infer(self, batch: Floats) -> Floats:
        """Float32 (N, channels, height, width) to float32 (N, d), or (N, d, h, w) for a map."""
        ...


def prove(engine: Engine, batch: Floats, expected: Floats) -> float:
    """Compare an engine with stored embeddings; the lowest cosine.

    `batch` is the network's input (N, 3, h, w), `expected` float32 (N, d). Raises EngineRefused
    below MIN_COSINE or for anything that is not finite.
    """
    found = engine.infer(batch)
    norms = np.linalg.norm(found, axis=1) * np.linalg.norm(expected, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        cosines = (found * expected).sum(axis=1) / norms
    lowest = float(cosines.min()) if np.isfinite(cosines).all() else float("nan")
    if not lowest >= MIN_COSINE:
        raise EngineRefused(
            f"{engine.name} ({engine.precision}) does not reproduce the stored embeddings: "
            f"lowest cosine {lowest:.5f}, at least {MIN_COSINE} is needed."
        )
    logger.debug("engine %s (%s) proved, lowest cosine %.6f", engine.name, engine.precision, lowest)
    return lowest
