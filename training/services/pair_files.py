"""Reading a CSV of pairs: two images by path or id, and whether they show one person."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from faceplatform.core.errors import DomainError, FieldError, Unprocessable
from training.models import Evaluation
from training.selectors.faces import faces_of

MAX_BYTES = 20 * 1024 * 1024
MAX_PAIRS = 200_000
_SHOWN = 20
_TRUE = {"1", "true", "yes", "mated", "same"}
_HEADS = {"first", "second", "image", "image1", "image2", "path1", "path2", "a", "b"}
_FALSE = {"0", "false", "no", "nonmated", "different"}


@dataclass(frozen=True, slots=True)
class PairLine:
    """One line of a file: its number from 1, the two images as written, and `mated`."""

    number: int
    first: str
    second: str
    mated: bool


def read_pairs(data: bytes, evaluation: Evaluation) -> list[tuple[str, str, bool]]:
    """Return the pairs as ids of faces; every image must be one of the evaluation's source.

    Raises DomainError `pairs_unreadable` with the first wrong lines, Unprocessable
    `pairs_unknown` with the first images that are not there, `pairs_one_sided` without both
    mated and nonmated pairs.
    """
    lines = parse_pairs(data)
    wanted = {name for line in lines for name in (line.first, line.second)}
    known: dict[str, str] = {}
    for pk, path in faces_of(evaluation).values_list("pk", "path"):
        for name in (str(pk), path):
            if name in wanted:
                known[name] = str(pk)
    missing = [
        FieldError(f"line {line.number}", "image_unknown", name)
        for line in lines
        for name in (line.first, line.second)
        if name not in known
    ]
    if missing:
        raise Unprocessable(
            "pairs_unknown",
            f"{len(missing):,} images of the file are not enrolled in what is measured.",
            tuple(missing[:_SHOWN]),
        )
    if len({line.mated for line in lines}) < 2:
        raise Unprocessable("pairs_one_sided", "The file needs mated and nonmated pairs.")
    return [(known[line.first], known[line.second], line.mated) for line in lines]


def parse_pairs(data: bytes) -> list[PairLine]:
    """Return the lines of a CSV with the columns first, second, mated.

    A head may name them. Raises DomainError `pairs_unreadable` or `file_too_large`.
    """
    if len(data) > MAX_BYTES:
        raise DomainError("file_too_large", "A file of pairs has at most 20 MB.", status=413)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DomainError("pairs_unreadable", "The file is not UTF-8 text.") from error
    wrong: list[FieldError] = []
    found = list(_lines(text, wrong))
    if wrong:
        raise DomainError(
            "pairs_unreadable",
            f"{len(wrong):,} lines are not: image, image, mated or nonmated.",
            errors=tuple(wrong[:_SHOWN]),
        )
    if not found:
        raise DomainError("pairs_unreadable", "The file has no pairs.")
    if len(found) > MAX_PAIRS:
        raise DomainError("pairs_unreadable", f"A file has at most {MAX_PAIRS:,} pairs.")
    return found


def _lines(text: str, wrong: list[FieldError]) -> Iterator[PairLine]:
    try:
        for number, cells in enumerate(csv.reader(io.StringIO(text), strict=True), start=1):
            if number == 1 and _is_head(cells):
                continue
            line = _line(number, cells)
            if line is not None:
                yield line
            elif any(cells):
                wrong.append(FieldError(f"line {number}", "pair_unreadable", ",".join(cells)[:80]))
    except csv.Error as error:
        wrong.append(FieldError("file", "pair_unreadable", str(error)))


def _is_head(cells: Sequence[str]) -> bool:
    """Whether a first line names the columns: its last word is one that pairs use as well."""
    names = [cell.strip().lower() for cell in cells]
    return names[-1:] == ["mated"] and set(names[:-1]) <= _HEADS


def _line(number: int, cells: Sequence[str]) -> PairLine | None:
    if len(cells) != 3:
        return None
    first, second, word = (cell.strip() for cell in cells)
    word = word.lower()
    if not first or not second or word not in _TRUE | _FALSE:
        return None
    return PairLine(number, first, second, word in _TRUE)
