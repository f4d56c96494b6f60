"""How scores of the same person and of strangers are spread, for pictures behind a score."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from recognition.models import Gallery, ModelVersion
from recognition.refusals import refusals
from recognition.selectors.calibrations import calibration_of_version
from recognition.selectors.thresholds import calibration_of
from recognition.vision.calibration import Calibration
from recognition.vision.types import Floats

LOW, HIGH = -0.3, 1.0
POINTS = 66


@dataclass(frozen=True, slots=True)
class ScoreShapes:
    """Densities over scores from `low` to `high`, each scaled to a peak of 1.

    `people` and `images` say how much the calibration measured.
    """

    low: float
    high: float
    mated: tuple[float, ...]
    nonmated: tuple[float, ...]
    people: int
    images: int
    protocol: str


@dataclass(frozen=True, slots=True)
class ThresholdReach:
    """What the calibration says about a threshold: share of pairs of one person that reach it."""

    mated_share: float


def score_shapes(gallery: Gallery) -> ScoreShapes:
    """Return the shapes of the gallery's model. Raises DomainError without a calibration."""
    return _shapes(calibration_of(gallery))


def version_shapes(version: ModelVersion) -> ScoreShapes:
    """Return the shapes of a model version. Raises DomainError without a calibration."""
    with refusals():
        return _shapes(calibration_of_version(version))


def threshold_reach(gallery: Gallery, threshold: float) -> ThresholdReach:
    """Return how many pairs of images of one person score at least the threshold."""
    return ThresholdReach(mated_share=1.0 - calibration_of(gallery).fnmr_at(threshold))


@lru_cache(maxsize=8)
def _shapes(calibration: Calibration) -> ScoreShapes:
    return ScoreShapes(
        low=LOW,
        high=HIGH,
        mated=_scaled(calibration.mated),
        nonmated=_scaled(calibration.nonmated.astype(np.float64)),
        people=calibration.people,
        images=calibration.images,
        protocol=calibration.protocol,
    )


def _scaled(counts: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> tuple[float, ...]:
    """Gather a histogram over -1..1 into equal steps from LOW to HIGH, with a peak of 1."""
    centres = (np.arange(len(counts)) + 0.5) * 2.0 / len(counts) - 1.0
    gathered, _ = np.histogram(centres, bins=POINTS, range=(LOW, HIGH), weights=counts)
    smooth: Floats = np.convolve(gathered, np.asarray([0.25, 0.5, 0.25]), mode="same")
    return tuple(float(value) for value in np.round(smooth / smooth.max(), 4))
