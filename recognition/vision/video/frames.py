"""Which frames of a track show the face best, and the pictures that are kept of them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from recognition.vision.images import encode_jpeg
from recognition.vision.quality import shares
from recognition.vision.types import AnalysedFace, Box, DetectedFace, Floats, Pixels, Quality

KEPT = 5
HELD = 10
"""Candidates of a track that is still going on; the best of them are chosen when it ends."""
APART = 0.4
"""Seconds between two candidates at least."""
_EYES = 40.0
_SHARP = 0.15
_MARGIN = 0.8
_LONG_SIDE = 640
_JPEG = 90


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A frame of a track that may be kept.

    `picture` is a JPEG of the face with its surroundings; `face` lies in the picture's pixels.
    `embeddings` are unit-norm float32, one per component. `worth` is without stability.
    """

    time: float
    face: DetectedFace
    embeddings: tuple[Floats, ...]
    worth: float
    picture: bytes
    width: int
    height: int


@dataclass(frozen=True, slots=True, eq=False)
class Best:
    """A kept frame: its worth with everything that entered, factors 0..1 by name."""

    candidate: Candidate
    worth: float
    factors: dict[str, float]


def factors(quality: Quality) -> dict[str, float]:
    """What one frame by itself contributes to its worth: factors 0..1 that never saturate.

    size       1 - exp(-d / 40), d pixels between the eyes
    sharpness  s / (s + 0.15), s as in `Quality`
    pose       cos(yaw) ** 1.5 x cos(roll)
    exposure   brightness and contrast as in `quality.shares`
    detection  as in `quality.shares`
    """
    parts = shares(
        {
            "detection": quality.detection,
            "eye_distance": quality.eye_distance,
            "sharpness": quality.sharpness,
            "brightness": quality.brightness,
            "contrast": quality.contrast,
            "yaw": quality.yaw,
        }
    )
    turned = max(0.0, math.cos(math.radians(quality.yaw)))
    tilted = max(0.1, math.cos(math.radians(quality.roll)))
    return {
        "size": 1.0 - math.exp(-max(0.0, quality.eye_distance) / _EYES),
        "sharpness": quality.sharpness / (quality.sharpness + _SHARP),
        "pose": turned**1.5 * tilted,
        "exposure": parts["brightness"] * parts["contrast"],
        "detection": parts["detection"],
    }


def worth(quality: Quality) -> float:
    """Product of the factors, 0..1."""
    return math.prod(factors(quality).values())


def is_wanted(held: Sequence[Candidate], time: float, value: float) -> bool:
    """Whether a frame of this worth would be held; asked before its picture is made."""
    near = [one for one in held if abs(one.time - time) < APART]
    if near:
        return all(value > one.worth for one in near)
    return len(held) < HELD or value > min(one.worth for one in held)


def hold(held: Sequence[Candidate], new: Candidate) -> list[Candidate]:
    """Return the candidates with a wanted one added: at most HELD, at least APART."""
    kept = [one for one in held if abs(one.time - new.time) >= APART]
    kept.append(new)
    if len(kept) > HELD:
        kept.remove(min(kept, key=lambda one: one.worth))
    return kept


def choose(held: Sequence[Candidate], template: Floats) -> list[Best]:
    """Return the best frames of a track that has ended, best first, at most KEPT.

    Stability, the cosine of the frame's embedding with the track's template (0..1), joins the
    other factors: a frame on which the face looks unlike itself is not the one to show.
    """
    found = []
    for one in held:
        stability = float(np.clip(np.dot(one.embeddings[0], template), 0.0, 1.0))
        parts = factors(one.face.quality) | {"stability": stability}
        found.append(Best(one, math.prod(parts.values()), parts))
    return sorted(found, key=lambda best: (-best.worth, best.candidate.time))[:KEPT]


def candidate(time: float, pixels: Pixels, face: AnalysedFace, value: float) -> Candidate:
    """Cut a face with its surroundings out of its frame."""
    if face.embedding is None:
        raise ValueError("a face without an embedding is no candidate")
    box = face.face.box
    height, width = pixels.shape[:2]
    more = _MARGIN * max(box.width, box.height)
    cut = Box(box.x1 - more, box.y1 - more, box.x2 + more, box.y2 + more).clipped(width, height)
    left, top = min(int(cut.x1), width - 1), min(int(cut.y1), height - 1)
    window = pixels[top : max(top + 1, math.ceil(cut.y2)), left : max(left + 1, math.ceil(cut.x2))]
    scale = max(1, math.ceil(max(window.shape[:2]) / _LONG_SIDE))
    if scale > 1:
        window = _reduced(window, scale)
    moved = _moved(face.face, left, top, 1.0 / scale)
    return Candidate(
        time=time,
        face=moved,
        embeddings=(face.embedding, *face.more),
        worth=value,
        picture=encode_jpeg(np.ascontiguousarray(window), quality=_JPEG),
        width=int(window.shape[1]),
        height=int(window.shape[0]),
    )


def _reduced(window: Pixels, scale: int) -> Pixels:
    """Average squares of `scale` pixels; what is left over at the edges is cut off."""
    height, width = (side // scale * scale for side in window.shape[:2])
    blocks = window[:height, :width].reshape(height // scale, scale, width // scale, scale, 3)
    return np.asarray(blocks.mean(axis=(1, 3)).round(), np.uint8)


def _moved(face: DetectedFace, left: int, top: int, scale: float) -> DetectedFace:
    box = face.box
    offset = np.array([left, top], np.float32)
    return DetectedFace(
        box=Box(
            (box.x1 - left) * scale,
            (box.y1 - top) * scale,
            (box.x2 - left) * scale,
            (box.y2 - top) * scale,
        ),
        probability=face.probability,
        landmarks=np.asarray((face.landmarks - offset) * np.float32(scale), np.float32),
        quality=face.quality,
    )
