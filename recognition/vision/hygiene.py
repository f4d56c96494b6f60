"""Whether an image fits the person it is filed under: the rules behind quarantine and hygiene.

Numpy only; the service that enrolls and the benchmark that measures the rules call the same code.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from recognition.vision.types import Floats

Rows = NDArray[np.int64]
Flags = NDArray[np.bool_]
Verdict = Literal["", "unlike_own", "like_another", "possible_duplicate", "near_duplicate"]

QUARANTINING: frozenset[Verdict] = frozenset({"unlike_own", "like_another"})
"""Verdicts that hold an image back; the others only remark on it."""
NEAR_DUPLICATE = 0.97
"""From here on two images are nearly always the same photo, saved, cut or coloured again."""
STRANGERS_PASS = 0.01
"""Share of strangers' images that the low-match score of a person lets through."""
NOTHING = -2.0  # below every cosine
COLUMNS = 8192


def judge(own: float | None, other: float | None, *, low_match: float, threshold: float) -> Verdict:
    """What the scores of a new image say about the person it is meant for.

    `own` is its best score against that person's images, None where there is none yet; `other`
    the best against anybody else's. All are cosines, -1..1. `low_match` is the score that about
    one stranger in a hundred reaches against this person's images, `threshold` the gallery's.

    An image is held back when somebody else reaches the threshold and more than the person
    (`like_another`), or when the person does not even reach the low-match score (`unlike_own`).
    """
    stranger = other is not None and other >= threshold
    if own is None:
        return "possible_duplicate" if stranger else ""
    if stranger and other is not None and other > own:
        return "like_another"
    if own < min(low_match, threshold):
        return "unlike_own"
    return "near_duplicate" if own >= NEAR_DUPLICATE else ""


@dataclass(frozen=True, slots=True)
class Suspect:
    """An image that probably is not of the person it is filed under.

    `row` is its row; `own` its best score against the person's other images, whatever their state;
    `other` the best against anybody else's and `other_row` that image (-1 where there is none).
    `kind` is `mislabelled` (somebody else reaches the threshold, and more than the person),
    `swapped` (the same, and an image of that somebody belongs here) or `outlier` (like nobody of
    the person's). `severity` orders them: by how far the scores lie on the wrong side.
    """

    row: int
    kind: Literal["mislabelled", "swapped", "outlier"]
    own: float
    other: float
    other_row: int
    severity: float


@dataclass(frozen=True, slots=True)
class Pair:
    """Two images, by their rows, and their score."""

    first: int
    second: int
    score: float


@dataclass(frozen=True, slots=True)
class Report:
    """What looks wrong in a gallery; every list begins with the worst.

    `suspects` are single images, `look_alikes` the best pair of images of two people who reach
    the threshold, `duplicates` pairs that are nearly the same image.
    """

    suspects: tuple[Suspect, ...]
    look_alikes: tuple[Pair, ...]
    duplicates: tuple[Pair, ...]


@dataclass(slots=True)
class _Best:
    """Best score of every row so far and the row it is with; -2 and -1 where there is none."""

    score: Floats
    row: Rows

    @classmethod
    def empty(cls, count: int) -> "_Best":
        return cls(np.full(count, NOTHING, np.float32), np.full(count, -1, np.int64))

    def take(self, start: int, scores: Floats, offset: int) -> None:
        """Take over what a block of scores (rows from `start`, columns from `offset`) betters."""
        column = scores.argmax(axis=1)
        value = scores[np.arange(len(scores)), column]
        part = slice(start, start + len(scores))
        better = value > self.score[part]
        self.score[part][better] = value[better]
        self.row[part][better] = column[better] + offset


def inspect(
    embeddings: Floats | NDArray[np.float16],
    people: Rows,
    held: Flags,
    *,
    threshold: float,
    low_match: Callable[[int], float],
    block: int = 1024,
    on_progress: Callable[[int, int], None] | None = None,
) -> Report:
    """Look through a whole gallery for images that are filed wrongly.

    `embeddings` is (N, d), float32 or float16, unit rows; `people` int64 (N,), one number per
    identity; `held` bool (N,), true for images in quarantine: they speak for the person they are
    filed under but are no suspects, since somebody looks at them anyway. `low_match(k)` is the
    low-match score of a person with k images. Memory stays at a few blocks of `block` x 8,192
    floats; `on_progress` gets rows done and rows in all.
    """
    count = len(people)
    own, other = _Best.empty(count), _Best.empty(count)
    alike: dict[tuple[int, int], Pair] = {}
    duplicates: list[Pair] = []
    for start in range(0, count, block):
        rows = slice(start, min(start + block, count))
        probes = embeddings[rows].astype(np.float32)
        for offset in range(0, count, COLUMNS):
            columns = slice(offset, min(offset + COLUMNS, count))
            scores = probes @ embeddings[columns].astype(np.float32).T
            _without_itself(scores, start, offset)
            same = people[rows][:, None] == people[columns][None, :]
            own.take(start, np.where(same, scores, NOTHING).astype(np.float32), offset)
            known = ~same & ~held[columns][None, :]
            other.take(start, np.where(known, scores, NOTHING).astype(np.float32), offset)
            _collect_pairs(alike, scores, same, people, held, start, offset, threshold)
            duplicates += _near(scores, start, offset)
        if on_progress is not None:
            on_progress(rows.stop, count)
    suspects = _suspects(own, other, people, held, threshold, low_match)
    return Report(
        suspects=tuple(sorted(suspects, key=lambda suspect: -suspect.severity)),
        look_alikes=tuple(sorted(alike.values(), key=lambda pair: -pair.score)),
        duplicates=tuple(sorted(duplicates, key=lambda pair: -pair.score)),
    )


def _suspects(
    own: _Best,
    other: _Best,
    people: Rows,
    held: Flags,
    threshold: float,
    low_match: Callable[[int], float],
) -> list[Suspect]:
    """Apply the rules of `judge` to every enrolled row that has company."""
    images = np.bincount(people, minlength=1)
    found = []
    pointing: set[tuple[int, int]] = set()
    for row in np.flatnonzero(~held & (own.score > NOTHING)):
        mine, theirs, stranger = float(own.score[row]), float(other.score[row]), int(other.row[row])
        low = min(low_match(int(images[people[row]]) - 1), threshold)
        verdict = judge(mine, theirs, low_match=low, threshold=threshold)
        # An image that reaches the threshold with both people is a matter of look-alikes.
        if verdict not in QUARANTINING or mine >= threshold:
            continue
        # How far the wrong way: behind somebody else, or below the low-match score.
        ahead = theirs - mine if verdict == "like_another" else 0.0
        severity = max(ahead, low - mine)
        kind: Literal["mislabelled", "outlier"] = (
            "mislabelled" if verdict == "like_another" else "outlier"
        )
        if kind == "mislabelled" and mine < low:
            pointing.add((int(people[row]), int(people[stranger])))
        found.append(Suspect(int(row), kind, mine, theirs, stranger, severity))
    return [
        replace(suspect, kind="swapped")
        if (int(people[suspect.row]), int(people[suspect.other_row])) in pointing
        and suspect.kind == "mislabelled"
        and (int(people[suspect.other_row]), int(people[suspect.row])) in pointing
        else suspect
        for suspect in found
    ]


def _collect_pairs(
    alike: dict[tuple[int, int], Pair],
    scores: Floats,
    same: Flags,
    people: Rows,
    held: Flags,
    start: int,
    offset: int,
    threshold: float,
) -> None:
    """Keep the best pair of enrolled images of every two people who reach the threshold."""
    for i, j in zip(*np.nonzero(~same & (scores >= threshold)), strict=True):
        first, second = start + int(i), offset + int(j)
        if first > second or held[first] or held[second]:
            continue
        one, two = sorted((int(people[first]), int(people[second])))
        score = float(scores[i, j])
        known = alike.get((one, two))
        if known is None or score > known.score:
            alike[one, two] = Pair(first, second, score)


def _near(scores: Floats, start: int, offset: int) -> list[Pair]:
    return [
        Pair(start + int(i), offset + int(j), float(scores[i, j]))
        for i, j in zip(*np.nonzero(scores >= NEAR_DUPLICATE), strict=True)
        if start + i < offset + j
    ]


def _without_itself(scores: Floats, start: int, offset: int) -> None:
    """Take the scores of images with themselves out of a block."""
    rows = np.arange(len(scores)) + start - offset
    inside = (rows >= 0) & (rows < scores.shape[1])
    scores[np.flatnonzero(inside), rows[inside]] = NOTHING
