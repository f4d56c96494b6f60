"""Safe reading and writing of pictures. Needs Pillow only, never torch.

The order matters: bytes, format by content, size from the header, and only then a decoder. What
Pillow may raise is mapped to the typed errors here and nowhere else.
"""

import io
import struct
import zlib
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec

import numpy as np
from PIL import Image

from recognition.vision.errors import (
    AnimatedImage,
    FileEmpty,
    FileTooLarge,
    ImageCorrupt,
    ImageDimensions,
    ImageTooManyPixels,
    ImageTruncated,
    UnsupportedMedia,
)
from recognition.vision.headers import ends_early, read_header, sniff
from recognition.vision.types import Box, DecodedImage, ImageFormat, Pixels

# Everything Pillow's readers of these formats are known to raise on damaged files.
_DECODER_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    AssertionError,
    EOFError,
    RuntimeError,
    struct.error,
    zlib.error,
)
_BOMBS = (MemoryError, Image.DecompressionBombError, Image.DecompressionBombWarning)
_ORIENTATION_TAG = 0x0112
_WITH_ALPHA = frozenset({"RGBA", "LA", "PA", "RGBa", "La"})
_WHITE = (255, 255, 255)


@dataclass(frozen=True, slots=True)
class ImageLimits:
    """What is refused before a single pixel is decoded. Sides in pixels, aspect as a ratio."""

    max_bytes: int = 20 * 1024 * 1024
    max_pixels: int = 50_000_000
    min_side: int = 32
    max_side: int = 16_384
    max_aspect: float = 20.0


DEFAULT_LIMITS = ImageLimits()


def decode_image(data: bytes, limits: ImageLimits = DEFAULT_LIMITS) -> DecodedImage:
    """Read a JPEG, PNG, WebP or, where pillow_heif is installed, HEIC file.

    Returns uint8 RGB, turned upright by its EXIF orientation, transparency laid on white. Raises
    ImageError and nothing else, whatever the bytes are.
    """
    image_format = _check_before_decoding(data, limits)
    try:
        return _decode(data, image_format, limits)
    except _BOMBS as error:
        raise ImageTooManyPixels("The picture needs more memory than allowed.") from error
    except _DECODER_ERRORS as error:
        if ends_early(data, image_format):
            raise ImageTruncated("The file ends before the picture does.") from error
        raise ImageCorrupt(f"The {image_format} data is damaged.") from error


def _check_before_decoding(data: bytes, limits: ImageLimits) -> ImageFormat:
    """Everything that can be refused without a decoder; returns the format."""
    if not data:
        raise FileEmpty("The file is empty.")
    if len(data) > limits.max_bytes:
        raise FileTooLarge(f"The file is larger than {limits.max_bytes:,} bytes.")
    image_format = sniff(data)
    if image_format is None or (image_format == "HEIF" and not heif_available()):
        raise UnsupportedMedia(f"Not a picture this product reads ({', '.join(accepted())}).")
    header = read_header(data, image_format)
    if header.width and header.height:
        check_size(header.width, header.height, limits)
    elif image_format != "HEIF":
        if image_format == "JPEG" and ends_early(data, image_format):
            raise ImageTruncated("The file ends before the picture does.")
        raise UnsupportedMedia("The file has a picture's signature but no picture.")
    if header.animated:
        raise AnimatedImage("The file has several frames; send the one that is meant.")
    return image_format


@cache
def heif_available() -> bool:
    """Whether HEIC files can be read here."""
    return find_spec("pillow_heif") is not None


def accepted() -> tuple[str, ...]:
    """Names of the formats that can be read here, for messages and forms."""
    return ("JPEG", "PNG", "WebP", "HEIC") if heif_available() else ("JPEG", "PNG", "WebP")


def check_size(width: int, height: int, limits: ImageLimits = DEFAULT_LIMITS) -> None:
    """Raise ImageTooManyPixels or ImageDimensions for a size outside the limits."""
    if width * height > limits.max_pixels:
        raise ImageTooManyPixels(
            f"{width:,} x {height:,} pixels; at most {limits.max_pixels:,} in all."
        )
    short, long = sorted((width, height))
    if short < limits.min_side or long > limits.max_side:
        raise ImageDimensions(
            f"{width:,} x {height:,} pixels; sides of {limits.min_side} to {limits.max_side:,} "
            "are accepted."
        )
    if long > limits.max_aspect * short:
        raise ImageDimensions(
            f"{width:,} x {height:,} pixels; at most {limits.max_aspect:g} to 1 is accepted."
        )


def _decode(data: bytes, image_format: ImageFormat, limits: ImageLimits) -> DecodedImage:
    if image_format == "HEIF":
        _register_heif()
    # `formats` keeps every other reader of Pillow away from the bytes.
    with Image.open(io.BytesIO(data), formats=(image_format,)) as image:
        check_size(*image.size, limits)  # the header that counts is the decoder's
        notes = ["multi_picture"] if image.format == "MPO" else []
        image.load()
        orientation = 1 if image_format == "HEIF" else _orientation(image, notes)
        pixels = _to_rgb(image, notes)
    if orientation > 1:
        notes.append(f"orientation_{orientation}")
        pixels = _upright(pixels, orientation)
    return DecodedImage(np.ascontiguousarray(pixels), image_format, tuple(notes))


def _register_heif() -> None:
    import pillow_heif  # type: ignore[import-not-found,unused-ignore]

    pillow_heif.register_heif_opener()


def _orientation(image: Image.Image, notes: list[str]) -> int:
    """EXIF orientation 1..8; 1 for anything else, with a note when the block is unreadable."""
    try:
        value = image.getexif().get(_ORIENTATION_TAG, 1)
    except _DECODER_ERRORS:
        notes.append("exif_ignored")
        return 1
    if isinstance(value, int) and 1 <= value <= 8:
        return value
    notes.append("orientation_ignored")
    return 1


def _upright(pixels: Pixels, orientation: int) -> Pixels:
    """Undo the orientations 2..8 of EXIF."""
    turned = {
        2: lambda p: p[:, ::-1],
        3: lambda p: p[::-1, ::-1],
        4: lambda p: p[::-1],
        5: lambda p: p.swapaxes(0, 1),
        6: lambda p: p.swapaxes(0, 1)[:, ::-1],
        7: lambda p: p[::-1, ::-1].swapaxes(0, 1),
        8: lambda p: p.swapaxes(0, 1)[::-1],
    }
    return np.asarray(turned[orientation](pixels), np.uint8)


def _to_rgb(image: Image.Image, notes: list[str]) -> Pixels:
    """uint8 RGB of a loaded picture of any mode."""
    if image.mode.startswith("I"):
        notes.append("16bit_scaled")
        return _from_16_bit(image)
    if image.mode in _WITH_ALPHA or "transparency" in image.info:
        notes.append("alpha_on_white")
        return _on_white(image.convert("RGBA"))
    if image.mode != "RGB":
        notes.append(f"from_{image.mode.lower()}")
        image = image.convert("RGB")
    return np.asarray(image, np.uint8)


def _from_16_bit(image: Image.Image) -> Pixels:
    """Grey of 16 bits, scaled by 1/257: Pillow's own conversion would clip to white."""
    values = np.asarray(image).astype(np.uint32)
    transparent = image.info.get("transparency")
    if isinstance(transparent, int):
        values[values == transparent] = 65_535
    grey = np.minimum((values + 128) // 257, 255).astype(np.uint8)
    return np.repeat(grey[:, :, None], 3, axis=2)


def _on_white(image: Image.Image) -> Pixels:
    """Lay RGBA on white, so that colour hidden under alpha 0 stays hidden."""
    ground = Image.new("RGB", image.size, _WHITE)
    ground.paste(image, mask=image.getchannel("A"))
    return np.asarray(ground, np.uint8)


def encode_jpeg(pixels: Pixels, quality: int = 90) -> bytes:
    """JPEG of uint8 RGB pixels, without any metadata."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def thumbnail(pixels: Pixels, side: int) -> Pixels:
    """The picture made to fit into side x side pixels, never enlarged, proportions kept."""
    image = Image.fromarray(pixels)
    image.thumbnail((side, side), Image.Resampling.BICUBIC, reducing_gap=2.0)
    return np.asarray(image, np.uint8)


def crop_face(pixels: Pixels, box: Box, margin: float = 0.3, size: int = 256) -> Pixels:
    """A square picture of a face, uint8 RGB, size x size, for people to look at.

    `margin` is added on each side as a share of the box's longer side. Near an edge the square
    moves into the picture instead of being padded.
    """
    height, width = pixels.shape[:2]
    inside = box.clipped(width, height)
    wanted = max(inside.width, inside.height) * (1 + 2 * margin)
    side = max(1, round(min(wanted, width, height)))
    center_x, center_y = inside.center
    left = round(min(max(center_x - side / 2, 0), width - side))
    top = round(min(max(center_y - side / 2, 0), height - side))
    cut = Image.fromarray(pixels[top : top + side, left : left + side])
    return np.asarray(cut.resize((size, size), Image.Resampling.BICUBIC), np.uint8)
