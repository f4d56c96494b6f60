"""Pictures that are broken, hostile or merely odd, made in memory: rows 1 to 24 and 28."""

import io
import random
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from PIL import Image, PngImagePlugin

from recognition.vision.types import Pixels


@dataclass(frozen=True, slots=True)
class Sample:
    """One file: its row of the table, what it is, and the code it must be answered with.

    An empty `code` means that it is accepted. `make` builds the bytes.
    """

    row: int
    name: str
    code: str
    make: Callable[[], bytes]
    filename: str = "photo.jpg"

    def __str__(self) -> str:
        return f"{self.row}-{self.name}"


@cache
def portrait() -> Pixels:
    """A soft coloured picture, 200 x 160, no two alike in any corner."""
    cells = np.random.default_rng(11).integers(0, 255, (8, 10, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(cells).resize((200, 160), Image.Resampling.BICUBIC))


def encoded(image: Image.Image | Pixels, kind: str, **options: object) -> bytes:
    """A picture as a file."""
    picture = image if isinstance(image, Image.Image) else Image.fromarray(image)
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def jpeg(mode: str = "RGB", **options: object) -> bytes:
    return encoded(Image.fromarray(portrait()).convert(mode), "JPEG", quality=92, **options)


def png(mode: str = "RGB", **options: object) -> bytes:
    return encoded(Image.fromarray(portrait()).convert(mode), "PNG", **options)


def webp(**options: object) -> bytes:
    return encoded(portrait(), "WEBP", **options)


def random_bytes(size: int, seed: int = 5) -> bytes:
    return random.Random(seed).randbytes(size)


def bare_png(
    width: int, height: int, *, depth: int = 8, colour: int = 2, rows: bool = False
) -> bytes:
    """A PNG of this size: its header alone, or with all rows zero."""

    def chunk(name: bytes, content: bytes) -> bytes:
        body = name + content
        return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))

    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    content = b""
    if rows:
        packer = zlib.compressobj(9)
        row = bytes(1 + (width * depth + 7) // 8)
        content = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    parts = chunk(b"IHDR", head) + (chunk(b"IDAT", content) if rows else b"")
    return b"\x89PNG\r\n\x1a\n" + parts + chunk(b"IEND", b"")


def bare_bmp(width: int, height: int) -> bytes:
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54, 0, 0, 54) + header


def rotten_jpeg() -> bytes:
    """A JPEG with flipped bits in its scan; decoders see nothing wrong."""
    data = bytearray(jpeg())
    start = data.index(b"\xff\xda") + 20
    for place in range(start, len(data) - 2, 97):
        # Nothing may become a marker: then the damage would be seen.
        if 0xFF not in (data[place - 1], data[place], data[place] ^ 0x04):
            data[place] ^= 0x04
    return bytes(data)


def png_with_bad_crc() -> bytes:
    data = bytearray(png())
    data[29] ^= 0xFF  # behind signature, length, name and 13 bytes of the header
    return bytes(data)


def png_with_damaged_rows() -> bytes:
    data = bytearray(png())
    data[data.index(b"IDAT") + 400] ^= 0xFF
    return bytes(data)


def text_bomb() -> bytes:
    text = PngImagePlugin.PngInfo()
    text.add_text("comment", "a" * 64_000_000, zip=True)
    return png(pnginfo=text)


def exif(orientation: int = 1, **tags: str) -> Image.Exif:
    block = Image.Exif()
    block[0x0112] = orientation
    for number, text in enumerate(tags.values()):
        block[0x010F + number] = text
    return block


def told_everything() -> bytes:
    """A JPEG that tells place, camera, owner, and carries another picture as its thumbnail."""
    block = exif(1, maker="SecretMaker", model="SecretModel")
    block.get_ifd(0x8825)[1] = "N"
    block.get_ifd(0x8825)[2] = (52.0, 31.0, 12.0)
    block.get_ifd(0x8769)[0xA431] = "SecretSerial"
    thumbnail = encoded(np.zeros((60, 80, 3), np.uint8), "JPEG")
    xmp = b"<x:xmpmeta>SecretOwner</x:xmpmeta>"
    return jpeg(exif=block, xmp=xmp, comment=b"SecretComment" + thumbnail)


def hidden_under_alpha() -> bytes:
    """Colour under alpha 0, which a careless conversion would show."""
    alpha = np.full(portrait().shape[:2], 255, np.uint8)
    alpha[:, 100:] = 0
    return encoded(Image.fromarray(np.dstack([portrait(), alpha])), "PNG")


def sixteen_bits() -> bytes:
    return encoded(Image.fromarray(portrait()[:, :, 0].astype(np.uint16) * 257), "PNG")


def frames(kind: str, count: int) -> bytes:
    small = portrait()[:64, :64, 0]
    pictures = [Image.fromarray(np.roll(small, n, axis=1)) for n in range(count)]
    return encoded(pictures[0], kind, save_all=True, append_images=pictures[1:])


def heic_header() -> bytes:
    return b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + random_bytes(500)


def psd() -> bytes:
    return b"8BPS\0\1" + bytes(6) + struct.pack(">HIIHH", 3, 64, 64, 8, 3) + bytes(200)


def fits() -> bytes:
    cards = [b"SIMPLE  =                    T", b"BITPIX  =                    8", b"END"]
    return b"".join(card.ljust(80) for card in cards).ljust(2880) + bytes(2880)


def plain(size: tuple[int, int]) -> bytes:
    return encoded(Image.new("RGB", size, (90, 120, 60)), "PNG")


_SVG = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"
_NO_MEDIA = "unsupported_media"
_CUT, _TOO_MANY, _SIDES = "image_truncated", "image_too_many_pixels", "image_dimensions"

PICTURES: tuple[Sample, ...] = (
    Sample(1, "0 bytes", "file_empty", bytes),
    Sample(2, "one byte", _NO_MEDIA, lambda: b"x"),
    Sample(2, "start of a JPEG and nothing else", _NO_MEDIA, lambda: b"\xff\xd8"),
    Sample(2, "random bytes", _NO_MEDIA, lambda: random_bytes(5000)),
    Sample(3, "JPEG cut at 50 %", _CUT, lambda: jpeg()[: len(jpeg()) // 2]),
    Sample(3, "JPEG cut at 200 bytes", _CUT, lambda: jpeg()[:200]),
    Sample(4, "JPEG without its last two bytes", _CUT, lambda: jpeg()[:-2]),
    Sample(5, "JPEG with bit rot in its scan", "", rotten_jpeg),
    Sample(6, "PNG header with a wrong checksum", "image_corrupt", png_with_bad_crc),
    Sample(6, "PNG with damaged rows", "image_corrupt", png_with_damaged_rows),
    Sample(7, "PNG header of 100,000 x 100,000", _TOO_MANY, lambda: bare_png(100_000, 100_000)),
    Sample(8, "12,000 x 12,000", _TOO_MANY, lambda: bare_png(12_000, 12_000, colour=0, rows=True)),
    Sample(
        9,
        "13,000 x 13,000 of 1 bit",
        _TOO_MANY,
        lambda: bare_png(13_000, 13_000, depth=1, colour=0, rows=True),
    ),
    Sample(10, "PNG of 1 x 2,147,483,647", _TOO_MANY, lambda: bare_png(1, 2**31 - 1)),
    Sample(10, "PNG of 0 x 0", _NO_MEDIA, lambda: bare_png(0, 0)),
    Sample(10, "BMP of 1,000,000,000 x 1", _NO_MEDIA, lambda: bare_bmp(10**9, 1)),
    Sample(11, "PNG text of 64 MB in 64 KB", "image_corrupt", text_bomb),
    Sample(11, "PNG profile of 64 MB", "image_corrupt", lambda: png(icc_profile=bytes(64_000_000))),
    Sample(12, "CMYK JPEG", "", lambda: jpeg("CMYK")),
    Sample(13, "grey PNG of 16 bits", "", sixteen_bits, "photo.png"),
    Sample(14, "grey JPEG", "", lambda: jpeg("L")),
    Sample(14, "grey PNG with alpha", "", lambda: png("LA"), "photo.png"),
    Sample(14, "PNG of 1 bit", "", lambda: png("1"), "photo.png"),
    Sample(14, "palette PNG, one colour clear", "", lambda: png("P", transparency=3), "photo.png"),
    Sample(15, "colour hidden under alpha 0", "", hidden_under_alpha, "photo.png"),
    Sample(16, "GIF of 300 frames", _NO_MEDIA, lambda: frames("GIF", 300)),
    Sample(17, "animated PNG", "animated_image", lambda: frames("PNG", 3), "photo.png"),
    Sample(17, "animated WebP", "animated_image", lambda: frames("WEBP", 3), "photo.webp"),
    Sample(18, "AVIF", _NO_MEDIA, lambda: encoded(portrait(), "AVIF"), "photo.avif"),
    Sample(19, "SVG with a script", _NO_MEDIA, lambda: _SVG),
    Sample(19, "HTML", _NO_MEDIA, lambda: b"<html><script>alert(1)</script></html>"),
    *(
        Sample(19, kind, _NO_MEDIA, lambda kind=kind: encoded(portrait(), kind))  # type: ignore[misc]
        for kind in ("EPS", "PDF", "ICO", "TIFF")
    ),
    Sample(19, "PSD", _NO_MEDIA, psd),
    Sample(19, "FITS", _NO_MEDIA, fits),
    Sample(20, "JPEG with a zip behind it", "", lambda: jpeg() + b"PK\x03\x04 and a zip"),
    Sample(20, "GIF that is a script", _NO_MEDIA, lambda: b"GIF89a=1;alert(1)//"),
    Sample(21, "JPEG named .png", "", lambda: jpeg(comment=b"named .png"), "photo.png"),
    Sample(21, "PNG named .jpg", "", lambda: png(compress_level=2)),
    *(
        Sample(22, f"EXIF orientation {n}", "", lambda n=n: jpeg(exif=exif(n)))  # type: ignore[misc]
        for n in (*range(2, 9), 99)
    ),
    Sample(22, "EXIF of random bytes", "", lambda: jpeg(exif=b"Exif\0\0" + random_bytes(300))),
    Sample(23, "place, serial number, owner, thumbnail", "", told_everything),
    Sample(24, "65,000 x 1", _SIDES, lambda: bare_png(65_000, 1)),
    Sample(24, "1 x 1", _SIDES, lambda: plain((1, 1))),
    Sample(24, "16 x 16", _SIDES, lambda: plain((16, 16))),
    Sample(24, "2,000 x 64, too narrow", _SIDES, lambda: plain((2000, 64))),
    Sample(28, "20 MB and one byte", "file_too_large", lambda: bytes(20 * 1024**2 + 1)),
)
"""Row 18's HEIC depends on the machine; see `heic_header`."""

SEEDS: dict[str, Callable[[], bytes]] = {
    "JPEG": jpeg,
    "progressive JPEG": lambda: jpeg(progressive=True),
    "CMYK JPEG": lambda: jpeg("CMYK"),
    "JPEG with EXIF": told_everything,
    "PNG": png,
    "palette PNG": lambda: png("P", transparency=3),
    "PNG of 16 bits": sixteen_bits,
    "PNG with alpha": hidden_under_alpha,
    "WebP": webp,
    "lossless WebP": lambda: webp(lossless=True),
}
"""Sound files that are then changed at random."""
