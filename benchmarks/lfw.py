"""Labeled Faces in the Wild: its files, its protocols, and embeddings of it with a cache."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recognition.vision.detection import main_face
from recognition.vision.errors import ImageError
from recognition.vision.images import decode_image
from recognition.vision.pipeline import FacePipeline
from recognition.vision.types import DetectedFace, Floats, Pixels

_BATCH = 16
_PART = 512


@dataclass(frozen=True, slots=True)
class Pair:
    """One comparison of View 2: two image names, NAME/NAME_0001.jpg, and whether mated."""

    first: str
    second: str
    mated: bool
    fold: int


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


def view2_pairs(data: Path) -> list[Pair]:
    """The 6,000 pairs of pairs.txt in ten folds of 300 mated and 300 nonmated."""
    head, *lines = (data / "pairs.txt").read_text(encoding="utf-8").splitlines()
    folds, half = (int(value) for value in head.split())
    pairs = []
    for index, line in enumerate(lines):
        fold, parts = index // (2 * half), line.split("\t")
        mated = len(parts) == 3
        other = parts[0] if mated else parts[2]
        pairs.append(Pair(_name(parts[0], parts[1]), _name(other, parts[-1]), mated, fold))
    if len(pairs) != folds * half * 2:
        raise SystemExit(f"pairs.txt has {len(pairs)} pairs, not {folds * half * 2}")
    return pairs


def embed(
    pipeline: FacePipeline, data: Path, names: Sequence[str], cache: Path, *, quiet: bool = False
) -> LfwEmbeddings:
    """Embeddings of images; parts already in `cache` for this version are not computed again."""
    folder = cache / f"lfw-{pipeline.version.digest[:12]}-{pipeline.version.precision}"
    folder.mkdir(parents=True, exist_ok=True)
    everything = image_names(data)
    wanted = set(names)
    rows: dict[str, Floats | None] = {}
    for start in range(0, len(everything), _PART):
        part = everything[start : start + _PART]
        if wanted.isdisjoint(part):
            continue
        path = folder / f"{start:06d}.npz"
        if not path.exists():
            began = time.perf_counter()
            _save(path, *main_faces(pipeline, data, part))
            if not quiet:
                speed = len(part) / (time.perf_counter() - began)
                print(f"  images {start}-{start + len(part)}: {speed:.1f}/s", flush=True)
        with np.load(path) as stored:
            found, raw = stored["found"], stored["raw"]
        rows |= {n: raw[i] if found[i] else None for i, n in enumerate(part) if n in wanted}
    return _collect(names, rows, pipeline.version.dimension)


def main_faces(
    pipeline: FacePipeline, data: Path, names: Sequence[str]
) -> tuple[Floats, NDArray[np.bool_]]:
    """Uncentred embeddings (N, d) of the main face of each image and whether there was one."""
    raw = np.zeros((len(names), pipeline.version.dimension), np.float32)
    found = np.zeros(len(names), bool)
    for start in range(0, len(names), _BATCH):
        pictures = [read(data, name) for name in names[start : start + _BATCH]]
        faces = [
            main_face(faces, picture.shape[1], picture.shape[0])
            for picture, faces in zip(pictures, pipeline.detector.detect(pictures), strict=True)
        ]
        _embed_into(pipeline, pictures, faces, raw[start:], found[start:])
    return raw, found


def _embed_into(
    pipeline: FacePipeline,
    pictures: Sequence[Pixels],
    faces: Sequence[DetectedFace | None],
    raw: Floats,
    found: NDArray[np.bool_],
) -> None:
    work = [(i, face) for i, face in enumerate(faces) if face is not None]
    embeddings = pipeline.embedder.embed_raw([(pictures[i], face.box) for i, face in work])
    for (index, _), embedding in zip(work, embeddings, strict=True):
        raw[index] = embedding
        found[index] = True


def read(data: Path, name: str) -> Pixels:
    """Pixels of one image by its name."""
    try:
        return decode_image((data / "lfw-deepfunneled" / name).read_bytes()).pixels
    except ImageError as error:
        raise SystemExit(f"{name}: {error}") from error


def _save(path: Path, raw: Floats, found: NDArray[np.bool_]) -> None:
    draft = path.with_suffix(".part")
    with draft.open("wb") as stream:
        np.savez(stream, raw=raw, found=found)
    draft.replace(path)


def _collect(names: Sequence[str], rows: dict[str, Floats | None], dimension: int) -> LfwEmbeddings:
    raw = np.zeros((len(names), dimension), np.float32)
    found = np.zeros(len(names), bool)
    for index, name in enumerate(names):
        row = rows[name]
        if row is not None:
            raw[index], found[index] = row, True
    numbers: dict[str, int] = {}
    people = [numbers.setdefault(name.split("/")[0], len(numbers)) for name in names]
    return LfwEmbeddings(tuple(names), raw, found, np.array(people, np.int64))


def _name(person: str, number: str) -> str:
    return f"{person}/{person}_{int(number):04d}.jpg"
