"""A stand-in for the networks, and photos that it understands.

A fake photo is a PNG whose top row tells who is in it: pixel 0 holds the number of faces, pixel i
the person (red, green) and the variant (blue) of face i. Everything around the networks is real:
decoding, storage, database, search.
"""

import io
from collections.abc import Sequence

import numpy as np
from PIL import Image

from recognition.vision.types import (
    AnalysedFace,
    Box,
    DetectedFace,
    Floats,
    Pixels,
    Quality,
    VersionInfo,
)

DIMENSION = 512
SIDE = 60
POOR = 200
"""Variants from here on are faces of low quality."""


def face_photo(*people: int, variant: int = 0, width: int = 640, height: int = 240) -> bytes:
    """Return a PNG with these people from left to right, the first one the largest."""
    pixels = np.full((height, width, 3), 128, np.uint8)
    pixels[0, 0] = (len(people), 0, 0)
    for number, person in enumerate(people, start=1):
        pixels[0, number] = (person % 256, person // 256, variant)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, format="PNG")
    return out.getvalue()


def embedding_of(person: int, variant: int = 0) -> Floats:
    """Return a unit vector: photos of one person score about 0.9, of two about 0."""
    own = np.random.default_rng(person).standard_normal(DIMENSION)
    noise = np.random.default_rng([person, variant]).standard_normal(DIMENSION)
    mixed = own + 0.33 * noise
    return np.asarray(mixed / np.linalg.norm(mixed), np.float32)


class FakePipeline:
    """Reads who is in a photo from its top row; counts how many images it was given."""

    def __init__(self, *, digest: str = "0" * 64) -> None:
        self.images = 0
        self.version = VersionInfo(
            backbone="facenet-casia",
            digest=digest,
            dimension=DIMENSION,
            weights_sha256="0" * 64,
            numeric_class="float",
            detector="fake",
            engine="fake",
            precision="float32",
        )

    def analyse(
        self,
        images: Sequence[Pixels],
        max_faces: int = 100,
        *,
        main_only: bool = False,
        timings: dict[str, float] | None = None,
    ) -> list[list[AnalysedFace]]:
        """Return the faces that the photos say they have, all of them with embeddings."""
        if timings is not None:
            timings.update(detect=1.0, embed=1.0)
        self.images += len(images)
        return [self._faces(pixels)[:max_faces] for pixels in images]

    @property
    def detector(self) -> "FakePipeline":
        """The part that only finds."""
        return self

    def detect(self, images: Sequence[Pixels]) -> list[list[DetectedFace]]:
        """Return the faces that the photos say they have, without embeddings."""
        return [[found.face for found in faces] for faces in self.analyse(images)]

    def _faces(self, pixels: Pixels) -> list[AnalysedFace]:
        return [
            self._face(number, *(int(value) for value in pixels[0, number]))
            for number in range(1, int(pixels[0, 0, 0]) + 1)
        ]

    @staticmethod
    def _face(number: int, low: int, high: int, variant: int) -> AnalysedFace:
        side = SIDE - number
        x, y = 20.0 + (number - 1) * (SIDE + 10), 40.0
        landmarks = np.array(
            [
                (x + side * fx, y + side * fy)
                for fx, fy in ((0.3, 0.4), (0.7, 0.4), (0.5, 0.6), (0.35, 0.8), (0.65, 0.8))
            ],
            np.float32,
        )
        quality = Quality(
            score=0.8,
            detection=0.5 if variant >= POOR else 0.99,
            eye_distance=side * 0.4,
            sharpness=0.5,
            brightness=0.5,
            contrast=0.2,
            yaw=0.0,
            roll=0.0,
        )
        face = DetectedFace(Box(x, y, x + side, y + side), 0.99, landmarks, quality)
        return AnalysedFace(face, embedding_of(low + 256 * high, variant))
