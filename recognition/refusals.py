"""From the vision engine's errors to refusals with a status."""

from collections.abc import Iterator
from contextlib import contextmanager

from faceplatform.core.errors import DomainError
from recognition.vision.errors import VisionError

_STATUS = {
    "file_empty": 400,
    "file_too_large": 413,
    "image_too_many_pixels": 413,
    "archive_entries": 413,
    "unsupported_media": 415,
    "video_dimensions": 413,
    "decoder_unavailable": 503,
    "model_unavailable": 503,
    "model_damaged": 503,
    "engine_refused": 503,
    "model_error": 503,
    "calibration_missing": 503,
    "unknown_backbone": 503,
}


@contextmanager
def refusals() -> Iterator[None]:
    """Translate what the engine raises to refusals with the same code."""
    try:
        yield
    except VisionError as error:
        raise DomainError(error.code, error.detail, status=_STATUS.get(error.code, 422)) from error
