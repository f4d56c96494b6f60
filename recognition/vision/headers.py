"""What a picture's own header says, read before any decoder sees the file.

Only the few fields that decide whether a file may be decoded at all: format, width, height and
more than one frame. Every loop is bounded, so hostile files cost nothing.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from recognition.vision.errors import ImageCorrupt
from recognition.vision.types import ImageFormat

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEIF_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_BARE = frozenset({0x01, *range(0xD0, 0xD8)})  # markers without a length
_JPEG_SCAN = 0xDA
_WEBP_ANIMATED = 0x02
_MAX_SCANS = 100
_MAX_PARTS = 10_000


@dataclass(frozen=True, slots=True)
class Header:
    """Size in pixels, 0 where the header does not tell, and whether there are several frames."""

    width: int = 0
    height: int = 0
    animated: bool = False


def sniff(data: bytes) -> ImageFormat | None:
    """Format by content, None for anything that is not accepted. Names are never asked."""
    if data.startswith(b"\xff\xd8\xff") and _has_segment(data):
        return "JPEG"
    if data.startswith(_PNG_SIGNATURE):
        return "PNG"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    if data[4:8] == b"ftyp" and _is_heif(data):
        return "HEIF"
    return None


def read_header(data: bytes, image_format: ImageFormat) -> Header:
    """The header of a file that `sniff` has recognised."""
    readers = {"JPEG": _jpeg, "PNG": _png, "WEBP": _webp}
    reader = readers.get(image_format)
    return reader(data) if reader is not None else Header()


def ends_early(data: bytes, image_format: ImageFormat) -> bool:
    """Whether a file that could not be decoded is merely cut off.

    JPEG: no end marker behind the first scan, or no scan at all. PNG: no end chunk. WebP: shorter
    than its header says.
    """
    if image_format == "JPEG":
        scan = data.find(b"\xff\xda")
        return scan < 0 or data.find(b"\xff\xd9", scan) < 0
    if image_format == "PNG":
        return b"IEND\xaeB`\x82" not in data
    return image_format == "WEBP" and int.from_bytes(data[4:8], "little") + 8 > len(data)


def _has_segment(data: bytes) -> bool:
    """Whether anything follows a JPEG's first marker; two bytes alone make no picture."""
    return next(_jpeg_segments(data), None) is not None


def _is_heif(data: bytes) -> bool:
    size = min(int.from_bytes(data[:4], "big"), len(data), 256)
    brands = {data[8:12], *(data[at : at + 4] for at in range(16, size - 3, 4))}
    return bool(brands & _HEIF_BRANDS) and not brands & _AVIF_BRANDS


def _jpeg(data: bytes) -> Header:
    width = height = 0
    for marker, start in _jpeg_segments(data):
        if marker in _JPEG_FRAMES and start + 5 <= len(data):
            height, width = struct.unpack_from(">HH", data, start + 1)
        if marker == _JPEG_SCAN:
            # Each scan passes over the whole picture again: a few kilobytes could cost minutes.
            if data.count(b"\xff\xda", start) > _MAX_SCANS:
                raise ImageCorrupt(f"The JPEG has more than {_MAX_SCANS} scans.")
            break
    return Header(width, height)


def _jpeg_segments(data: bytes) -> Iterator[tuple[int, int]]:
    """Marker and start of the content of each segment up to the first scan or the first error."""
    position = 2
    for _ in range(_MAX_PARTS):
        if position + 4 > len(data) or data[position] != 0xFF:
            return
        marker = data[position + 1]
        if marker == 0xFF:
            position += 1
        elif marker in _JPEG_BARE:
            position += 2
        else:
            yield marker, position + 4
            if marker == _JPEG_SCAN:
                return
            position += 2 + int.from_bytes(data[position + 2 : position + 4], "big")
    raise ImageCorrupt("The JPEG has too many segments.")


def _png(data: bytes) -> Header:
    width = height = 0
    animated = False
    position = len(_PNG_SIGNATURE)
    for _ in range(_MAX_PARTS):
        name, start = data[position + 4 : position + 8], position + 8
        if name == b"IHDR" and start + 8 <= len(data):
            width, height = struct.unpack_from(">II", data, start)
        elif name == b"acTL":
            animated = int.from_bytes(data[start : start + 4], "big") > 1
        elif name in {b"IDAT", b"IEND"} or len(name) < 4:
            return Header(width, height, animated)
        position = start + 4 + int.from_bytes(data[position : position + 4], "big")
    raise ImageCorrupt("The PNG has too many chunks.")


def _webp(data: bytes) -> Header:
    kind, body = data[12:16], data[20:34]
    width = height = 0
    animated = False
    if kind == b"VP8X" and len(body) >= 10:
        animated = bool(body[0] & _WEBP_ANIMATED)
        width = int.from_bytes(body[4:7], "little") + 1
        height = int.from_bytes(body[7:10], "little") + 1
    elif kind == b"VP8L" and len(body) >= 5:
        bits = int.from_bytes(body[1:5], "little")
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    elif kind == b"VP8 " and len(body) >= 10:
        width = int.from_bytes(body[6:8], "little") & 0x3FFF
        height = int.from_bytes(body[8:10], "little") & 0x3FFF
    return Header(width, height, animated)
