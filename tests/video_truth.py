"""Videos whose truth is known: real faces that move, grow, blur, tilt, leave and come back.

A scene is a background; an appearance is somebody's photo that crosses it along a path. Every
frame's truth is a number that falls with blur and tilt and grows with size.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from PIL import Image, ImageFilter

from recognition.vision.types import Pixels
from tests.videos import write_video

WIDTH, HEIGHT, RATE = 640, 360, 25


@dataclass(frozen=True, slots=True)
class Appearance:
    """Somebody in view from `start` to `end` seconds, best in the middle of `peak` (0..1).

    `lane` is the middle of the photo as shares of the frame's sides at the start and the end;
    `side` its side in pixels at the least and at the peak.
    """

    name: str
    start: float
    end: float
    lane: tuple[tuple[float, float], tuple[float, float]]
    peak: float = 0.5
    side: tuple[int, int] = (130, 210)
    blur: float = 2.5
    tilt: float = 25.0

    def state(self, time: float) -> tuple[float, float, int, float, float]:
        """Return x, y, side, blur and tilt at a time."""
        share = (time - self.start) / (self.end - self.start)
        away = abs(share - self.peak) / max(self.peak, 1 - self.peak)
        (x1, y1), (x2, y2) = self.lane
        side = round(self.side[1] + (self.side[0] - self.side[1]) * away)
        return (
            x1 + (x2 - x1) * share,
            y1 + (y2 - y1) * share,
            side,
            self.blur * away,
            self.tilt * away,
        )

    def worth(self, time: float) -> float:
        """How well this frame shows the face, by what was done to it."""
        _, _, side, blur, tilt = self.state(time)
        return side * math.cos(math.radians(tilt)) / (1.0 + blur)


@dataclass(frozen=True, slots=True)
class Film:
    """Appearances over scenes; a scene begins with a cut."""

    seconds: float
    appearances: Sequence[Appearance]
    cuts: Sequence[float] = field(default_factory=tuple)

    def times(self) -> list[float]:
        """Return the times of all frames."""
        return [number / RATE for number in range(round(self.seconds * RATE))]

    def seen(self, time: float) -> list[Appearance]:
        """Return who is in view."""
        return [one for one in self.appearances if one.start <= time < one.end]


def filmed(film: Film, photos: dict[str, Pixels], *, seed: int = 1) -> bytes:
    """Return the film as an MP4, drawn with these photos."""
    frames = [(time, _frame(film, photos, time, seed)) for time in film.times()]
    return write_video(
        frames,
        container="mp4",
        codec="libx264",
        pix_fmt="yuv420p",
        options={"crf": "18", "preset": "ultrafast"},
        key_every=RATE,
    )


def _frame(film: Film, photos: dict[str, Pixels], time: float, seed: int) -> Pixels:
    scene = sum(cut <= time for cut in film.cuts)
    picture = _ground(seed + scene)
    for one in film.seen(time):
        x, y, side, blur, tilt = one.state(time)
        photo = Image.fromarray(photos[one.name]).resize((side, side), Image.Resampling.BICUBIC)
        if blur > 0.05:
            photo = photo.filter(ImageFilter.GaussianBlur(blur))
        mask = Image.new("L", photo.size, 255).rotate(tilt)
        photo = photo.rotate(tilt, Image.Resampling.BICUBIC)
        picture.paste(photo, (round(x * WIDTH - side / 2), round(y * HEIGHT - side / 2)), mask)
    return np.asarray(picture)


def _ground(seed: int) -> Image.Image:
    cells = np.random.default_rng(seed).integers(0, 255, (6, 10, 3), dtype=np.uint8)
    soft = Image.fromarray(cells).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)
    return soft.filter(ImageFilter.GaussianBlur(12))
