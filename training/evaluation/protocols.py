"""Which comparisons and searches an evaluation makes: objects with a seed and a manifest.

A manifest says how the protocol was made and carries a sha256 over its items, so that two
evaluations can be known to have used the same ones.
"""

import csv
import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from training.evaluation.arrays import EvaluationError, Flags, Ints, labels


@dataclass(frozen=True, slots=True, eq=False)
class PairProtocol:
    """P comparisons of named images.

    `first`, `second`: names of images; `mated` bool (P,); `fold` int64 (P,), -1 where there are no
    folds; `first_identity`, `second_identity`: names of people ("" where a file does not tell).
    """

    name: str
    first: tuple[str, ...]
    second: tuple[str, ...]
    mated: Flags
    fold: Ints
    first_identity: tuple[str, ...]
    second_identity: tuple[str, ...]
    seed: int | None = None

    def __len__(self) -> int:
        return len(self.first)

    @property
    def folds(self) -> Ints | None:
        """Fold numbers (P,), or None where there are no folds."""
        return self.fold if len(self) and bool((self.fold >= 0).all()) else None

    @property
    def images(self) -> tuple[str, ...]:
        """Names of all images, sorted, each once."""
        return tuple(sorted(set(self.first) | set(self.second)))

    def manifest(self) -> dict[str, Any]:
        """Name, seed, numbers of pairs, images and folds, and a sha256 of the CSV."""
        return {
            "name": self.name,
            "seed": self.seed,
            "pairs": len(self),
            "mated": int(self.mated.sum()),
            "images": len(self.images),
            "folds": len(np.unique(self.fold)) if self.folds is not None else 0,
            "sha256": _digest(self.to_csv()),
        }

    def to_csv(self) -> str:
        """CSV with the columns path1, path2, mated, identity1, identity2, fold."""
        stream = io.StringIO()
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(("path1", "path2", "mated", "identity1", "identity2", "fold"))
        writer.writerows(
            zip(
                self.first,
                self.second,
                self.mated.astype(int).tolist(),
                self.first_identity,
                self.second_identity,
                self.fold.tolist(),
                strict=True,
            )
        )
        return stream.getvalue()


def lfw_view2(text: str) -> PairProtocol:
    """LFW View 2 from the text of pairs.txt: images as NAME/NAME_0001.jpg, ten folds.

    The first line gives folds and pairs of each kind in a fold. Raises `EvaluationError`
    `bad_pairs` with the line's number.
    """
    head, *lines = text.strip().splitlines() or [""]
    try:
        folds, half = (int(value) for value in head.split())
        rows = [_lfw_pair(number, line) for number, line in enumerate(lines, 2)]
    except ValueError as error:
        if isinstance(error, EvaluationError):
            raise
        raise EvaluationError("bad_pairs", "line 1: folds and pairs per fold expected") from error
    if len(rows) != folds * half * 2:
        message = f"{len(rows)} pairs, but the first line promises {folds * half * 2}"
        raise EvaluationError("bad_pairs", message)
    first, second = tuple(row[0] for row in rows), tuple(row[1] for row in rows)
    people = [(a.split("/")[0], b.split("/")[0]) for a, b in zip(first, second, strict=True)]
    return PairProtocol(
        "LFW View 2",
        first,
        second,
        np.array([row[2] for row in rows], bool),
        np.arange(len(rows), dtype=np.int64) // (2 * half),
        tuple(one for one, _ in people),
        tuple(two for _, two in people),
    )


def _lfw_pair(number: int, line: str) -> tuple[str, str, bool]:
    parts = line.split("\t")
    try:
        if len(parts) == 3:
            return _lfw_name(parts[0], parts[1]), _lfw_name(parts[0], parts[2]), True
        if len(parts) == 4:
            return _lfw_name(parts[0], parts[1]), _lfw_name(parts[2], parts[3]), False
    except ValueError as error:
        raise EvaluationError("bad_pairs", f"line {number}: an image number expected") from error
    raise EvaluationError("bad_pairs", f"line {number}: 3 or 4 fields expected")


def _lfw_name(person: str, number: str) -> str:
    return f"{person}/{person}_{int(number):04d}.jpg"


_TRUE, _FALSE = {"1", "true", "yes", "mated", "same"}, {"0", "false", "no", "nonmated", "different"}


def read_pairs_csv(text: str, *, name: str = "pairs") -> PairProtocol:
    """Pairs from a CSV with a header: path1, path2, mated; also identity1, identity2, fold.

    `mated` is 1/0, true/false, yes/no, mated/nonmated or same/different. Where identities are not
    given they are "". Raises `EvaluationError` `bad_pairs` with the line's number.
    """
    reader = csv.DictReader(io.StringIO(text))
    missing = {"path1", "path2", "mated"} - set(reader.fieldnames or ())
    if missing:
        raise EvaluationError("bad_pairs", f"the header lacks {', '.join(sorted(missing))}")
    rows = []
    for row in reader:
        at = f"line {reader.line_num}"
        flag = (row["mated"] or "").strip().lower()
        if flag not in _TRUE | _FALSE:
            raise EvaluationError("bad_pairs", f"{at}: mated is {flag!r}")
        if not row["path1"] or not row["path2"]:
            raise EvaluationError("bad_pairs", f"{at}: a path is empty")
        fold = (row.get("fold") or "-1").strip()
        if not fold.lstrip("-").isdecimal():
            raise EvaluationError("bad_pairs", f"{at}: fold is {fold!r}")
        identities = row.get("identity1") or "", row.get("identity2") or ""
        rows.append((row["path1"], row["path2"], flag in _TRUE, int(fold), *identities))
    if not rows:
        raise EvaluationError("bad_pairs", "there are no pairs")
    return PairProtocol(
        name,
        tuple(row[0] for row in rows),
        tuple(row[1] for row in rows),
        np.array([row[2] for row in rows], bool),
        np.array([row[3] for row in rows], np.int64),
        tuple(row[4] for row in rows),
        tuple(row[5] for row in rows),
    )


def generate_pairs(
    images: Sequence[str], identities: Sequence[str], pairs: int, *, seed: int = 0
) -> PairProtocol:
    """Balanced pairs: half of them mated, half nonmated, none twice, at most `pairs`.

    A mated pair draws a person, then two images; a nonmated pair two people, then an image of each:
    so people with many images do not rule. Where there are too few mated pairs all are taken and as
    many nonmated ones. Raises `EvaluationError` `one_identity`, `no_mated`.
    """
    if len(images) != len(identities):
        raise EvaluationError("bad_labels", "one identity per image is needed")
    own: dict[str, list[str]] = {}
    for image, person in zip(images, identities, strict=True):
        own.setdefault(person, []).append(image)
    people = sorted(own)
    able = [person for person in people if len(own[person]) > 1]
    if len(people) < 2:
        raise EvaluationError("one_identity", "pairs need at least two people")
    if not able:
        raise EvaluationError("no_mated", "nobody has two images")
    rng = np.random.default_rng(seed)
    possible = sum(len(own[person]) * (len(own[person]) - 1) // 2 for person in able)
    most = min(pairs // 2, possible)
    mated = _mated(own, able, most, possible, rng)
    wanted = min(most, _nonmated_possible(own))
    nonmated = _nonmated(own, people, wanted, rng)
    both = [*mated, *nonmated]
    return PairProtocol(
        "balanced pairs",
        tuple(a for a, _, _, _ in both),
        tuple(b for _, b, _, _ in both),
        np.arange(len(both)) < len(mated),
        np.full(len(both), -1, np.int64),
        tuple(p for _, _, p, _ in both),
        tuple(q for _, _, _, q in both),
        seed,
    )


_Named = tuple[str, str, str, str]


def _mated(
    own: dict[str, list[str]],
    able: list[str],
    wanted: int,
    possible: int,
    rng: np.random.Generator,
) -> list[_Named]:
    if wanted * 2 > possible:  # drawing would mostly hit what is taken: choose from the full list
        every = [
            (own[person][i], own[person][j], person, person)
            for person in able
            for i in range(len(own[person]))
            for j in range(i + 1, len(own[person]))
        ]
        chosen = rng.choice(len(every), wanted, replace=False)
        return [every[int(place)] for place in sorted(chosen)]
    found: dict[tuple[str, str], _Named] = {}
    left = {person: len(own[person]) * (len(own[person]) - 1) // 2 for person in able}
    drawable = list(able)
    while len(found) < wanted:
        at = int(rng.integers(len(drawable)))
        person = drawable[at]
        one, two = sorted(rng.choice(len(own[person]), 2, replace=False).tolist())
        key = own[person][one], own[person][two]
        if key in found:
            continue
        found[key] = (*key, person, person)
        left[person] -= 1
        if not left[person]:
            drawable[at] = drawable[-1]
            drawable.pop()
    return list(found.values())


def _nonmated_possible(own: dict[str, list[str]]) -> int:
    counts = [len(images) for images in own.values()]
    return (sum(counts) ** 2 - sum(count * count for count in counts)) // 2


def _nonmated(
    own: dict[str, list[str]], people: list[str], wanted: int, rng: np.random.Generator
) -> list[_Named]:
    if wanted * 2 > _nonmated_possible(own):
        every = [
            (a, b, people[i], people[j])
            for i in range(len(people))
            for j in range(i + 1, len(people))
            for a in own[people[i]]
            for b in own[people[j]]
        ]
        chosen = rng.choice(len(every), wanted, replace=False)
        return [every[int(place)] for place in sorted(chosen)]
    found: dict[tuple[str, str], _Named] = {}
    # People with few images run out of pairs: after many misses images are drawn instead.
    images = [(image, person) for person in people for image in own[person]]
    tries = 0
    while len(found) < wanted:
        tries += 1
        if tries < 4 * wanted:
            i, j = sorted(rng.choice(len(people), 2, replace=False).tolist())
            p, q = people[i], people[j]
            a = own[p][int(rng.integers(len(own[p])))]
            b = own[q][int(rng.integers(len(own[q])))]
        else:
            (a, p), (b, q) = (images[int(k)] for k in sorted(rng.choice(len(images), 2, False)))
            if p == q:
                continue
        found.setdefault((a, b), (a, b, p, q))
    return list(found.values())


@dataclass(frozen=True, slots=True, eq=False)
class SearchProtocol:
    """Rows of the images that are enrolled, of mated probes and of strangers: int64 each."""

    name: str
    gallery: Ints
    probes: Ints
    strangers: Ints
    seed: int

    def manifest(self) -> dict[str, Any]:
        """Name, seed, numbers and a sha256 of the rows."""
        rows = [part.tolist() for part in (self.gallery, self.probes, self.strangers)]
        return {
            "name": self.name,
            "seed": self.seed,
            "gallery": len(self.gallery),
            "mated_probes": len(self.probes),
            "strangers": len(self.strangers),
            "sha256": _digest(repr(rows)),
        }


def split_search(
    identities: ArrayLike,
    *,
    enrolled: float = 0.5,
    probes_per_person: int = 1,
    strangers_per_person: int = 1,
    seed: int = 0,
) -> SearchProtocol:
    """Gallery, mated probes and strangers by people, from the identities (N,) of N images.

    The share `enrolled` of people is enrolled with all images but up to `probes_per_person`, which
    become mated probes (at least one stays enrolled); of everybody else up to
    `strangers_per_person` images are searched. Raises `EvaluationError` `too_few_people`.
    """
    label = labels(identities, np.asarray(identities).shape[0])
    rng = np.random.default_rng(seed)
    people = int(label.max(initial=-1)) + 1
    known = round(people * enrolled)
    if not 0 < known < people:
        raise EvaluationError("too_few_people", f"{people} people cannot be split so")
    order = rng.permutation(people)
    inside = np.zeros(people, bool)
    inside[order[:known]] = True
    shuffled = rng.permutation(len(label))
    place = _place_within(label[shuffled])
    counts = np.bincount(label, minlength=people)
    mine = label[shuffled]
    taken = np.where(inside, np.minimum(probes_per_person, counts - 1), strangers_per_person)
    early = place < taken[mine]
    return SearchProtocol(
        "gallery, probes and strangers",
        np.sort(shuffled[inside[mine] & ~early]),
        np.sort(shuffled[inside[mine] & early]),
        np.sort(shuffled[~inside[mine] & early]),
        seed,
    )


def _place_within(label: Ints) -> Ints:
    """The how-manieth of its label each element is, from 0."""
    order = np.argsort(label, kind="stable")
    start = np.searchsorted(label[order], label[order], "left")
    place = np.empty(len(label), np.int64)
    place[order] = np.arange(len(label)) - start
    return place


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
