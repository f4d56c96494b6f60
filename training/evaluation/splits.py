"""Training, validation and test: splits by image or by person, and what leaks between them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from training.evaluation.arrays import EvaluationError, Flags, Ints, labels, unit_rows

NEAR_DUPLICATE_SCORE = 0.95
NEAR_DUPLICATE_BITS = 4


def stratified_split(
    identities: ArrayLike, shares: Mapping[str, float], *, seed: int = 0
) -> dict[str, Ints]:
    """Rows of each part, so that every person has about the same share in each part.

    `identities` (N,); `shares` {name: share}, adding up to 1. Parts are filled person by person by
    largest remainder carried on from person to person, so that the parts' sizes differ from the
    shares by less than one image per part; a person with fewer images than parts is in some only.
    """
    label = labels(identities, np.asarray(identities).shape[0])
    names, wanted = _shares(shares)
    rng = np.random.default_rng(seed)
    part = np.empty(len(label), np.int64)
    owed = np.zeros(len(names))
    for person in rng.permutation(int(label.max(initial=-1)) + 1):
        rows = rng.permutation(np.flatnonzero(label == person))
        owed += wanted * len(rows)
        give = np.maximum(np.floor(owed), 0).astype(np.int64)
        while give.sum() < len(rows):
            give[int(np.argmax(owed - give))] += 1
        while give.sum() > len(rows):
            give[int(np.argmax(np.where(give > 0, give - owed, -np.inf)))] -= 1
        part[rows] = np.repeat(np.arange(len(names)), give)
        owed -= give
    return {name: np.flatnonzero(part == number) for number, name in enumerate(names)}


def identity_disjoint_split(
    identities: ArrayLike, shares: Mapping[str, float], *, seed: int = 0
) -> dict[str, Ints]:
    """Rows of each part, so that no person is in two parts; shares are of people."""
    label = labels(identities, np.asarray(identities).shape[0])
    names, wanted = _shares(shares)
    people = int(label.max(initial=-1)) + 1
    if people < len(names):
        raise EvaluationError("too_few_people", f"{people} people cannot fill {len(names)} parts")
    order = np.random.default_rng(seed).permutation(people)
    cuts = np.round(np.cumsum(wanted)[:-1] * people).astype(np.int64)
    # At least one person in each part, however small its share.
    cuts = np.clip(cuts, np.arange(1, len(names)), people - np.arange(len(names) - 1, 0, -1))
    cuts = np.maximum.accumulate(cuts + 0)
    part = np.empty(people, np.int64)
    for number, chosen in enumerate(np.split(order, cuts)):
        part[chosen] = number
    return {name: np.flatnonzero(part[label] == number) for number, name in enumerate(names)}


def _shares(shares: Mapping[str, float]) -> tuple[list[str], np.ndarray]:
    values = np.array(list(shares.values()), np.float64)
    if not len(values) or values.min() <= 0 or abs(values.sum() - 1) > 1e-6:
        raise EvaluationError("bad_shares", "shares must be above 0 and add up to 1")
    return list(shares), values


@dataclass(frozen=True, slots=True)
class Leaks:
    """What two parts have in common. People are names, the others pairs of rows (first, second).

    `people` is a leak only where the protocol asks for disjoint people.
    """

    people: tuple[str, ...]
    same_bytes: tuple[tuple[int, int], ...]
    near_duplicates: tuple[tuple[int, int], ...]

    @property
    def clean(self) -> bool:
        return not (self.people or self.same_bytes or self.near_duplicates)


def find_leaks(
    first: Sequence[int],
    second: Sequence[int],
    *,
    identities: Sequence[str],
    sha256: Sequence[str] | None = None,
    hashes: ArrayLike | None = None,
    templates: ArrayLike | None = None,
) -> Leaks:
    """What two parts of N images share; `first` and `second` are their rows.

    `identities` (N,) names, compared without case and surrounding space; `sha256` (N,) of the
    bytes; near-duplicates by `hashes` (N,), `difference_hash`es at most 4 bits apart, and by
    `templates` (N, D) with a score of at least 0.95.
    """
    one, two = np.asarray(first, np.int64), np.asarray(second, np.int64)
    left = {_plain(identities[row]): identities[row] for row in one.tolist()}
    right = {_plain(identities[row]) for row in two.tolist()}
    same: set[tuple[int, int]] = set()
    if sha256 is not None:
        places: dict[str, list[int]] = {}
        for row in one.tolist():
            places.setdefault(sha256[row], []).append(row)
        same = {(at, row) for row in two.tolist() for at in places.get(sha256[row], ())}
    near: set[tuple[int, int]] = set()
    if hashes is not None:
        near |= _near_hashes(np.asarray(hashes, np.uint64), one, two)
    if templates is not None:
        near |= _near_templates(unit_rows(templates), one, two)
    return Leaks(
        tuple(sorted(left[name] for name in left.keys() & right)),
        tuple(sorted(same)),
        tuple(sorted(near - same)),
    )


def difference_hash(gray: ArrayLike) -> int:
    """64 bits of a picture, uint8 (8, 9) luma: which of two neighbours in a row is brighter.

    Scaled, re-encoded or slightly brightened copies differ in few bits (Krawetz's dHash).
    """
    values = np.asarray(gray, np.int64)
    if values.shape != (8, 9):
        raise EvaluationError("bad_picture", "a luma picture of 8 rows and 9 columns is needed")
    bits = (values[:, 1:] > values[:, :-1]).ravel()
    return int(sum(1 << place for place in np.flatnonzero(bits).tolist()))


def _plain(name: str) -> str:
    return " ".join(name.replace("_", " ").split()).casefold()


def _near_hashes(hashes: np.ndarray, one: Ints, two: Ints) -> set[tuple[int, int]]:
    found: set[tuple[int, int]] = set()
    for row in one.tolist():
        apart = np.bitwise_count(hashes[two] ^ hashes[row])
        found |= {(row, int(other)) for other in two[apart <= NEAR_DUPLICATE_BITS]}
    return found


def _near_templates(rows: np.ndarray, one: Ints, two: Ints) -> set[tuple[int, int]]:
    found: set[tuple[int, int]] = set()
    for start in range(0, len(one), 512):
        part = one[start : start + 512]
        near: Flags = rows[part] @ rows[two].T >= NEAR_DUPLICATE_SCORE
        a, b = np.nonzero(near)
        found |= {(int(part[i]), int(two[j])) for i, j in zip(a, b, strict=True)}
    return found
