"""The quality limits of a gallery: what an image must have to be enrolled."""

from dataclasses import asdict, fields, replace
from typing import Any

from faceplatform.core.errors import DomainError, FieldError
from recognition.models import FaceImage, Gallery
from recognition.vision.types import Quality, QualityLimits

DEFAULTS = QualityLimits()
RANGES: dict[str, tuple[float, float]] = {
    "detection": (0.0, 1.0),
    "eye_distance": (0.0, 500.0),
    "sharpness": (0.0, 5.0),
    "brightness_low": (0.0, 1.0),
    "brightness_high": (0.0, 1.0),
    "contrast": (0.0, 0.5),
    "yaw": (0.0, 90.0),
    "score": (0.0, 1.0),
}
"""Lowest and highest value of every limit, in the units of `QualityLimits`."""


def limits_of(gallery: Gallery) -> QualityLimits:
    """Return the gallery's limits: its own where it has some, the defaults for the rest."""
    own = {name: value for name, value in gallery.quality_limits.items() if name in RANGES}
    return replace(DEFAULTS, **own)


def clean_limits(given: dict[str, Any]) -> dict[str, float]:
    """Return what of the limits differs from the defaults.

    Raises DomainError `quality_limits_invalid` with one error per limit that is unknown, no
    number or out of range.
    """
    wrong = []
    kept = {}
    for name, value in given.items():
        if name not in RANGES:
            wrong.append(FieldError(name, "unknown", "There is no limit of this name."))
            continue
        low, high = RANGES[name]
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not low <= value <= high:
            wrong.append(FieldError(name, "out_of_range", f"A number from {low:g} to {high:g}."))
        elif float(value) != getattr(DEFAULTS, name):
            kept[name] = float(value)
    if wrong:
        raise DomainError(
            "quality_limits_invalid",
            "Some quality limits cannot be used: " + ", ".join(error.field for error in wrong),
            errors=tuple(wrong),
        )
    if replace(DEFAULTS, **kept).brightness_low >= replace(DEFAULTS, **kept).brightness_high:
        raise DomainError(
            "quality_limits_invalid", "The darkest face must be darker than the brightest."
        )
    return kept


def limits_json(gallery: Gallery) -> dict[str, float]:
    """Return all limits that hold in the gallery, by name."""
    return asdict(limits_of(gallery))


def reasons_of(face: FaceImage, limits: QualityLimits) -> tuple[str, ...]:
    """Return the limits that a stored face misses; parts that were not stored miss none."""
    parts = face.quality_parts
    names = {field.name for field in fields(Quality)} - {"score", "detection"}
    if not names <= set(parts):
        return ()
    measured = Quality(
        score=face.quality,
        detection=face.detection_score,
        **{name: float(parts[name]) for name in names},
    )
    return measured.reasons(limits)
