"""What a caller may choose for one question, within limits."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from faceplatform.core.errors import DomainError
from recognition.models import Gallery
from recognition.selectors.thresholds import (
    ThresholdInfo,
    calibration_of,
    threshold_of,
    two_digits,
)
from recognition.services.enrollment import LIMITS
from recognition.vision.types import QualityLimits

MOST_CANDIDATES = 50
MOST_GALLERIES = 20
LOOSEST_FPIR = 0.10
"""No call may name more than about one stranger in ten."""


@dataclass(frozen=True, slots=True)
class Options:
    """Choices for one call; None leaves what the gallery says.

    `top` is how many of the nearest people an answer lists, 1 to 50. `min_quality` is the overall
    quality, 0..1, below which a face is not named. `threshold` is a score, -1..1.
    """

    top: int = 5
    min_quality: float | None = None
    threshold: float | None = None

    def limits(self) -> QualityLimits:
        """Return the limits of quality for this call."""
        return LIMITS if self.min_quality is None else replace(LIMITS, score=self.min_quality)

    def chosen(self) -> dict[str, Any]:
        """Return what was chosen, as a probe keeps it."""
        values = {"min_quality": self.min_quality, "threshold": self.threshold}
        return {"top": self.top} | {name: v for name, v in values.items() if v is not None}


DEFAULT = Options()


def check_options(options: Options) -> None:
    """Raise DomainError `top_invalid` or `min_quality_invalid` for what no gallery allows."""
    if not 1 <= options.top <= MOST_CANDIDATES:
        raise DomainError("top_invalid", f"An answer lists 1 to {MOST_CANDIDATES} people.")
    if options.min_quality is not None and not 0.0 <= options.min_quality <= 1.0:
        raise DomainError("min_quality_invalid", "A quality is a number from 0 to 1.")


def check_galleries(galleries: Sequence[Gallery]) -> None:
    """Raise DomainError `galleries_invalid` unless these are 1 to 20 galleries, each once."""
    if not 1 <= len({gallery.pk for gallery in galleries}) == len(galleries) <= MOST_GALLERIES:
        raise DomainError(
            "galleries_invalid", f"Ask 1 to {MOST_GALLERIES} galleries, each of them once."
        )


def threshold_for_call(gallery: Gallery, options: Options) -> ThresholdInfo:
    """Return the threshold of a call: the gallery's, or the chosen one with what it means there.

    A chosen one lies between the score at which about one stranger in ten is named and 1; else
    DomainError `threshold_out_of_limits`.
    """
    usual = threshold_of(gallery)
    if options.threshold is None:
        return usual
    calibration = calibration_of(gallery)
    lowest = round(calibration.threshold_for(usual.templates, fpir=LOOSEST_FPIR).score, 4)
    if not lowest <= options.threshold <= 1.0:
        raise DomainError(
            "threshold_out_of_limits",
            f"In {gallery.name} a threshold may be chosen from {lowest:.3f} to 1.",
        )
    rate = calibration.stranger_rate(options.threshold, usual.templates)
    relation = "fewer than" if rate.bounded else "about"
    return replace(
        usual,
        value=options.threshold,
        source="call",
        text=(
            f"chosen for this call: {relation} 1 stranger in {two_digits(rate.one_in):,} would be "
            f"named; {usual.value:.3f} is usual here"
        ),
        fmr=calibration.fmr_at(options.threshold),
        expected_fpir=1 / rate.one_in,
        supported=not rate.bounded,
        threshold_id="",
    )
