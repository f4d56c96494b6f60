"""Face detection: MTCNN's cascade over any engine, for several pictures at a time.

Networks and thresholds are facenet-pytorch's. Boxes, probabilities and landmarks equal those of
its `MTCNN` up to rounding as long as a picture is not larger than `long_side`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from recognition.vision import cascade, quality
from recognition.vision.engines.base import Engine
from recognition.vision.resampling import AreaSampler
from recognition.vision.types import Box, DetectedFace, Floats, Pixels

NETWORKS = ("pnet", "rnet", "onet")
"""Names of the three networks, in the order in which they look."""
_SMALL, _LARGE = 24, 48  # input sizes of the second and the third network
_CHUNK = 64  # windows that go through a network at once; bounds memory


@dataclass(frozen=True, slots=True)
class DetectorSettings:
    """What the detector looks for.

    min_face    smallest face in pixels of the searched picture (the side of its box)
    long_side   pictures with a longer side are searched at this size; so the smallest face found
                in them is min_face x side / long_side pixels of the original
    max_faces   the largest faces are kept
    """

    min_face: int = 40
    long_side: int = 2560
    max_faces: int = 100
    thresholds: tuple[float, float, float] = (0.6, 0.7, 0.7)
    factor: float = 0.709

    def describe(self) -> str:
        """One line to record beside a face."""
        cuts = "/".join(f"{value:g}" for value in self.thresholds)
        return (
            f"mtcnn (facenet-pytorch), min_face {self.min_face}, long_side {self.long_side}, "
            f"thresholds {cuts}, factor {self.factor:g}"
        )


@dataclass(slots=True)
class _Found:
    """Candidates of one picture on their way through the cascade."""

    sampler: AreaSampler
    boxes: Floats
    scores: Floats
    points: Floats

    def keep(self, chosen: NDArray[np.int64] | NDArray[np.bool_]) -> None:
        self.boxes, self.scores = self.boxes[chosen], self.scores[chosen]
        self.points = self.points[chosen]


class Detector:
    """Finds faces. Safe to share between threads if its engines are."""

    def __init__(
        self, networks: Mapping[str, Engine], settings: DetectorSettings | None = None
    ) -> None:
        self.settings = settings or DetectorSettings()
        self._pnet, self._rnet, self._onet = (networks[name] for name in NETWORKS)

    def detect(self, images: Sequence[Pixels]) -> list[list[DetectedFace]]:
        """Faces of each picture, uint8 RGB (H, W, 3): largest first, ties from the top left.

        Coordinates are in pixels of the picture as given, also where it was searched smaller.
        """
        if not images:
            return []
        searched = [self._shrunk(image) for image in images]
        found = [self._propose(picture) for picture, _ in searched]
        self._second_stage(found)
        self._third_stage(found)
        return [
            self._finish(image, result, scale)
            for image, result, (_, scale) in zip(images, found, searched, strict=True)
        ]

    def _shrunk(self, image: Pixels) -> tuple[Pixels, float]:
        """The picture to search and its size as a share of the original."""
        height, width = image.shape[:2]
        scale = self.settings.long_side / max(height, width)
        if scale >= 1:
            return image, 1.0
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        small = Image.fromarray(image).resize(size, Image.Resampling.BOX)
        return np.asarray(small, np.uint8), scale

    def _propose(self, image: Pixels) -> _Found:
        """First network: every level of the pyramid."""
        settings = self.settings
        sampler = AreaSampler(image)
        height, width = image.shape[:2]
        boxes, scores, moves = [_none(4)], [_none()], [_none(4)]
        for scale in cascade.pyramid_scales(height, width, settings.min_face, settings.factor):
            level = sampler.resized(int(height * scale + 1), int(width * scale + 1))
            output = self._pnet.infer(_normalised(level)[None])[0]
            box, score, move = cascade.candidates(output, scale, settings.thresholds[0])
            kept = cascade.suppress(box, score, 0.5)
            boxes.append(box[kept])
            scores.append(score[kept])
            moves.append(move[kept])
        all_boxes, all_scores = np.concatenate(boxes), np.concatenate(scores)
        kept = cascade.suppress(all_boxes, all_scores, 0.7)
        refined = cascade.refined(all_boxes[kept], np.concatenate(moves)[kept])
        return _Found(
            sampler,
            cascade.squared(refined),
            all_scores[kept],
            np.zeros((len(kept), 5, 2), np.float32),
        )

    def _second_stage(self, found: list[_Found]) -> None:
        outputs = self._look(self._rnet, found, _SMALL)
        for result, output in zip(found, outputs, strict=True):
            result.scores = output[:, 0]
            passed = np.flatnonzero(result.scores > self.settings.thresholds[1])
            chosen = passed[cascade.suppress(result.boxes[passed], result.scores[passed], 0.7)]
            result.keep(chosen)
            moved = cascade.refined_inclusive(result.boxes, output[chosen, 1:5])
            result.boxes = cascade.squared(moved)

    def _third_stage(self, found: list[_Found]) -> None:
        outputs = self._look(self._onet, found, _LARGE)
        for result, output in zip(found, outputs, strict=True):
            result.scores = output[:, 0]
            passed = np.flatnonzero(result.scores > self.settings.thresholds[2])
            result.keep(passed)
            result.points = cascade.landmarks(result.boxes, output[passed, 5:15])
            result.boxes = cascade.refined_inclusive(result.boxes, output[passed, 1:5])
            result.keep(cascade.suppress(result.boxes, result.scores, 0.7, smaller=True))

    def _look(self, network: Engine, found: list[_Found], size: int) -> list[Floats]:
        """Run a network on the windows of all candidates of all pictures, in even batches."""
        windows = []
        for result in found:
            places, usable = cascade.inside(
                result.boxes, result.sampler.height, result.sampler.width
            )
            result.keep(usable)
            windows.append(_normalised(result.sampler.crops(places[usable], size)))
        batch = np.concatenate(windows)
        outputs = [network.infer(batch[i : i + _CHUNK]) for i in range(0, len(batch), _CHUNK)]
        joined = np.concatenate(outputs) if outputs else _none(15)
        return np.split(joined, np.cumsum([len(part) for part in windows])[:-1])

    def _finish(self, image: Pixels, found: _Found, scale: float) -> list[DetectedFace]:
        """Faces in coordinates of the original, ordered, with quality."""
        boxes = [Box(*(float(value) / scale for value in row)) for row in found.boxes]
        order = sorted(range(len(boxes)), key=lambda i: (-boxes[i].area, boxes[i].y1, boxes[i].x1))
        faces = []
        for index in order[: self.settings.max_faces]:
            points = (found.points[index] / np.float32(scale)).astype(np.float32)
            probability = float(found.scores[index])
            measured = quality.measure(image, boxes[index], probability, points)
            faces.append(DetectedFace(boxes[index], probability, points, measured))
        return faces


def main_face(faces: Sequence[DetectedFace], width: int, height: int) -> DetectedFace | None:
    """The face a picture of `width` x `height` is of: large and near the middle.

    Highest value of area - 2 x squared distance of the box's centre from the picture's centre, in
    square pixels; this is the rule of FaceNet's own alignment script. None without a face.
    """

    def worth(face: DetectedFace) -> float:
        x, y = face.box.center
        return face.box.area - 2.0 * ((x - width / 2) ** 2 + (y - height / 2) ** 2)

    return max(faces, key=worth, default=None)


def _normalised(values: Floats) -> Floats:
    """0..255 to what the networks were trained on, in place."""
    values -= np.float32(127.5)
    values *= np.float32(0.0078125)
    return values


def _none(*shape: int) -> Floats:
    """An array of no rows, each of `shape`."""
    return np.empty((0, *shape), np.float32)
