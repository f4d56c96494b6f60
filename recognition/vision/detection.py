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
_PIXELS = 2_000_000  # of pictures of one size that are searched at once; bounds memory


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
        self.networks = tuple(networks[name] for name in NETWORKS)
        self._pnet, self._rnet, self._onet = self.networks

    def detect(self, images: Sequence[Pixels]) -> list[list[DetectedFace]]:
        """Faces of each picture, uint8 RGB (H, W, 3): largest first, ties from the top left.

        Coordinates are in pixels of the picture as given, also where it was searched smaller.
        """
        if not images:
            return []
        searched = [self._shrunk(image) for image in images]
        found = self._propose([picture for picture, _ in searched])
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

    def _propose(self, images: Sequence[Pixels]) -> list[_Found]:
        """First network: every level of the pyramid, pictures of one size together."""
        samplers = [AreaSampler(image) for image in images]
        alike: dict[tuple[int, int], list[int]] = {}
        for index, sampler in enumerate(samplers):
            alike.setdefault((sampler.height, sampler.width), []).append(index)
        found: dict[int, _Found] = {}
        for (height, width), indices in alike.items():
            together = max(1, _PIXELS // (height * width))
            for start in range(0, len(indices), together):
                chosen = indices[start : start + together]
                proposed = self._propose_alike([samplers[index] for index in chosen])
                found |= dict(zip(chosen, proposed, strict=True))
        return [found[index] for index in range(len(images))]

    def _propose_alike(self, samplers: Sequence[AreaSampler]) -> list[_Found]:
        """The same for pictures of one size: one call of the network for each level."""
        settings = self.settings
        height, width = samplers[0].height, samplers[0].width
        levels: list[list[tuple[Floats, Floats, Floats]]] = [[] for _ in samplers]
        for scale in cascade.pyramid_scales(height, width, settings.min_face, settings.factor):
            size = int(height * scale + 1), int(width * scale + 1)
            batch = np.stack([sampler.resized(*size) for sampler in samplers])
            outputs = self._pnet.infer(_normalised(batch))
            for level, output in zip(levels, outputs, strict=True):
                box, score, move = cascade.candidates(output, scale, settings.thresholds[0])
                kept = cascade.suppress(box, score, 0.5)
                level.append((box[kept], score[kept], move[kept]))
        return [_joined(*pair) for pair in zip(samplers, levels, strict=True)]

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


def _joined(sampler: AreaSampler, levels: Sequence[tuple[Floats, Floats, Floats]]) -> _Found:
    """What the first network found in one picture, over all levels."""
    boxes, scores, moves = (
        np.concatenate([first, *parts])
        for first, *parts in zip((_none(4), _none(), _none(4)), *levels, strict=True)
    )
    kept = cascade.suppress(boxes, scores, 0.7)
    squares = cascade.squared(cascade.refined(boxes[kept], moves[kept]))
    return _Found(sampler, squares, scores[kept], np.zeros((len(kept), 5, 2), np.float32))


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
