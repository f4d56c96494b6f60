"""Values that travel between the process that decodes a video and the one that looks at it."""

from dataclasses import dataclass

from recognition.vision.types import Pixels


@dataclass(frozen=True, slots=True)
class VideoLimits:
    """What is refused, and how large frames are looked at.

    `max_side` and `max_pixels` are of the video as it is stored, `max_seconds` its length;
    frames whose longer side has more pixels than `looked_at` are made smaller.
    """

    max_side: int = 4096
    max_pixels: int = 4096 * 2304
    max_seconds: float = 4 * 3600.0
    looked_at: int = 1920


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """What a video says of itself. Sides in pixels, upright and with square pixels.

    `seconds` and `rate` (frames per second, on average) are None where the file does not say;
    both are claims that its frames may contradict. `rotation` is how many degrees frames are
    turned counterclockwise to be upright. `width` and `height` are those of the frames looked at.
    """

    width: int
    height: int
    seconds: float | None
    rate: float | None
    rotation: int
    codec: str
    container: str
    sound: bool


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture of a video. `time` is in seconds since its first one, by presentation time."""

    time: float
    pixels: Pixels


@dataclass(frozen=True, slots=True)
class Passed:
    """The reader has come this far, and nothing there was asked for."""

    time: float


@dataclass(frozen=True, slots=True)
class Ending:
    """How reading ended.

    `time` is the last frame's; `problem` is empty, or the code of why there is less than the file
    promises: `ended_early`, `damaged` or `video_too_long`.
    """

    time: float
    problem: str = ""
