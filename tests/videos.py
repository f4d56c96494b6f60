"""Videos made for tests: lossless ones that the stand-in for the networks reads, and odd ones."""

import io
import tempfile
from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image

from recognition.vision.types import Pixels
from tests.fakes import face_photo

CLOCK = 1000


def write_video(
    frames: Iterable[tuple[float, Pixels]],
    *,
    container: str = "matroska",
    codec: str = "ffv1",
    pix_fmt: str = "bgr0",
    options: dict[str, str] | None = None,
    key_every: int = 12,
    mux: dict[str, str] | None = None,
) -> bytes:
    """Return a video of frames at these seconds. By default not one pixel is changed."""
    # Some ways of writing read the file again, which needs one with a name.
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "video"
        with av.open(str(path), mode="w", format=container, options=mux or {}) as out:
            _write(out, frames, codec, pix_fmt, options or {}, key_every)
        return path.read_bytes()


def _write(
    out: Any,
    frames: Iterable[tuple[float, Pixels]],
    codec: str,
    pix_fmt: str,
    options: dict[str, str],
    key_every: int,
) -> None:
    clock = 25 if codec.startswith("mpeg") else CLOCK
    stream: Any = None
    for time, pixels in frames:
        if stream is None:
            stream = out.add_stream(codec, rate=25, options=options)
            stream.height, stream.width = pixels.shape[:2]
            stream.pix_fmt = pix_fmt
            stream.codec_context.time_base = Fraction(1, clock)
            stream.codec_context.gop_size = key_every
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
        frame.pts, frame.time_base = round(time * clock), Fraction(1, clock)
        out.mux(stream.encode(frame))
    if stream is not None:
        out.mux(stream.encode())


def people_video(scenes: Sequence[tuple[float, Sequence[int]]], *, rate: float = 5.0) -> bytes:
    """Return a video of scenes: for so many seconds these people of `tests.fakes` are in view."""
    frames: list[tuple[float, Pixels]] = []
    for seconds, people in scenes:
        for _ in range(round(seconds * rate)):
            data = face_photo(*people, variant=len(frames) % 50)
            pixels = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
            frames.append((len(frames) / rate, pixels))
    return write_video(frames, key_every=1)


def grey_video(times: Sequence[float], *, side: int = 64, **options: Any) -> bytes:
    """Return a video whose frames are as bright as their number says: 4 levels per frame."""
    frames = [
        (time, np.full((side, side, 3), min(255, 4 * number), np.uint8))
        for number, time in enumerate(times)
    ]
    return write_video(frames, **options)


def grey_levels(levels: Sequence[int], *, rate: float = 5.0, side: int = 320) -> bytes:
    """Return a video whose frames are of one grey each."""
    frames = [
        (number / rate, np.full((side, side, 3), level, np.uint8))
        for number, level in enumerate(levels)
    ]
    return write_video(frames)


def sound_file() -> bytes:
    """Return an MP4 with sound alone."""
    buffer = io.BytesIO()
    with av.open(buffer, mode="w", format="mp4") as out:
        stream = out.add_stream("aac", rate=16_000)
        samples = np.zeros((1, 1024), np.float32)
        for number in range(4):
            frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
            frame.sample_rate, frame.pts = 16_000, 1024 * number
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    return buffer.getvalue()


def turned(mp4: bytes) -> bytes:
    """Return an MP4 with a note to turn its picture by 90 degrees clockwise."""
    place = mp4.index(b"tkhd") + 4
    matrix = place + (52 if mp4[place] else 40)
    values = (0, 0x10000, 0, -0x10000, 0, 0, 0, 0, 0x40000000)
    rows = b"".join(value.to_bytes(4, "big", signed=True) for value in values)
    return mp4[:matrix] + rows + mp4[matrix + 36 :]


def stored(folder: Path, data: bytes, name: str = "video") -> Path:
    """Write bytes to a file."""
    path = folder / name
    path.write_bytes(data)
    return path
