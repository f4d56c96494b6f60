"""How usable a detected face is. Every number is defined here and described in docs/models.md."""

import math
from collections.abc import Mapping

import numpy as np
from PIL import Image

from recognition.vision.types import Box, Floats, Pixels, Quality

SIDE = 112  # pixels at which sharpness, brightness and contrast are measured
_NOSE = 0.6  # how far the nose stands before the eyes, in distances between the eyes


def measure(pixels: Pixels, box: Box, probability: float, landmarks: Floats) -> Quality:
    """Quality of one face.

    `pixels` is uint8 RGB (H, W, 3); `box` and `landmarks` (5, 2) are in its pixels. A box that
    does not touch the picture gets brightness, contrast and sharpness 0.
    """
    eye_distance, yaw, roll = pose(landmarks)
    brightness, contrast, sharpness = _texture(pixels, box)
    parts = {
        "detection": probability,
        "eye_distance": eye_distance,
        "sharpness": sharpness,
        "brightness": brightness,
        "contrast": contrast,
        "yaw": yaw,
    }
    return Quality(score=math.prod(shares(parts).values()), roll=roll, **parts)


def shares(parts: Mapping[str, float]) -> dict[str, float]:
    """What each part of the quality contributes: factors 0..1 whose product is the score.

    `parts` has the units of `Quality`; roll does not count. Raises KeyError for a missing part.
    """
    brightness = parts["brightness"]
    return {
        "detection": _ramp(parts["detection"], 0.7, 0.99),
        "eye_distance": _ramp(parts["eye_distance"], 5.0, 35.0),
        "sharpness": _ramp(parts["sharpness"], 0.02, 0.20),
        "brightness": _ramp(min(brightness, 1.0 - brightness), 0.02, 0.15),
        "contrast": _ramp(parts["contrast"], 0.02, 0.12),
        "yaw": _ramp(90.0 - abs(parts["yaw"]), 0.0, 60.0),
    }


def pose(landmarks: Floats) -> tuple[float, float, float]:
    """Distance between the eyes in pixels, and estimates of yaw and roll in degrees.

    With the nose tip p eye distances before the plane of the eyes, turning the head by yaw moves
    it by p sin(yaw) along the line of the eyes while their distance shrinks with cos(yaw); so
    tan(yaw) = offset / (p x distance), offset measured from the middle between the eyes.
    """
    left, right, nose = (landmarks[i].astype(float) for i in range(3))
    across = right - left
    distance = float(np.hypot(*across))
    if not distance > 0:
        return 0.0, 90.0, 0.0
    offset = float(np.dot(nose - (left + right) / 2, across)) / distance
    yaw = math.degrees(math.atan2(offset, _NOSE * distance))
    roll = math.degrees(math.atan2(across[1], across[0]))
    return distance, yaw, roll


def _texture(pixels: Pixels, box: Box) -> tuple[float, float, float]:
    """Brightness 0..1, contrast 0..0.5 and sharpness of the face's luma at 112 x 112 pixels.

    Sharpness is the standard deviation of the Laplacian (4 neighbours) over that of the luma, so
    that neither size nor contrast enters.
    """
    height, width = pixels.shape[:2]
    cut = box.clipped(width, height)
    left, top = int(cut.x1), int(cut.y1)
    window = pixels[top : math.ceil(cut.y2), left : math.ceil(cut.x2)]
    if window.size == 0:
        return 0.0, 0.0, 0.0
    luma = Image.fromarray(window).convert("L").resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    values = np.asarray(luma, np.float32) / 255.0
    deviation = float(values.std())
    around = values[:-2, 1:-1] + values[2:, 1:-1] + values[1:-1, :-2] + values[1:-1, 2:]
    laplacian = around - 4.0 * values[1:-1, 1:-1]
    sharpness = float(laplacian.std()) / deviation if deviation > 1e-3 else 0.0
    return float(values.mean()), deviation, sharpness


def _ramp(value: float, low: float, high: float) -> float:
    """0 at or below `low`, 1 at or above `high`, linear between."""
    return min(max((value - low) / (high - low), 0.0), 1.0)
