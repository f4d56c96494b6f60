"""Templates of image files under one model, kept on disk: nothing is embedded twice."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from faceplatform.core.errors import DomainError
from recognition.models import ModelVersion
from recognition.services.vision import analyse_images, get_pipeline, main_face, read_photo
from recognition.vision.types import DecodedImage, Floats
from training.models import InputKind

CROP = 0.6
"""Share of an aligned photo's sides that a pre-cropped face keeps, around the middle."""
KINDS = (InputKind.PHOTO, InputKind.CROP)
_BATCH = 16
_PART = 128

Listener = Callable[[int, int, str], None]
Vectors = dict[str, Floats | None]


@dataclass(frozen=True, slots=True)
class TemplateStore:
    """Templates by the sha256 of a file; None where no face was found. One folder, many parts.

    A part is written at once under its final name, so an interrupted run goes on where it was.
    """

    folder: Path
    rows: Vectors

    @classmethod
    def open(cls, folder: Path) -> "TemplateStore":
        """Read all parts there are."""
        folder.mkdir(parents=True, exist_ok=True)
        rows: Vectors = {}
        for part in sorted(folder.glob("*.npz")):
            with np.load(part) as stored:
                names, found, vectors = (stored[key] for key in ("names", "found", "vectors"))
            rows |= {
                name: vectors[row] if found[row] else None
                for row, name in enumerate(names.tolist())
            }
        return cls(folder, rows)

    def add(self, rows: Mapping[str, Floats | None], dimension: int) -> None:
        """Keep these as well."""
        if not rows:
            return
        self.rows.update(rows)
        names = sorted(rows)
        empty = np.zeros(dimension, np.float32)
        vectors = [rows[name] for name in names]
        path = self.folder / f"{hashlib.sha256(''.join(names).encode()).hexdigest()[:32]}.npz"
        with path.with_suffix(".part").open("wb") as stream:
            np.savez(
                stream,
                names=np.array(names),
                found=np.array([vector is not None for vector in vectors]),
                vectors=np.stack([empty if vector is None else vector for vector in vectors]),
            )
        path.with_suffix(".part").replace(path)


def templates_of_files(
    folder: Path,
    names: Sequence[str],
    *,
    version: ModelVersion,
    cache: Path,
    listener: Listener,
) -> dict[InputKind, Vectors]:
    """Return the template of the main face of every file, for both kinds of input.

    A file is read and decoded once for both. Raises DomainError `data_missing` for a file that
    cannot be read, and what embedding raises.
    """
    detector = get_pipeline(version).version.detector
    prefix = f"{version.digest[:16]}-{hashlib.sha256(detector.encode()).hexdigest()[:8]}"
    stores = {kind: TemplateStore.open(cache / f"{prefix}-{kind.value}") for kind in KINDS}
    found: dict[InputKind, Vectors] = {kind: {} for kind in KINDS}
    for start in range(0, len(names), _PART):
        part = names[start : start + _PART]
        files = {name: _read(folder / name) for name in part}
        digests = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
        missing = {
            digests[name]: data
            for name, data in files.items()
            if any(digests[name] not in store.rows for store in stores.values())
        }
        _embed(missing, stores, version)
        for kind, store in stores.items():
            found[kind] |= {name: store.rows[digests[name]] for name in part}
        listener(start + len(part), len(names), "")
    return found


def _embed(
    files: Mapping[str, bytes],
    stores: Mapping[InputKind, TemplateStore],
    version: ModelVersion,
) -> None:
    """Embed files under both kinds of input and keep what was found, a whole part at once."""
    fresh: dict[InputKind, Vectors] = {kind: {} for kind in stores}
    digests = list(files)
    for start in range(0, len(digests), _BATCH):
        batch = digests[start : start + _BATCH]
        images = {digest: read_photo(files[digest]) for digest in batch}
        for kind, store in stores.items():
            wanted = {d: image for d, image in images.items() if d not in store.rows}
            inputs = [
                image if kind == InputKind.PHOTO else cropped(image) for image in wanted.values()
            ]
            fresh[kind] |= zip(wanted, main_templates(inputs, version), strict=True)
    for kind, store in stores.items():
        store.add(fresh[kind], version.dimension)


def main_templates(images: Sequence[DecodedImage], version: ModelVersion) -> list[Floats | None]:
    """Return the template of each picture's main face, None where no face was found."""
    found: list[Floats | None] = []
    answers = analyse_images(images, version=version, main_only=True) if images else []
    for image, faces in zip(images, answers, strict=True):
        found.append(main_face(faces, image.width, image.height).embedding if faces else None)
    return found


def cropped(image: DecodedImage) -> DecodedImage:
    """Return the middle of an aligned photo as a picture of its own."""
    height, width = image.pixels.shape[:2]
    top, left = round(height * (1 - CROP) / 2), round(width * (1 - CROP) / 2)
    pixels = np.ascontiguousarray(image.pixels[top : height - top, left : width - left])
    return replace(image, pixels=pixels)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DomainError("data_missing", f"{path} cannot be read: {error.strerror}") from error
