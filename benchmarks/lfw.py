"""Labeled Faces in the Wild: its files, its protocols, and embeddings of it with a cache."""

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recognition.vision import quality
from recognition.vision.detection import main_face
from recognition.vision.errors import ImageError
from recognition.vision.images import decode_image
from recognition.vision.pipeline import FacePipeline
from recognition.vision.types import Box, DetectedFace, Floats, Pixels
from training.evaluation.protocols import PairProtocol, lfw_view2

Arrays = dict[str, NDArray[Any]]
_BATCH = 16
_PART = 512


@dataclass(frozen=True, slots=True, eq=False)
class LfwEmbeddings:
    """Uncentred unit-norm embeddings of the main face of images, in the order of `names`.

    `found` is False where no face was detected; that row is zero. `people` numbers the identities.
    """

    names: tuple[str, ...]
    raw: Floats
    found: NDArray[np.bool_]
    people: NDArray[np.int64]

    def rows(self, names: Sequence[str]) -> NDArray[np.int64]:
        place = {name: row for row, name in enumerate(self.names)}
        return np.array([place[name] for name in names], np.int64)


def image_names(data: Path) -> list[str]:
    """All images as NAME/NAME_0001.jpg, sorted."""
    folder = data / "lfw-deepfunneled"
    return sorted(path.relative_to(folder).as_posix() for path in folder.glob("*/*.jpg"))


def view2(data: Path) -> PairProtocol:
    """View 2 of pairs.txt: 6,000 pairs in ten folds of 300 mated and 300 nonmated."""
    return lfw_view2((data / "pairs.txt").read_text(encoding="utf-8"))


def embed(
    pipeline: FacePipeline, data: Path, names: Sequence[str], cache: Path, *, quiet: bool = False
) -> LfwEmbeddings:
    """Embeddings of images; parts already in `cache` for this version are not computed again."""
    kind = f"lfw-{pipeline.version.digest[:12]}-{pipeline.version.precision}"

    def make(part: Sequence[str]) -> Arrays:
        raw, found = main_faces(pipeline, data, part, detect(pipeline, data, part, cache))
        return {"raw": raw, "found": found}

    parts = _cached(cache / kind, image_names(data), names, make, quiet=quiet)
    numbers: dict[str, int] = {}
    people = [numbers.setdefault(name.split("/")[0], len(numbers)) for name in names]
    return LfwEmbeddings(
        tuple(names), parts["raw"], parts["found"].astype(bool), np.array(people, np.int64)
    )


def detect(
    pipeline: FacePipeline, data: Path, names: Sequence[str], cache: Path, *, quiet: bool = True
) -> Arrays:
    """The main face of each image, kept for all backbones of one detector.

    `box` (N, 4), `points` (N, 5, 2), `probability` (N,), 0 without a face, `yaw` (N,) in degrees.
    """
    settings = pipeline.detector.settings.describe()
    folder = cache / f"lfw-faces-{hashlib.sha256(settings.encode()).hexdigest()[:12]}"

    def make(part: Sequence[str]) -> Arrays:
        found = empty_faces(len(part))
        for start in range(0, len(part), _BATCH):
            pictures = [read(data, name) for name in part[start : start + _BATCH]]
            for index, (picture, faces) in enumerate(
                zip(pictures, pipeline.detector.detect(pictures), strict=True), start=start
            ):
                keep_main(found, index, picture, faces)
        return found

    return _cached(folder, image_names(data), names, make, quiet=quiet)


def empty_faces(count: int) -> Arrays:
    """What `detect` fills in."""
    return {
        "box": np.zeros((count, 4), np.float32),
        "points": np.zeros((count, 5, 2), np.float32),
        "probability": np.zeros(count, np.float32),
        "yaw": np.zeros(count, np.float32),
    }


def keep_main(found: Arrays, index: int, picture: Pixels, faces: Sequence[DetectedFace]) -> None:
    """Write the picture's main face, if it has one, to row `index`."""
    face = main_face(faces, picture.shape[1], picture.shape[0])
    if face is not None:
        found["box"][index] = (face.box.x1, face.box.y1, face.box.x2, face.box.y2)
        found["points"][index] = face.landmarks
        found["probability"][index] = face.probability
        found["yaw"][index] = face.quality.yaw


def main_faces(
    pipeline: FacePipeline, data: Path, names: Sequence[str], faces: Arrays | None = None
) -> tuple[Floats, NDArray[np.bool_]]:
    """Uncentred embeddings (N, d) of the main face of each image and whether there was one.

    `faces` are those that `detect` found; without them they are looked for.
    """
    raw = np.zeros((len(names), pipeline.version.dimension), np.float32)
    found = np.zeros(len(names), bool)
    for start in range(0, len(names), _BATCH):
        pictures = [read(data, name) for name in names[start : start + _BATCH]]
        if faces is None:
            batch = empty_faces(len(pictures))
            for index, seen in enumerate(pipeline.detector.detect(pictures)):
                keep_main(batch, index, pictures[index], seen)
        else:
            batch = {key: values[start : start + _BATCH] for key, values in faces.items()}
        seen_in = np.flatnonzero(batch["probability"])
        work = [(pictures[row], _face(pictures[row], batch, int(row))) for row in seen_in]
        found[start + seen_in] = True
        raw[start : start + len(pictures)][batch["probability"] > 0] = pipeline.embedder.embed_raw(
            work
        )
    return raw, found


def _face(picture: Pixels, faces: Arrays, index: int) -> DetectedFace:
    box = Box(*(float(value) for value in faces["box"][index]))
    points, probability = faces["points"][index], float(faces["probability"][index])
    return DetectedFace(
        box, probability, points, quality.measure(picture, box, probability, points)
    )


def _cached(
    folder: Path,
    everything: Sequence[str],
    names: Sequence[str],
    make: Callable[[Sequence[str]], Arrays],
    *,
    quiet: bool,
) -> Arrays:
    """Arrays with one row per name; whole parts of the data set are made and kept in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = set(names)
    place: dict[str, int] = {}
    parts: list[Arrays] = []
    for start in range(0, len(everything), _PART):
        part = everything[start : start + _PART]
        if wanted.isdisjoint(part):
            continue
        path = folder / f"{start:06d}.npz"
        if not path.exists():
            began = time.perf_counter()
            _save(path, make(part))
            if not quiet:
                speed = len(part) / (time.perf_counter() - began)
                print(f"  images {start}-{start + len(part)}: {speed:.1f}/s", flush=True)
        place |= {name: len(place) + i for i, name in enumerate(part)}
        with np.load(path) as stored:
            parts.append({key: stored[key] for key in stored.files})
    rows = [place[name] for name in names]
    return {key: np.concatenate([part[key] for part in parts])[rows] for key in parts[0]}


def _save(path: Path, arrays: Arrays) -> None:
    draft = path.with_suffix(".part")
    with draft.open("wb") as stream:
        np.savez(stream, **arrays)  # type: ignore[arg-type]
    draft.replace(path)


def read(data: Path, name: str) -> Pixels:
    """Pixels of one image by its name."""
    try:
        return decode_image((data / "lfw-deepfunneled" / name).read_bytes()).pixels
    except ImageError as error:
        raise SystemExit(f"{name}: {error}") from error
