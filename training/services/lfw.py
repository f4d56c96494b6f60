"""LFW's View 2 under a model of the platform: as photographed, and as pre-cropped faces."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from faceplatform.core.errors import DomainError
from recognition.models import ModelVersion
from recognition.services.vision import analyse_images, main_face, read_photo
from recognition.vision.types import DecodedImage, Floats
from training.evaluation.arrays import EvaluationError
from training.evaluation.protocols import PairProtocol, lfw_view2
from training.evaluation.verification import Verification, verify_pairs

FOLDER = "lfw-deepfunneled"
CROP = 0.6
"""Share of an aligned photo's sides that a pre-cropped face keeps, around the middle."""
_BATCH = 16

Listener = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True)
class LfwResult:
    """Figures of one kind of input. `failures` of `images` had no face that could be embedded."""

    input_kind: str
    images: int
    failures: int
    verification: Verification


def evaluate_lfw(
    data: Path, *, version: ModelVersion, cache: Path, listener: Listener
) -> tuple[LfwResult, ...]:
    """Return the figures of View 2 for both kinds of input.

    Templates are kept in `cache` by model and kind. Raises DomainError `data_missing` where the
    folder is not LFW's, and what embedding raises.
    """
    try:
        protocol = lfw_view2((data / "pairs.txt").read_text(encoding="utf-8"))
    except (OSError, EvaluationError) as error:
        raise DomainError("data_missing", f"{data} has no usable pairs.txt: {error}") from error
    results = []
    for kind in ("photo", "crop"):
        vectors = _vectors(data, protocol, kind, version, cache, listener)
        results.append(_result(kind, protocol, vectors))
    return tuple(results)


def _result(kind: str, protocol: PairProtocol, vectors: dict[str, Floats | None]) -> LfwResult:
    scores = np.full(len(protocol), -np.inf)
    for number, names in enumerate(zip(protocol.first, protocol.second, strict=True)):
        first, second = (vectors[name] for name in names)
        if first is not None and second is not None:
            scores[number] = float(first @ second)
    verification = verify_pairs(
        scores,
        protocol.mated,
        protocol.first_identity,
        protocol.second_identity,
        folds=protocol.folds,
    )
    failures = sum(vector is None for vector in vectors.values())
    return LfwResult(kind, len(vectors), failures, verification)


def _vectors(
    data: Path,
    protocol: PairProtocol,
    kind: str,
    version: ModelVersion,
    cache: Path,
    listener: Listener,
) -> dict[str, Floats | None]:
    """Return the template of every image of the protocol, None where no face was found."""
    names = protocol.images
    kept = cache / f"lfw-{version.digest[:16]}-{kind}.npz"
    if kept.exists():
        with np.load(kept) as stored:
            if tuple(stored["names"].tolist()) == names:
                return _unpacked(names, stored["found"], stored["vectors"])
    found = np.zeros(len(names), bool)
    vectors = np.zeros((len(names), version.dimension), np.float32)
    for start, images in _batches(data, names, kind):
        for row, faces in enumerate(analyse_images(images, version=version, main_only=True)):
            if faces:
                main = main_face(faces, images[row].width, images[row].height)
                if main.embedding is not None:
                    found[start + row], vectors[start + row] = True, main.embedding
        listener(start + len(images), len(names), kind)
    cache.mkdir(parents=True, exist_ok=True)
    with kept.with_suffix(".part").open("wb") as stream:
        np.savez(stream, names=np.array(names), found=found, vectors=vectors)
    kept.with_suffix(".part").replace(kept)
    return _unpacked(names, found, vectors)


def _unpacked(
    names: Sequence[str], found: NDArray[np.bool_], vectors: Floats
) -> dict[str, Floats | None]:
    return {name: vectors[row] if found[row] else None for row, name in enumerate(names)}


def _batches(
    data: Path, names: Sequence[str], kind: str
) -> Iterator[tuple[int, list[DecodedImage]]]:
    images = (_image(data / FOLDER / name, kind) for name in names)
    start = 0
    while batch := list(islice(images, _BATCH)):
        yield start, batch
        start += len(batch)


def _image(path: Path, kind: str) -> DecodedImage:
    try:
        image = read_photo(path.read_bytes())
    except OSError as error:
        raise DomainError("data_missing", f"{path} cannot be read: {error.strerror}") from error
    return image if kind == "photo" else cropped(image)


def cropped(image: DecodedImage) -> DecodedImage:
    """Return the middle of an aligned photo as a picture of its own."""
    height, width = image.pixels.shape[:2]
    top, left = round(height * (1 - CROP) / 2), round(width * (1 - CROP) / 2)
    pixels = np.ascontiguousarray(image.pixels[top : height - top, left : width - left])
    return replace(image, pixels=pixels)
