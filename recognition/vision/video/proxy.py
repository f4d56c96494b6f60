"""A copy of a video that every browser plays: H.264 in MP4, small, without sound or metadata.

Runs only in the confined child (see `child`).
"""

import os
from fractions import Fraction
from typing import Any

import av
import numpy as np

from recognition.vision.video.source import VideoSource
from recognition.vision.video.types import Ending, Passed

LONG_SIDE = 1280
MOST_RATE = 30.0
_CLOCK = 90_000
_KEY_EVERY = 60


class DescriptorTarget:
    """An open descriptor as a file object that only writes and seeks."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def write(self, data: bytes) -> int:
        """Write all of `data` at the position."""
        view = memoryview(data)
        done = 0
        while done < len(view):
            done += os.write(self._descriptor, view[done:])
        return done

    def seek(self, offset: int, whence: int = 0) -> int:
        """Move; return the position."""
        return os.lseek(self._descriptor, offset, whence)

    def tell(self) -> int:
        """Return the position."""
        return os.lseek(self._descriptor, 0, os.SEEK_CUR)


class ProxyWriter:
    """Copies a source to a descriptor, step by step. `ending` is set when it is through."""

    def __init__(self, source: VideoSource, descriptor: int) -> None:
        self._source = source
        self._frames = source.every_frame()
        self.ending: Ending | None = None
        self._container = av.open(DescriptorTarget(descriptor), mode="w", format="mp4")
        self._stream = self._make_stream()
        self._next = 0.0
        self._clock = -1
        self.time = 0.0

    def step(self, frames: int) -> None:
        """Copy so many frames more, or to the end."""
        for _ in range(frames):
            found = next(self._frames)
            if isinstance(found, Passed):
                continue
            if isinstance(found, Ending):
                self._finish(found)
                return
            self._copy(*found)

    def _make_stream(self) -> Any:
        info = self._source.info
        shrink = min(1.0, LONG_SIDE / max(info.width, info.height))
        stream: Any = self._container.add_stream("libx264", rate=int(MOST_RATE))
        stream.width = max(2, round(info.width * shrink / 2) * 2)
        stream.height = max(2, round(info.height * shrink / 2) * 2)
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = Fraction(1, _CLOCK)
        stream.codec_context.thread_count = 2
        stream.codec_context.gop_size = _KEY_EVERY
        stream.options = {"preset": "ultrafast", "crf": "25", "tune": "fastdecode"}
        return stream

    def _copy(self, frame: Any, time: float) -> None:
        if time + 1e-6 < self._next:
            return
        self._next = time + 0.9 / MOST_RATE
        self.time = time
        made = self._upright(frame)
        # Two frames may not have the same stamp, whatever the source says.
        self._clock = max(self._clock + 1, round(time * _CLOCK))
        made.pts, made.time_base = self._clock, Fraction(1, _CLOCK)
        for packet in self._stream.encode(made):
            self._container.mux(packet)

    def _upright(self, frame: Any) -> Any:
        size = {"width": self._stream.width, "height": self._stream.height}
        if not self._source.info.rotation:
            return frame.reformat(**size, format="yuv420p")
        turned = np.ascontiguousarray(self._source.pixels(frame))
        made = av.VideoFrame.from_ndarray(turned, format="rgb24")
        return made.reformat(**size, format="yuv420p")

    def _finish(self, ending: Ending) -> None:
        for packet in self._stream.encode():
            self._container.mux(packet)
        self._container.close()
        self.ending = ending
