"""Safe reading and writing of pictures. Needs Pillow only.

Signatures first; the reading itself follows.
"""

from dataclasses import dataclass

from recognition.vision.types import Box, DecodedImage, Pixels


@dataclass(frozen=True, slots=True)
class ImageLimits:
    """What is refused before a single pixel is decoded."""

    max_bytes: int = 20 * 1024 * 1024
    max_pixels: int = 50_000_000
    min_side: int = 32
    max_side: int = 16_384
    max_aspect: float = 20.0


DEFAULT_LIMITS = ImageLimits()


def decode_image(data: bytes, limits: ImageLimits = DEFAULT_LIMITS) -> DecodedImage:
    """Read a JPEG, PNG, WebP or (with pillow_heif) HEIC file. Raises ImageError only."""
    raise NotImplementedError


def encode_jpeg(pixels: Pixels, quality: int = 90) -> bytes:
    """JPEG bytes without any metadata."""
    raise NotImplementedError


def thumbnail(pixels: Pixels, side: int) -> Pixels:
    """The picture made to fit into side x side, never enlarged."""
    raise NotImplementedError


def crop_face(pixels: Pixels, box: Box, margin: float = 0.3, size: int = 256) -> Pixels:
    """A square picture of a face, size x size; margin as a share of the box's longer side."""
    raise NotImplementedError
