"""The process that decodes one video after the other, each in a session of requests.

    python -m recognition.vision.video.child CHANNEL OUTPUT

CHANNEL and OUTPUT as in `recognition.vision.sandbox_child`. `open` takes the video's descriptor,
`keys` and `samples` begin reading, `next` answers with frames; `target` takes the descriptor of the
copy for players, `copy` writes a part of it.
"""

import importlib
import io
import os
import pkgutil
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from fractions import Fraction
from typing import Any

import av
import av.logging
import numpy as np

from recognition.vision import wire
from recognition.vision.confinement import Limits, forbid_system_calls, limit_resources
from recognition.vision.errors import VisionError
from recognition.vision.video.errors import VideoCorrupt
from recognition.vision.video.proxy import ProxyWriter
from recognition.vision.video.source import ERRORS, VideoSource
from recognition.vision.video.types import Ending, Frame, Passed, VideoLimits

LIMITS = Limits(memory=3 * 1024**3, file_size=16 * 1024**3)
_PATIENCE = 2.0
_COPY_FRAMES = 50
Answer = tuple[wire.Head, list[memoryview]]


class Session:
    """What the other side opened. A new `open` forgets the old one."""

    def __init__(self) -> None:
        self._descriptors: list[int] = []
        self._source: VideoSource | None = None
        self._frames: Iterator[Frame | Passed | Ending] = iter(())
        self._copy: ProxyWriter | None = None

    def open(self, message: wire.Message) -> Answer:
        """Open a video; the answer says what it is."""
        for descriptor in self._descriptors:
            os.close(descriptor)
        self._descriptors = [_descriptor(message)]
        self._source = VideoSource(self._descriptors[0], VideoLimits(**message.head["limits"]))
        return {"info": asdict(self._source.info)}, []

    def keys(self, message: wire.Message) -> Answer:
        """Begin reading key frames."""
        self._frames = self.source.key_frames(apart=message.head["apart"])
        return {}, []

    def samples(self, message: wire.Message) -> Answer:
        """Begin reading frames by time."""
        head = message.head
        self._frames = self.source.samples(
            head["rate"], since=head["since"], stretches=head["stretches"]
        )
        return {}, []

    def next(self, message: wire.Message) -> Answer:
        """Answer with at most so many frames, or with fewer after a while."""
        times: list[float] = []
        content: list[memoryview] = []
        passed, until = 0.0, time.monotonic() + _PATIENCE
        end: wire.Head | None = None
        while len(times) < message.head["count"] and time.monotonic() < until and end is None:
            found = next(self._frames, Ending(passed))
            if isinstance(found, Ending):
                end = asdict(found)
            elif isinstance(found, Passed):
                passed = found.time
            else:
                times.append(found.time)
                content.append(found.pixels.reshape(-1).data)
        return {"times": times, "passed": passed, "end": end}, content

    def target(self, message: wire.Message) -> Answer:
        """Begin the copy for players in the file that comes with this message."""
        self._descriptors.append(_descriptor(message))
        self._copy = ProxyWriter(self.source, self._descriptors[-1])
        return {}, []

    def copy(self, message: wire.Message) -> Answer:
        """Write a part of the copy."""
        if self._copy is None:
            raise VideoCorrupt("There is no copy to go on with.")
        until = time.monotonic() + _PATIENCE
        while self._copy.ending is None and time.monotonic() < until:
            self._copy.step(_COPY_FRAMES)
        ending = self._copy.ending
        return {"passed": self._copy.time, "end": asdict(ending) if ending else None}, []

    @property
    def source(self) -> VideoSource:
        """The open video."""
        if self._source is None:
            raise VideoCorrupt("No video is open.")
        return self._source


def serve(channel: socket.socket, output: int) -> None:
    """Answer requests until the channel is closed.

    A timer ends this process when one request takes too much of the processor.
    """
    session = Session()
    commands: dict[str, Callable[[wire.Message], Answer]] = {
        name: getattr(session, name)
        for name in ("open", "keys", "samples", "next", "target", "copy")
    }
    while (message := wire.receive(channel, max_body=0)) is not None:
        signal.setitimer(signal.ITIMER_PROF, message.head["cpu_seconds"])
        content: list[memoryview] = []
        try:
            head, content = commands[message.head["command"]](message)
        except VisionError as error:
            head = {"error": error.code, "detail": error.detail}
        except ERRORS as error:
            head = {"error": VideoCorrupt.code, "detail": _words(error)}
        wire.send(channel, head | {"size": _write(output, content)})
        signal.setitimer(signal.ITIMER_PROF, 0)


def _words(error: BaseException) -> str:
    return f"The video cannot be read any further ({type(error).__name__})."


def _write(output: int, content: list[memoryview]) -> int:
    position = 0
    for view in content:
        done = 0
        while done < len(view):
            done += os.pwrite(output, view[done:], position + done)
        position += len(view)
    return position


def _descriptor(message: wire.Message) -> int:
    if message.descriptor is None:
        raise VideoCorrupt("This request comes with a file.")
    return message.descriptor


def confine() -> bool:
    """Use once what decoding needs, then give up the rest; see `sandbox_child.confine`."""
    av.logging.set_level(None)
    limit_resources(LIMITS)
    for module in pkgutil.walk_packages(av.__path__, "av."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    _rehearse()
    return forbid_system_calls()


def _rehearse() -> None:
    """Make and read a tiny video, so that whatever is loaded late is loaded now."""
    buffer = io.BytesIO()
    with av.open(buffer, mode="w", format="mp4") as container:
        stream: Any = container.add_stream("libx264", rate=5)
        stream.width = stream.height = 32
        stream.pix_fmt = "yuv420p"
        for number in range(3):
            pixels = np.full((32, 32, 3), 60 * number, np.uint8)
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 5)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    descriptor = os.memfd_create("rehearsal")
    os.write(descriptor, buffer.getvalue())
    for _ in VideoSource(descriptor, VideoLimits()).samples(5.0):
        pass
    os.close(descriptor)


def main(arguments: list[str]) -> None:
    """Serve on the descriptors that the arguments name."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    number, output = (int(argument) for argument in arguments)
    with socket.socket(fileno=number) as channel:
        wire.send(channel, {"confined": confine()})
        try:
            serve(channel, output)
        except wire.ChannelClosed:
            return


if __name__ == "__main__":
    main(sys.argv[1:])
    sys.stderr.flush()
    os._exit(0)
