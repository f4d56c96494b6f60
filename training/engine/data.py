"""What a recipe trains on, and what makes it impossible."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from training.engine.errors import TrainingError

Ints = NDArray[np.int64]
Inputs = NDArray[Any]

PARTS = ("train", "val", "test")


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Images of one part: `labels` int64 (N,) number the people of the whole of the data.

    `inputs` are embeddings, float32 (N, d), or face crops, uint8 (N, size, size, 3) RGB.
    """

    inputs: Inputs
    labels: Ints

    def __len__(self) -> int:
        return len(self.labels)

    def rows(self, chosen: Ints) -> "Part":
        """Return some of the images."""
        return Part(self.inputs[chosen], self.labels[chosen])


@dataclass(frozen=True, slots=True, eq=False)
class Data:
    """The parts of a dataset. `people` are ids by number.

    With embeddings of several model versions side by side `widths` are their dimensions, in order;
    for crops it is empty.
    """

    people: tuple[str, ...]
    parts: Mapping[str, Part]
    widths: tuple[int, ...] = ()

    @property
    def train(self) -> Part:
        """The images to train on."""
        return self.parts["train"]

    @property
    def test(self) -> Part | None:
        """The images that are kept away from every decision, None where there are none."""
        return self.parts.get("test")

    @property
    def is_crops(self) -> bool:
        """Whether the inputs are pictures."""
        return not self.widths


def check(data: Data) -> None:
    """Refuse what nothing can be learned from.

    Raises TrainingError `no_faces`, `too_few_people`, `too_few_images`, `images_identical` or
    `leak`.
    """
    if "train" not in data.parts or not len(data.train):
        raise TrainingError("no_faces", "No image of the training part has a face to train on.")
    images = np.bincount(data.train.labels, minlength=len(data.people))
    if (images > 0).sum() < 2:
        raise TrainingError("too_few_people", "Training takes at least two people.")
    if images.max() < 2:
        raise TrainingError(
            "too_few_images", "Every person has one image; training takes people with two or more."
        )
    rows = data.train.inputs.reshape(len(data.train), -1)
    if (rows == rows[0]).all():
        raise TrainingError("images_identical", "All images of the training part are the same.")
    if data.test is not None and len(data.test):
        _check_leak(data.train, data.test)


def _check_leak(train: Part, test: Part) -> None:
    """Refuse a test part in which an image of a person is one that was trained on."""
    known = set(_marks(train))
    shared = sum(mark in known for mark in _marks(test))
    if shared:
        raise TrainingError(
            "leak",
            f"{shared:,} images of the test part are in the training part as well; "
            "what is measured on them would say nothing.",
        )


def _marks(part: Part) -> Iterator[tuple[int, bytes]]:
    """Yield person and digest of every image."""
    for row, label in zip(part.inputs, part.labels, strict=True):
        yield int(label), hashlib.blake2b(row.tobytes(), digest_size=16).digest()


def held_out(labels: Ints, share: float, *, seed: int, people: bool) -> tuple[Ints, Ints]:
    """Return rows to learn from and rows to watch, drawn by a seed.

    With `people` whole people are held out, so that the watched ones are strangers to the network;
    else a share of the images of everybody who has two or more, at least one of them staying.
    """
    rng = np.random.default_rng(seed)
    if people:
        known = np.unique(labels)
        count = min(max(2, round(share * len(known))), len(known) - 2)
        if count < 2:
            return np.arange(len(labels)), np.arange(0)
        away = np.isin(labels, rng.permutation(known)[:count])
        return np.flatnonzero(~away), np.flatnonzero(away)
    watched = []
    for person in np.unique(labels):
        rows = rng.permutation(np.flatnonzero(labels == person))
        watched += rows[: min(max(1, round(share * len(rows))), len(rows) - 1)].tolist()
    away = np.zeros(len(labels), bool)
    away[watched] = True
    return np.flatnonzero(~away), np.flatnonzero(away)


def renumbered(labels: Ints) -> tuple[Ints, Ints]:
    """Return class numbers 0..C-1 of people's numbers, and the people's numbers by class."""
    classes, numbers = np.unique(labels, return_inverse=True)
    return numbers.astype(np.int64), classes.astype(np.int64)


def save(path: Path, data: Data) -> None:
    """Write data as one npz file: for training on another machine."""
    arrays: dict[str, Any] = {
        "people": np.array(data.people),
        "widths": np.array(data.widths, np.int64),
    }
    for name, part in data.parts.items():
        arrays |= {f"{name}.inputs": part.inputs, f"{name}.labels": part.labels}
    with path.open("wb") as stream:
        np.savez(stream, **arrays)


def load(path: Path) -> Data:
    """Read what `save` wrote. Raises TrainingError `data_unreadable`."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        return Data(
            tuple(str(one) for one in arrays["people"]),
            {
                name: Part(arrays[f"{name}.inputs"], arrays[f"{name}.labels"])
                for name in PARTS
                if f"{name}.labels" in arrays
            },
            tuple(int(one) for one in arrays["widths"]),
        )
    except (OSError, ValueError, LookupError, EOFError, BadZipFile) as error:
        raise TrainingError("data_unreadable", f"{path.name} cannot be read: {error}") from error
