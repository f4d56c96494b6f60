"""The file of all pairs, or of a selection: streamed, its size told before.

No file is stored: it would hold the paths of people who are erased later.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from faceplatform.core.errors import DomainError, Unprocessable
from recognition.models import FaceImage
from recognition.selectors.embeddings import templates_of_faces
from recognition.vision.types import Floats
from training.evaluation.export import (
    ExportSize,
    FileFormat,
    Selection,
    export_pairs,
    export_size,
    stream_pairs,
)
from training.models import Evaluation, InputKind
from training.selectors.faces import owners_of

MOST_STREAMED = 20_000_000
"""Pairs that a download may hold; the command line writes any number."""
_SAMPLE = 2000


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """What the pairs are made of: templates (N, d), people and paths (N,)."""

    templates: Floats
    people: tuple[str, ...]
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ToldSize:
    """How much a file will hold. `exact` says whether the number of pairs is counted."""

    pairs: int
    bytes: int
    exact: bool

    @property
    def streamable(self) -> bool:
        """Whether it may be downloaded."""
        return self.pairs <= MOST_STREAMED


def compared(evaluation: Evaluation) -> Compared:
    """Return the stored templates of an evaluation's images that are still there.

    Raises Unprocessable `templates_missing` where its model has none stored.
    """
    owners = owners_of(evaluation)
    found = templates_of_faces(list(owners), evaluation.model_version)
    if not len(found.faces) or evaluation.input_kind != InputKind.PHOTO:
        raise Unprocessable(
            "templates_missing", "The templates that this evaluation compared are not stored."
        )
    paths = dict(FaceImage.objects.filter(pk__in=found.faces).values_list("pk", "path"))
    return Compared(
        found.embeddings,
        tuple(str(owners[face]) for face in found.faces),
        tuple(paths.get(face) or str(face) for face in found.faces),
    )


def told_size(what: Compared, selection: Selection, file_format: FileFormat) -> ToldSize:
    """Return how large the file will be; of more than 2,000 images, from as many drawn ones."""
    count = len(what.paths)
    if count <= _SAMPLE:
        exact = _size(what, selection, file_format)
        return ToldSize(exact.pairs, exact.bytes, exact=True)
    drawn = np.sort(np.random.default_rng(0).choice(count, _SAMPLE, replace=False))
    part = Compared(
        what.templates[drawn],
        tuple(what.people[row] for row in drawn),
        tuple(what.paths[row] for row in drawn),
    )
    size = _size(part, selection, file_format)
    scale = count * (count - 1) / (_SAMPLE * (_SAMPLE - 1))
    return ToldSize(round(size.pairs * scale), round(size.bytes * scale), exact=False)


def _size(what: Compared, selection: Selection, file_format: FileFormat) -> ExportSize:
    return export_size(what.templates, what.people, what.paths, selection, file_format)


def stream(what: Compared, selection: Selection, file_format: FileFormat) -> Iterator[bytes]:
    """Yield the file part by part.

    Raises Unprocessable `export_too_large` for more pairs than a download may hold.
    """
    size = told_size(what, selection, file_format)
    if not size.streamable:
        raise Unprocessable(
            "export_too_large",
            f"About {size.pairs:,} pairs are too many for a download: choose a kind or a range "
            "of scores, or write the file on the command line.",
        )
    return stream_pairs(what.templates, what.people, what.paths, selection, file_format)


def write_file(path: Path, what: Compared, selection: Selection, file_format: FileFormat) -> int:
    """Write the file and return how many pairs it holds; DomainError `file_unwritable`."""
    try:
        return export_pairs(path, what.templates, what.people, what.paths, selection, file_format)
    except OSError as error:
        raise DomainError("file_unwritable", f"{path}: {error.strerror}") from error
