"""Finding the tracks of a video that show the same person."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from recognition.vision.types import Floats

_TOGETHER = 0.25


@dataclass(frozen=True, slots=True, eq=False)
class Linkable:
    """A track as linking sees it: its template, its time, and who it was found to be, or empty."""

    template: Floats
    first: float
    last: float
    name: str = ""


def link(tracks: Sequence[Linkable], *, threshold: float) -> list[int]:
    """Return a group number for every track, from 0 in order of first appearance.

    Tracks of one name are one group. Others join where the cosine of the groups' mean templates
    reaches `threshold`, nearest first; groups of two names never join, nor tracks that are in view
    at the same time.
    """
    groups = _Groups(tracks)
    groups.join_names()
    if tracks:
        rows = np.stack([track.template for track in tracks])
        scores = np.triu(rows @ rows.T, 1)
        first, second = np.nonzero(scores >= threshold)
        order = np.lexsort((second, first, -scores[first, second]))
        for place in order:
            groups.join(int(first[place]), int(second[place]), threshold)
    return groups.numbers()


class _Groups:
    """Sets of tracks that only grow."""

    def __init__(self, tracks: Sequence[Linkable]) -> None:
        self._tracks = tracks
        self._owner = list(range(len(tracks)))
        self._members = {number: [number] for number in self._owner}
        self._sums = {number: tracks[number].template.copy() for number in self._owner}

    def join_names(self) -> None:
        """Join the tracks of every name."""
        seen: dict[str, int] = {}
        for number, track in enumerate(self._tracks):
            if track.name:
                self._merge(self._owner[seen.setdefault(track.name, number)], number)

    def join(self, first: int, second: int, threshold: float) -> None:
        """Join the groups of two tracks if nothing speaks against it."""
        a, b = self._owner[first], self._owner[second]
        if a == b or self._score(a, b) < threshold:
            return
        names = {self._tracks[n].name for n in (*self._members[a], *self._members[b])} - {""}
        if len(names) > 1 or self._together(a, b):
            return
        self._merge(a, b)

    def numbers(self) -> list[int]:
        """Group numbers in order of first appearance."""
        seen: dict[int, int] = {}
        order = sorted(range(len(self._tracks)), key=lambda n: (self._tracks[n].first, n))
        for track in order:
            seen.setdefault(self._owner[track], len(seen))
        return [seen[owner] for owner in self._owner]

    def _score(self, a: int, b: int) -> float:
        first, second = self._sums[a], self._sums[b]
        scale = float(np.linalg.norm(first) * np.linalg.norm(second))
        return float(np.dot(first, second)) / max(scale, 1e-9)

    def _together(self, a: int, b: int) -> bool:
        for one in self._members[a]:
            for other in self._members[b]:
                first, second = self._tracks[one], self._tracks[other]
                if min(first.last, second.last) - max(first.first, second.first) > _TOGETHER:
                    return True
        return False

    def _merge(self, a: int, b: int) -> None:
        a, b = self._owner[a], self._owner[b]
        if a == b:
            return
        for member in self._members.pop(b):
            self._owner[member] = a
            self._members[a].append(member)
        self._sums[a] = self._sums[a] + self._sums.pop(b)
