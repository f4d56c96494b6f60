"""Values that travel between the parts of the vision engine and its callers."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

ImageFormat = Literal["JPEG", "PNG", "WEBP", "HEIF"]
Pixels = NDArray[np.uint8]
"""A picture: uint8, height x width x 3, RGB, upright."""
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class DecodedImage:
    """A picture read safely.

    `pixels` is uint8 RGB, height x width x 3, turned upright, nothing transparent.
    `notes` says what was done on the way, as short codes ("orientation_6", "alpha_on_white").
    """

    pixels: Pixels
    format: ImageFormat
    notes: tuple[str, ...] = ()

    @property
    def width(self) -> int:
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        return int(self.pixels.shape[0])


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels of the original picture, x to the right, y down.

    It may reach over the picture's edge: the detector's regression knows no edge, and the crop of
    the embedding is defined on the unclipped box. Use `clipped` for drawing.
    """

    x1: float
    y1: float
    x2: float
    y2: float

    @property
    def width(self) -> float:
        return max(0.0, self.x2 - self.x1)

    @property
    def height(self) -> float:
        return max(0.0, self.y2 - self.y1)

    @property
    def area(self) -> float:
        return self.width * self.height

    @property
    def center(self) -> tuple[float, float]:
        return (self.x1 + self.x2) / 2, (self.y1 + self.y2) / 2

    def iou(self, other: "Box") -> float:
        """Intersection over union, 0..1; 0 for two empty boxes."""
        width = min(self.x2, other.x2) - max(self.x1, other.x1)
        height = min(self.y2, other.y2) - max(self.y1, other.y1)
        if width <= 0 or height <= 0:
            return 0.0
        shared = width * height
        return shared / (self.area + other.area - shared)

    def clipped(self, width: int, height: int) -> "Box":
        """The part inside a picture of `width` x `height` pixels."""
        return Box(
            min(max(self.x1, 0.0), float(width)),
            min(max(self.y1, 0.0), float(height)),
            min(max(self.x2, 0.0), float(width)),
            min(max(self.y2, 0.0), float(height)),
        )


@dataclass(frozen=True, slots=True)
class QualityLimits:
    """Below (or outside) these a face is called low quality. Units as in `Quality`."""

    detection: float = 0.90
    eye_distance: float = 12.0
    sharpness: float = 0.02
    brightness_low: float = 0.10
    brightness_high: float = 0.95
    contrast: float = 0.05
    yaw: float = 75.0
    score: float = 0.0


@dataclass(frozen=True, slots=True)
class Quality:
    """How usable one detected face is. Formulas: `quality.py` and docs/models.md.

    score         0..1, product of the parts below mapped to 0..1
    detection     probability of the detector's last network, 0..1
    eye_distance  pixels between the eyes in the original picture
    sharpness     0 up; edge energy of the face at a fixed size, relative to its contrast
    brightness    0..1, mean luma of the face
    contrast      0..0.5, standard deviation of the luma
    yaw           degrees, estimated from the landmarks; 0 is frontal, positive when the nose
                  points to the right side of the picture
    roll          degrees in the picture's plane; 0 is upright, positive when clockwise
    """

    score: float
    detection: float
    eye_distance: float
    sharpness: float
    brightness: float
    contrast: float
    yaw: float
    roll: float

    def reasons(self, limits: QualityLimits) -> tuple[str, ...]:
        """Codes of every limit this face misses, in a fixed order; empty when it is usable."""
        checks = (
            ("uncertain_detection", self.detection < limits.detection),
            ("too_small", self.eye_distance < limits.eye_distance),
            ("blurred", self.sharpness < limits.sharpness),
            ("too_dark", self.brightness < limits.brightness_low),
            ("too_bright", self.brightness > limits.brightness_high),
            ("low_contrast", self.contrast < limits.contrast),
            ("turned_away", abs(self.yaw) > limits.yaw),
            ("low_score", self.score < limits.score),
        )
        return tuple(code for code, missed in checks if missed)


@dataclass(frozen=True, slots=True, eq=False)
class DetectedFace:
    """One face in one picture.

    `landmarks` is float32 (5, 2), x and y in pixels of the original picture: the eye on the left
    of the picture, the eye on its right, nose, left and right corner of the mouth.
    """

    box: Box
    probability: float
    landmarks: Floats
    quality: Quality


@dataclass(frozen=True, slots=True, eq=False)
class AnalysedFace:
    """A face with its embedding: float32 (dimension,), unit norm, centred if its version is.

    `more` are its embeddings under the further components of an ensemble, in their order.
    """

    face: DetectedFace
    embedding: Floats | None
    more: tuple[Floats, ...] = ()


@dataclass(frozen=True, slots=True)
class VersionInfo:
    """What made an embedding. Two embeddings may be compared only if `digest` is the same."""

    backbone: str
    digest: str
    dimension: int
    weights_sha256: str
    numeric_class: str
    detector: str
    engine: str
    precision: str
