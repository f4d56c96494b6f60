"""Reading a video from outside: a session with a confined child (see `child`).

Whatever the file does there, here it is an answer, a refusal or DecoderCrashed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from types import TracebackType
from typing import Any, Self

import numpy as np

from recognition.vision import wire
from recognition.vision.errors import DecoderCrashed
from recognition.vision.sandbox import Octets, Sandbox
from recognition.vision.types import Pixels
from recognition.vision.video.errors import VideoError
from recognition.vision.video.types import Ending, Frame, Passed, VideoInfo, VideoLimits

_MODULE = "recognition.vision.video.child"
_BATCH = 4
_CPU_SECONDS = 60.0
_SECONDS = 300.0
_MANY = 1 << 30
_NONSENSE = "The video's reader answered nonsense."


class VideoReader:
    """One video, open in a child of its own; use it as a context."""

    def __init__(self, descriptor: int, limits: VideoLimits | None = None) -> None:
        """Open the video behind a descriptor of a file, which stays the caller's.

        Raises VideoError, DecoderCrashed or DecoderUnavailable.
        """
        self._child = Sandbox(
            size=1, cpu_seconds=_CPU_SECONDS, seconds=_SECONDS, lifetime=_MANY, module=_MODULE
        )
        try:
            limits = limits or VideoLimits()
            head, _ = self._ask("open", {"limits": asdict(limits)}, descriptor=descriptor)
            self.info = _info(head.get("info"))
        except BaseException:
            self._child.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the child."""
        self._child.close()

    def key_frames(self, *, apart: float) -> Iterator[list[Frame] | Passed | Ending]:
        """Yield frames that stand for themselves, at least so many seconds apart, in lists."""
        self._ask("keys", {"apart": apart})
        return self._frames()

    def samples(
        self,
        rate: float,
        *,
        since: float = 0.0,
        stretches: Sequence[tuple[float, float]] | None = None,
    ) -> Iterator[list[Frame] | Passed | Ending]:
        """Yield frames by presentation time, in short lists; see `source.VideoSource.samples`.

        The last thing is an Ending. Raises as opening does.
        """
        self._ask("samples", {"rate": rate, "since": since, "stretches": stretches})
        return self._frames()

    def copy_to(self, descriptor: int) -> Iterator[Passed | Ending]:
        """Write the copy for players to a descriptor, saying how far it is; see `proxy`."""
        self._ask("target", {}, descriptor=descriptor)
        while True:
            head, _ = self._ask("copy", {})
            ending = _ending(head.get("end"))
            yield ending or Passed(_number(head.get("passed")))
            if ending:
                return

    def _frames(self) -> Iterator[list[Frame] | Passed | Ending]:
        size = self.info.width * self.info.height * 3
        while True:
            head, content = self._ask("next", {"count": _BATCH}, most=_BATCH * size)
            times = head.get("times")
            if not isinstance(times, list) or len(times) * size != content.size:
                raise DecoderCrashed(_NONSENSE)
            if times:
                pixels = content.reshape(len(times), self.info.height, self.info.width, 3)
                yield [_frame(t, p) for t, p in zip(times, pixels, strict=True)]
            ending = _ending(head.get("end"))
            if ending:
                yield ending
                return
            if not times:
                yield Passed(_number(head.get("passed")))

    def _ask(
        self, command: str, options: wire.Head, *, descriptor: int | None = None, most: int = 0
    ) -> tuple[wire.Head, Octets]:
        return self._child.ask(
            command, options, descriptor=descriptor, most=most, errors=VideoError
        )


def _frame(time: Any, pixels: Pixels) -> Frame:
    return Frame(_number(time), np.asarray(pixels))


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e9:
        raise DecoderCrashed(_NONSENSE)
    return float(value)


def _ending(value: Any) -> Ending | None:
    match value:
        case None:
            return None
        case {"time": time, "problem": str(problem)}:
            return Ending(_number(time), problem[:40])
    raise DecoderCrashed(_NONSENSE)


def _info(value: Any) -> VideoInfo:
    match value:
        case {
            "width": int(width),
            "height": int(height),
            "seconds": seconds,
            "rate": rate,
            "rotation": int(rotation),
            "codec": str(codec),
            "container": str(container),
            "sound": bool(sound),
        } if 0 < width <= 1 << 14 and 0 < height <= 1 << 14:
            return VideoInfo(
                width=width,
                height=height,
                seconds=None if seconds is None else _number(seconds),
                rate=None if rate is None else _number(rate),
                rotation=rotation,
                codec=codec[:40],
                container=container[:40],
                sound=sound,
            )
    raise DecoderCrashed(_NONSENSE)
