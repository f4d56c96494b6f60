"""From faces to embeddings: crop, network, flip averaging, centring, unit norm."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from recognition.vision.alignment import similarity, warped
from recognition.vision.engines.base import Engine
from recognition.vision.registry import Preprocessing
from recognition.vision.types import Box, DetectedFace, Floats, Pixels

Crops = NDArray[np.uint8]

_CHUNK = 16  # network inputs at once; bounds memory
_TINY = 1e-10


class Embedder:
    """Turns faces into unit-norm embeddings of one version. Safe to share between threads.

    `centring` is float32 (d,) or None where a version has none.
    """

    def __init__(
        self,
        engine: Engine,
        preprocessing: Preprocessing,
        dimension: int,
        centring: Floats | None = None,
    ) -> None:
        self.dimension = dimension
        self._engine = engine
        self._preprocessing = preprocessing
        self._centring = centring

    def embed(self, faces: Sequence[tuple[Pixels, DetectedFace]]) -> Floats:
        """Embeddings, float32 (N, d), unit norm: what is stored and compared.

        Each face comes with its picture, uint8 RGB (H, W, 3).
        """
        return centred(self.embed_raw(faces), self._centring)

    def embed_raw(self, faces: Sequence[tuple[Pixels, DetectedFace]]) -> Floats:
        """The same before centring: what centring vectors are computed from."""
        size = self._preprocessing.size
        crops = np.empty((len(faces), size, size, 3), np.uint8)
        for index, (pixels, face) in enumerate(faces):
            crops[index] = face_crop(pixels, face, self._preprocessing)
        return self.embed_crops(crops)

    def embed_crops(self, crops: Crops) -> Floats:
        """Uncentred embeddings of ready crops, uint8 (N, size, size, 3), as float32 (N, d)."""
        if self._preprocessing.flip:
            crops = np.concatenate([crops, crops[:, :, ::-1]])
        rows = [
            self._engine.infer(self._preprocessing.network_input(crops[i : i + _CHUNK]))
            for i in range(0, len(crops), _CHUNK)
        ]
        outputs = np.concatenate(rows) if rows else np.empty((0, self.dimension), np.float32)
        if self._preprocessing.flip:
            half = len(outputs) // 2
            outputs = outputs[:half] + outputs[half:]
        return unit(outputs)


def face_crop(pixels: Pixels, face: DetectedFace, preprocessing: Preprocessing) -> Crops:
    """The network's view of a face: uint8 (size, size, 3); see `seen_crop`."""
    return seen_crop(pixels, face.box, face.landmarks, preprocessing)


def seen_crop(pixels: Pixels, box: Box, landmarks: Floats, preprocessing: Preprocessing) -> Crops:
    """The network's view of a face, by its points (5, 2) or by its box: uint8 (size, size, 3)."""
    if not preprocessing.landmarks:
        return box_crop(pixels, box, preprocessing)
    places = np.asarray(preprocessing.landmarks, np.float32) * preprocessing.size
    points = landmarks[: len(places)]
    return warped(pixels, similarity(points, places), preprocessing.size)


def box_crop(pixels: Pixels, box: Box, preprocessing: Preprocessing) -> Crops:
    """The network's view of a face: uint8 (size, size, 3).

    The box is widened so that `margin` pixels of the result lie outside it, half on each side, cut
    at the picture's edge, and resized with Pillow's bilinear filter, whatever its proportions:
    the geometry of facenet-pytorch's `extract_face`. A box outside the picture gives grey.
    """
    height, width = pixels.shape[:2]
    size, margin = preprocessing.size, preprocessing.margin
    extra_x = margin * (box.x2 - box.x1) / (size - margin) / 2
    extra_y = margin * (box.y2 - box.y1) / (size - margin) / 2
    left, top = int(max(box.x1 - extra_x, 0)), int(max(box.y1 - extra_y, 0))
    right, bottom = int(min(box.x2 + extra_x, width)), int(min(box.y2 + extra_y, height))
    window = pixels[top : max(bottom, 0), left : max(right, 0)]
    if window.size == 0:
        return np.full((size, size, 3), 127, np.uint8)
    resized = Image.fromarray(window).resize((size, size), Image.Resampling.BILINEAR)
    return np.asarray(resized, np.uint8)


def centred(embeddings: Floats, centring: Floats | None) -> Floats:
    """Unit-norm embeddings (N, d) minus the centring vector (d,), unit norm again."""
    if centring is None:
        return embeddings
    return unit(embeddings - centring)


def unit(rows: Floats) -> Floats:
    """Rows of (N, d) scaled to unit norm."""
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    scaled: Floats = (rows / np.maximum(norms, _TINY)).astype(np.float32)
    return scaled
