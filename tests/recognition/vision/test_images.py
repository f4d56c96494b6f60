"""Bytes in, pixels or a typed error out: never anything else."""

import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from recognition.vision.errors import ImageError, VisionError
from recognition.vision.images import (
    ImageLimits,
    crop_face,
    decode_image,
    encode_jpeg,
    thumbnail,
)
from recognition.vision.types import Box, Pixels
from tests.recognition.vision.conftest import encoded

FORMATS = ("JPEG", "PNG", "WEBP")


def code_of(data: bytes, limits: ImageLimits | None = None) -> str:
    with pytest.raises(VisionError) as caught:
        decode_image(data, limits or ImageLimits())
    assert caught.value.detail
    return caught.value.code


def png(width: int, height: int, depth: int = 8, colour: int = 2, body: bytes = b"") -> bytes:
    """A PNG that consists of its header, and of image data if given."""

    def chunk(name: bytes, content: bytes) -> bytes:
        head = struct.pack(">I", len(content)) + name + content
        return head + struct.pack(">I", zlib.crc32(name + content))

    size = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    parts = [chunk(b"IHDR", size), chunk(b"IDAT", body) if body else b"", chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.mark.parametrize("kind", FORMATS)
def test_reads_what_it_should(kind: str, picture: Pixels) -> None:
    decoded = decode_image(encoded(picture, kind, quality=95))
    assert decoded.format == kind
    assert decoded.pixels.dtype == np.uint8
    assert (decoded.width, decoded.height) == (160, 120)
    assert decoded.notes == ()
    assert np.abs(decoded.pixels.astype(int) - picture).mean() < 3


def test_refuses_before_decoding() -> None:
    assert code_of(b"") == "file_empty"
    assert code_of(bytes(20 * 1024 * 1024 + 1)) == "file_too_large"
    assert code_of(b"x", ImageLimits(max_bytes=0)) == "file_too_large"
    for junk in (b"a", b"\xff\xd8", np.random.default_rng(0).bytes(5000)):
        assert code_of(junk) == "unsupported_media"


@pytest.mark.parametrize("kind", ["GIF", "BMP", "TIFF", "ICO", "PDF", "EPS", "AVIF", "TGA", "PPM"])
def test_refuses_other_formats(kind: str, picture: Pixels) -> None:
    assert code_of(encoded(picture, kind)) == "unsupported_media"


def test_refuses_text_that_browsers_execute() -> None:
    for text in (
        b"<svg><script>alert(1)</script></svg>",
        b"<html></html>",
        b"GIF89a=1;//",
        b"%!PS",
    ):
        assert code_of(text) == "unsupported_media"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (png(100_000, 100_000), "image_too_many_pixels"),
        (png(12_000, 12_000), "image_too_many_pixels"),
        (png(1, 2**31 - 1), "image_too_many_pixels"),
        (png(13_000, 13_000, depth=1, colour=0), "image_too_many_pixels"),
        (png(0, 0), "unsupported_media"),
        (png(65_000, 1), "image_dimensions"),
        (png(1, 1), "image_dimensions"),
        (png(16, 16), "image_dimensions"),
        (png(31, 400), "image_dimensions"),
        (png(4000, 100), "image_dimensions"),
        (png(100, 100), "image_corrupt"),
        (png(100, 100, body=b"no zlib stream"), "image_corrupt"),
    ],
)
def test_judges_the_header_first(data: bytes, code: str) -> None:
    assert code_of(data) == code


def test_a_size_hidden_behind_a_second_header_is_refused_too() -> None:
    small, large = png(64, 64), png(20_000, 20_000)
    both = small[:33] + large[8:33] + small[33:]
    assert code_of(both) in {"image_too_many_pixels", "image_corrupt"}


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_a_cut_file_is_truncated(kind: str, share: float, picture: Pixels) -> None:
    data = encoded(picture, kind)
    assert code_of(data[: int(len(data) * share)]) == "image_truncated"


def test_jpeg_cut_in_its_head_or_before_its_end_marker(picture: Pixels) -> None:
    data = encoded(picture, "JPEG")
    assert code_of(data[:200]) == "image_truncated"
    assert code_of(data[:-2]) == "image_truncated"


def test_damaged_png(picture: Pixels) -> None:
    data = bytearray(encoded(picture, "PNG"))
    data[data.index(b"IDAT") + 40] ^= 0xFF
    assert code_of(bytes(data)) == "image_corrupt"


def test_text_and_profile_bombs(picture: Pixels) -> None:
    text = PngImagePlugin.PngInfo()
    text.add_text("comment", "a" * 80_000_000, zip=True)
    assert code_of(encoded(picture, "PNG", pnginfo=text)) == "image_corrupt"
    assert code_of(encoded(picture, "PNG", icc_profile=bytes(80_000_000))) == "image_corrupt"


def test_scan_bomb() -> None:
    """A progressive JPEG may repeat its scans: each costs a pass over the whole picture."""
    image = Image.new("L", (64, 64))
    data = encoded(image, "JPEG", progressive=True)
    scan = data[data.rindex(b"\xff\xda") : -2]
    assert code_of(data[:-2] + scan * 200 + data[-2:]) == "image_corrupt"


def test_chunk_and_segment_floods(picture: Pixels) -> None:
    data = encoded(picture, "PNG")
    empty = struct.pack(">I", 0) + b"tESt" + struct.pack(">I", zlib.crc32(b"tESt"))
    assert code_of(data[:33] + empty * 20_000 + data[33:]) == "image_corrupt"
    jpeg = encoded(picture, "JPEG")
    assert code_of(jpeg[:2] + b"\xff\xfe\x00\x02" * 20_000 + jpeg[2:]) == "image_corrupt"


def test_animations_are_refused(picture: Pixels) -> None:
    first, second = Image.fromarray(picture), Image.fromarray(picture[::-1])
    for kind in ("PNG", "WEBP"):
        data = encoded(first, kind, save_all=True, append_images=[second])
        assert code_of(data) == "animated_image"


def test_a_phone_s_multi_picture_jpeg_is_one_picture(picture: Pixels) -> None:
    other = Image.fromarray(picture[::-1])
    data = encoded(Image.fromarray(picture), "MPO", save_all=True, append_images=[other])
    decoded = decode_image(data)
    assert decoded.notes == ("multi_picture",)
    assert np.abs(decoded.pixels.astype(int) - picture).mean() < 10


def test_trailing_bytes_do_not_matter_and_do_not_survive(picture: Pixels) -> None:
    decoded = decode_image(encoded(picture, "JPEG") + b"PK\x03\x04 a zip file follows")
    assert b"PK\x03\x04" not in encode_jpeg(decoded.pixels)


def test_sixteen_bits_are_scaled_not_clipped(picture: Pixels) -> None:
    grey = picture[:, :, 0]
    wide = Image.fromarray(grey.astype(np.uint16) * 257)
    decoded = decode_image(encoded(wide, "PNG"))
    assert decoded.notes == ("16bit_scaled",)
    assert np.array_equal(decoded.pixels[:, :, 1], grey)


@pytest.mark.parametrize("mode", ["L", "1", "P", "LA", "CMYK"])
def test_other_modes_become_rgb(mode: str, picture: Pixels) -> None:
    converted = Image.fromarray(picture).convert(mode)
    decoded = decode_image(encoded(converted, "JPEG" if mode == "CMYK" else "PNG"))
    expected = np.asarray(converted.convert("RGB"))
    assert decoded.pixels.shape == (120, 160, 3)
    assert np.abs(decoded.pixels.astype(int) - expected).mean() < 4


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_hidden_colour_under_transparency_stays_hidden(kind: str, picture: Pixels) -> None:
    alpha = np.full(picture.shape[:2], 255, np.uint8)
    alpha[:, 80:] = 0
    rgba = Image.fromarray(np.dstack([picture, alpha]))
    options = {"lossless": True, "exact": True} if kind == "WEBP" else {}
    decoded = decode_image(encoded(rgba, kind, **options))
    assert "alpha_on_white" in decoded.notes
    assert (decoded.pixels[:, 80:] == 255).all()
    assert np.array_equal(decoded.pixels[:, :80], picture[:, :80])


def test_palette_and_grey_transparency(picture: Pixels) -> None:
    indexed = Image.fromarray(picture).quantize(8)
    hidden = np.asarray(indexed) == 3
    assert hidden.any()
    decoded = decode_image(encoded(indexed, "PNG", transparency=3))
    assert (decoded.pixels[hidden] == 255).all()
    wide = Image.fromarray(picture[:, :, 0].astype(np.uint16) * 257)
    value = int(np.asarray(wide)[5, 5])
    decoded = decode_image(encoded(wide, "PNG", transparency=value))
    assert (decoded.pixels[5, 5] == 255).all()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_undone(orientation: int, picture: Pixels) -> None:
    """Turn the stored picture the way a camera would, and get the upright one back."""
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = Image.fromarray(picture)
    if orientation in undo:
        stored = stored.transpose(undo[orientation])
    exif = Image.Exif()
    exif[0x0112] = orientation
    decoded = decode_image(encoded(stored, "PNG", exif=exif))
    assert np.array_equal(decoded.pixels, picture)
    assert decoded.notes == (() if orientation == 1 else (f"orientation_{orientation}",))


def test_senseless_exif_is_ignored(picture: Pixels) -> None:
    exif = Image.Exif()
    exif[0x0112] = 99
    upright = decode_image(encoded(picture, "JPEG")).pixels
    odd = decode_image(encoded(picture, "JPEG", exif=exif))
    assert odd.notes == ("orientation_ignored",)
    assert np.array_equal(odd.pixels, upright)
    for garbage in (b"Exif\0\0" + bytes(range(256)), b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0"):
        assert np.array_equal(decode_image(encoded(picture, "JPEG", exif=garbage)).pixels, upright)


def test_what_leaves_has_no_metadata(picture: Pixels) -> None:
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    exif.get_ifd(0x8825)[1] = "N"
    decoded = decode_image(encoded(picture, "JPEG", exif=exif, comment=b"secret"))
    for pixels in (
        decoded.pixels,
        thumbnail(decoded.pixels, 64),
        crop_face(decoded.pixels, Box(10, 10, 60, 60)),
    ):
        data = encode_jpeg(pixels)
        reread = Image.open(io.BytesIO(data))
        assert not reread.getexif()
        assert b"secret" not in data
        assert b"Maker" not in data


def test_thumbnail_fits_and_never_grows(picture: Pixels) -> None:
    assert thumbnail(picture, 80).shape == (60, 80, 3)
    assert thumbnail(picture, 500).shape == picture.shape


@pytest.mark.parametrize(
    "box", [Box(-20, -20, 30, 30), Box(140, 100, 200, 180), Box(0, 0, 160, 120), Box(5, 5, 5, 5)]
)
def test_face_crop_stays_inside(box: Box, picture: Pixels) -> None:
    assert crop_face(picture, box, 0.3, 96).shape == (96, 96, 3)


def test_face_crop_shows_the_box() -> None:
    pixels = np.zeros((200, 300, 3), np.uint8)
    pixels[80:120, 150:190] = 255
    crop = crop_face(pixels, Box(150, 80, 190, 120), margin=0.5, size=80)
    assert crop[40, 40].min() == 255
    assert crop[5, 5].max() == 0
    assert 0.2 < (crop > 127).mean() < 0.3  # a quarter of the area at margin one half


SEEDS = st.sampled_from(FORMATS)


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(kind=SEEDS, data=st.data())
def test_mutated_files_raise_typed_errors_only(
    kind: str, data: st.DataObject, picture: Pixels
) -> None:
    """Whatever is changed in a valid file, the result is a picture or an ImageError."""
    exif = Image.Exif()
    exif[0x0112] = 6
    content = bytearray(encoded(picture, kind, exif=exif))
    changes = st.tuples(st.integers(0, len(content) - 1), st.integers(0, 255))
    for place, value in data.draw(st.lists(changes, min_size=1, max_size=12)):
        content[place] = value
    cut = data.draw(st.integers(0, len(content)))
    if data.draw(st.booleans()):
        del content[cut:]
    else:
        content[cut:cut] = data.draw(st.binary(max_size=40))
    try:
        decoded = decode_image(bytes(content))
    except ImageError:
        return
    assert decoded.pixels.ndim == 3
    assert decoded.pixels.dtype == np.uint8


@settings(max_examples=300, deadline=None)
@given(
    head=st.sampled_from([b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF", b""]), tail=st.binary()
)
def test_noise_behind_a_signature_raises_typed_errors_only(head: bytes, tail: bytes) -> None:
    data = (
        b"RIFF" + tail[:4].ljust(4, b"\0") + b"WEBP" + tail[4:] if head == b"RIFF" else head + tail
    )
    with pytest.raises(ImageError):
        decode_image(data)
