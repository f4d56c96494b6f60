"""Decoding with FFmpeg's libraries. Runs only in the confined child (see `child`).

Nothing here opens a file or an address: the container is read through a descriptor, its demuxer
must be one of the list, and no protocol is allowed, so a playlist leads nowhere.
"""

import math
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from fractions import Fraction
from itertools import chain
from typing import Any

import av
import av.error
import numpy as np

from recognition.vision.types import Pixels
from recognition.vision.video.errors import (
    VideoCorrupt,
    VideoDimensions,
    VideoNoFrames,
    VideoNoStream,
    VideoTooLong,
    VideoUnsupported,
)
from recognition.vision.video.types import Ending, Frame, Passed, VideoInfo, VideoLimits

DEMUXERS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,flv,asf,ogg"
OPTIONS = {"format_whitelist": DEMUXERS, "protocol_whitelist": "none"}
# What FFmpeg's libraries and PyAV are known to raise on damaged files.
ERRORS = (av.error.FFmpegError, ValueError, UnicodeError, LookupError, MemoryError, RuntimeError)
THREADS = 2
_PLAYLISTS = (b"#EXTM3U", b"ffconcat version", b"<?xml", b"<MPD", b"[playlist]")
_COVER = 0x0400  # AV_DISPOSITION_ATTACHED_PIC
_TICK_PACKETS = 100
_EARLY_SECONDS = 1.0
_EPSILON = 1e-6
Stretches = Sequence[tuple[float, float]]


class DescriptorFile:
    """An open descriptor as a file object that only reads and seeks."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._position = 0
        self._size = os.lseek(descriptor, 0, os.SEEK_END)

    def read(self, size: int = -1) -> bytes:
        """Return at most `size` bytes from the position on."""
        wanted = self._size - self._position if size < 0 else size
        data = os.pread(self._descriptor, max(0, wanted), self._position)
        self._position += len(data)
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        """Move, from the start, the position or the end; return the position."""
        base = (0, self._position, self._size)[whence]
        self._position = max(0, base + offset)
        return self._position

    def tell(self) -> int:
        """Return the position."""
        return self._position


class VideoSource:
    """One open video. Times are seconds since its first frame."""

    def __init__(self, descriptor: int, limits: VideoLimits) -> None:
        self._descriptor = descriptor
        self._limits = limits
        self.problems = 0
        self.last = 0.0
        _refuse_playlists(descriptor)
        with self._opened() as (container, stream):
            self._check_size(stream.codec_context.width, stream.codec_context.height)
            first = _first_frame(container, stream)
            if first is None:
                raise VideoNoFrames("No picture can be read from this video.")
            self._check_size(first.width, first.height)
            self._base = stream.time_base or Fraction(1, 1000)
            self._zero = _ticks(first) or 0
            self.info = self._describe(container, stream, first)

    def samples(
        self, rate: float, *, since: float = 0.0, stretches: Stretches | None = None
    ) -> Iterator[Frame | Passed | Ending]:
        """Yield frames at `rate` per second of presentation time, from `since` on.

        The first frame at or after every multiple of 1 / rate is taken, wherever reading began.
        With `stretches` (start and end in seconds, in order) others are not even decoded.
        """
        due = math.ceil(since * rate - _EPSILON)
        for found in self._decoded(since=since, stretches=stretches):
            if isinstance(found, Passed | Ending):
                yield found
                continue
            frame, time = found
            if time + _EPSILON < due / rate:
                continue
            due = math.floor(time * rate + _EPSILON) + 1
            yield Frame(time, self.pixels(frame))

    def key_frames(self, *, apart: float) -> Iterator[Frame | Passed | Ending]:
        """Yield frames that stand for themselves, at least so many seconds `apart`."""
        due = 0.0
        for found in self._decoded(keys_only=True):
            if isinstance(found, Passed | Ending):
                yield found
                continue
            frame, time = found
            if time >= due - _EPSILON:
                due = time + apart
                yield Frame(time, self.pixels(frame))

    def every_frame(self) -> Iterator[tuple[Any, float] | Passed | Ending]:
        """Yield all frames as the decoder made them, with their times."""
        return self._decoded()

    def pixels(self, frame: Any) -> Pixels:
        """Return a frame as RGB, upright, at the size at which it is looked at."""
        turned = self.info.rotation % 180 != 0
        width, height = self.info.width, self.info.height
        size = (height, width) if turned else (width, height)
        rgb = frame.reformat(width=size[0], height=size[1], format="rgb24").to_ndarray()
        return np.ascontiguousarray(np.rot90(rgb, self.info.rotation // 90))

    def _decoded(
        self, *, keys_only: bool = False, since: float = 0.0, stretches: Stretches | None = None
    ) -> Iterator[tuple[Any, float] | Passed | Ending]:
        self.problems, self.last = 0, 0.0
        with self._opened() as (container, stream):
            if keys_only:
                stream.codec_context.skip_frame = "NONKEY"
            if since > 0:
                _seek(container, stream, int(since / self._base) + self._zero)
            frames = _Decoder(self, container, stream, stretches)
            try:
                for found in frames.run():
                    if isinstance(found, Passed):
                        yield found
                        continue
                    time = self._time_of(found, stream)
                    if time > self._limits.max_seconds:
                        yield Ending(self.last, "video_too_long")
                        return
                    self.last = max(self.last, time)
                    if found.width * found.height > self._limits.max_pixels:
                        raise VideoDimensions("The video's frames grow beyond the limit.")
                    if time >= since - _EPSILON:
                        yield found, time
            except ERRORS:
                self.problems += 1
        yield Ending(self.last, self._problem(keys_only))

    def _problem(self, keys_only: bool) -> str:
        """Return why there is less than the file promises; the end of key frames says nothing."""
        if self.problems:
            return "damaged"
        slack = max(_EARLY_SECONDS, 2 / (self.info.rate or 25))
        if keys_only or self.info.seconds is None:
            return ""
        return "ended_early" if self.last + slack < self.info.seconds else ""

    def passed(self, packet: Any) -> None:
        """Note how far the file goes, where it is not decoded."""
        if packet.pts is not None:
            self.last = max(self.last, self.seconds_of(packet.pts))

    def seconds_of(self, ticks: int) -> float:
        """Return the time of a presentation stamp of this video."""
        return float((ticks - self._zero) * self._base)

    def _time_of(self, frame: Any, stream: Any) -> float:
        ticks = _ticks(frame)
        if ticks is None:
            return self.last + float(1 / (stream.average_rate or 25))
        return max(0.0, self.seconds_of(ticks))

    def _opened(self) -> "_Opened":
        return _Opened(self._descriptor)

    def _check_size(self, width: int, height: int) -> None:
        limits = self._limits
        if max(width, height) > limits.max_side or width * height > limits.max_pixels:
            raise VideoDimensions(
                f"The video has {width} x {height} pixels; at most {limits.max_side} on a side and "
                f"{limits.max_pixels / 1e6:.1f} million in all are read."
            )

    def _describe(self, container: Any, stream: Any, first: Any) -> VideoInfo:
        seconds = _declared_seconds(container, stream)
        if seconds is not None and seconds > self._limits.max_seconds:
            raise VideoTooLong(
                f"The video says it lasts {seconds / 3600:.1f} hours; at most "
                f"{self._limits.max_seconds / 3600:g} are read."
            )
        rotation = round(first.rotation / 90) * 90 % 360
        shape = stream.codec_context.sample_aspect_ratio
        square = float(shape) if shape and 0.1 < float(shape) < 10 else 1.0
        square = 1.0 if abs(square - 1.0) < 0.02 else square
        width, height = max(1, round(first.width * square)), first.height
        shrink = min(1.0, self._limits.looked_at / max(width, height))
        width, height = max(1, round(width * shrink)), max(1, round(height * shrink))
        if rotation % 180:
            width, height = height, width
        return VideoInfo(
            width=width,
            height=height,
            seconds=seconds,
            rate=float(stream.average_rate) if stream.average_rate else None,
            rotation=rotation,
            codec=stream.codec_context.name,
            container=container.format.name.partition(",")[0],
            sound=bool(container.streams.audio),
        )


class _Opened:
    """An open container with its video stream, as a context."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._container: Any = None

    def __enter__(self) -> tuple[Any, Any]:
        try:
            self._container = av.open(
                DescriptorFile(self._descriptor),
                container_options=OPTIONS,
                metadata_errors="replace",
                buffer_size=1 << 18,
            )
        except ERRORS as error:
            raise VideoCorrupt("This file cannot be opened as a video.") from error
        streams = [s for s in self._container.streams.video if not int(s.disposition) & _COVER]
        if not streams or streams[0].codec_context is None:
            self._container.close()
            raise VideoNoStream("There is no moving picture in this file.")
        stream = streams[0]
        stream.thread_type = "AUTO"
        stream.codec_context.thread_count = THREADS
        return self._container, stream

    def __exit__(self, *_: object) -> None:
        with suppress(*ERRORS):
            self._container.close()


class _Decoder:
    """Packets to frames, leaving out stretches that nobody asked for."""

    def __init__(
        self, source: VideoSource, container: Any, stream: Any, stretches: Stretches | None
    ) -> None:
        self._source = source
        self._container = container
        self._stream = stream
        self._stretches = stretches
        self._skipping = False
        self._not_before = 0.0

    def run(self) -> Iterator[Any]:
        """Yield frames, and how far reading is where it takes long without one."""
        silent = 0
        for packet in self._container.demux(self._stream):
            silent += 1
            if silent % _TICK_PACKETS == 0 and packet.pts is not None:
                yield Passed(max(0.0, self._source.seconds_of(packet.pts)))
            was_skipping = self._skipping
            if not self._left_out(packet):
                found = self._frames(packet.decode)
            elif was_skipping:
                self._source.passed(packet)
                continue
            else:  # what the decoder still holds belongs to the stretch that ends here
                found = self._frames(lambda: self._stream.codec_context.decode(None))
            for frame in found:
                if self._late_enough(frame):
                    yield frame
                    silent = 0

    def _frames(self, decode: Callable[[], Sequence[Any]]) -> Sequence[Any]:
        try:
            found = decode()
        except av.error.EOFError:
            return ()
        except ERRORS:
            self._source.problems += 1
            return ()
        return found

    def _late_enough(self, frame: Any) -> bool:
        """Leave out what came of frames that were not decoded."""
        ticks = _ticks(frame)
        return ticks is None or self._source.seconds_of(ticks) >= self._not_before - _EPSILON

    def _left_out(self, packet: Any) -> bool:
        """Whether a packet belongs to what nobody asked for; decided where a group begins."""
        if self._stretches is None:
            return False
        if packet.is_keyframe and packet.pts is not None:
            time = self._source.seconds_of(packet.pts)
            wanted = any(start <= time + _EPSILON < end for start, end in self._stretches)
            if wanted and self._skipping:
                self._stream.codec_context.flush_buffers()
                self._not_before = time
            self._skipping = not wanted
        return self._skipping and packet.size > 0


def _refuse_playlists(descriptor: int) -> None:
    head = os.pread(descriptor, 64, 0).lstrip(b"\xef\xbb\xbf \t\r\n")
    if not head:
        raise VideoCorrupt("The file is empty.")
    if head.startswith(_PLAYLISTS):
        raise VideoUnsupported("This is a list of addresses, not a video.")


def _first_frame(container: Any, stream: Any) -> Any:
    with suppress(*ERRORS):
        for packet in container.demux(stream):
            with suppress(*ERRORS):
                for frame in packet.decode():
                    return frame
    return None


def _ticks(frame: Any) -> int | None:
    ticks: int | None = frame.pts if frame.pts is not None else frame.dts
    return ticks


def _declared_seconds(container: Any, stream: Any) -> float | None:
    """Return the length that the file claims; where there is sound the stream's own alone."""
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    others = any(chain(container.streams.audio, container.streams.subtitles))
    if container.duration is not None and container.duration > 0 and not others:
        return float(container.duration) / 1_000_000
    return None


def _seek(container: Any, stream: Any, ticks: int) -> None:
    """Go to the last key frame before; where a format cannot, reading begins at the start."""
    try:
        container.seek(ticks, stream=stream, backward=True)
    except ERRORS:
        container.seek(0)
