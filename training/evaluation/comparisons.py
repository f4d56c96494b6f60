"""All-vs-all and gallery-vs-probe comparisons in blocks: histograms and the hardest pairs.

No pair is stored. A score is the inner product of two unit rows, in float64 for mated and float32
for nonmated pairs. Bins are 2**-15 wide with edges at multiples of 2**-15, so no rounding is added:
the counts at every edge are those of the scores.
"""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from queue import SimpleQueue

import numpy as np
from numpy.typing import ArrayLike
from threadpoolctl import threadpool_limits

from training.evaluation.arrays import Floats, Ints, Progress, labels, unit_rows

BINS = 1 << 16
_HALF = BINS // 2
_ROWS = 512
_COLUMNS = 4096
_LEFT_OUT = np.float32(-_HALF - 3)  # what is not to be counted: below any score's bin
_SHIFT = _HALF + 3


def edges() -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Lower edges of all bins, float64 (BINS,): -1 to 1 - 2**-15. The last bin holds 1 as well."""
    return (np.arange(BINS, dtype=np.float64) - _HALF) / _HALF


@dataclass(frozen=True, slots=True, eq=False)
class PairList:
    """Pairs by row number with their scores: int64 (K,), int64 (K,), float32 (K,)."""

    first: Ints
    second: Ints
    scores: Floats

    def __len__(self) -> int:
        return len(self.scores)

    @classmethod
    def empty(cls) -> "PairList":
        return cls(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.float32))

    def plus(self, other: "PairList") -> "PairList":
        return PairList(
            np.concatenate([self.first, other.first]),
            np.concatenate([self.second, other.second]),
            np.concatenate([self.scores, other.scores]),
        )

    def extreme(self, keep: int, *, highest: bool) -> "PairList":
        """The `keep` highest or lowest, in order; ties by row numbers, so that order is fixed."""
        key = -self.scores if highest else self.scores
        order = np.lexsort((self.second, self.first, key))[:keep]
        return PairList(self.first[order], self.second[order], self.scores[order])


@dataclass(frozen=True, slots=True, eq=False)
class Comparisons:
    """What is kept of many comparisons; parts add up with `plus`.

    `mated`, `nonmated`: int64 (BINS,) counts per bin. `hardest_mated` are the mated pairs with the
    lowest scores, `hardest_nonmated` the nonmated pairs with the highest, at most `keep` of each,
    by row numbers of the templates given (of probes and gallery in `compare_sets`).
    """

    mated: Ints
    nonmated: Ints
    hardest_mated: PairList
    hardest_nonmated: PairList
    keep: int

    @classmethod
    def empty(cls, keep: int) -> "Comparisons":
        none = PairList.empty()
        return cls(np.zeros(BINS, np.int64), np.zeros(BINS, np.int64), none, none, keep)

    @property
    def total(self) -> int:
        return int(self.mated.sum() + self.nonmated.sum())

    def plus(self, other: "Comparisons") -> "Comparisons":
        """The two parts together; `keep` becomes the smaller one."""
        keep = min(self.keep, other.keep)
        low = self.hardest_mated.plus(other.hardest_mated).extreme(keep, highest=False)
        high = self.hardest_nonmated.plus(other.hardest_nonmated).extreme(keep, highest=True)
        return Comparisons(
            self.mated + other.mated, self.nonmated + other.nonmated, low, high, keep
        )


@dataclass(slots=True)
class _Side:
    """One side of the comparison: rows sorted by identity, their places before, their labels."""

    rows: Floats
    place: Ints
    label: Ints

    @classmethod
    def of(cls, rows: Floats, label: Ints) -> "_Side":
        order = np.argsort(label, kind="stable")
        return cls(rows[order], order.astype(np.int64), label[order])


def compare_all(
    templates: ArrayLike,
    identities: ArrayLike,
    *,
    keep: int = 1000,
    part: tuple[int, int] = (0, 1),
    threads: int | None = None,
    progress: Progress | None = None,
) -> Comparisons:
    """Every unordered pair of N templates once.

    `templates` float32 (N, D) of unit rows; `identities` (N,) numbers or strings. `part` (k, n)
    does the k-th of n shares of the blocks: the n results add up to the whole, on any machines.
    `threads` is one per core unless given; memory above the templates is one sorted copy and 30 MB
    per thread. Raises `EvaluationError`.
    """
    rows = unit_rows(templates)
    side = _Side.of(rows, labels(identities, len(rows)))
    return _run(side, side, True, keep, part, threads, progress)


def compare_sets(
    probes: ArrayLike,
    probe_identities: ArrayLike,
    gallery: ArrayLike,
    gallery_identities: ArrayLike,
    *,
    keep: int = 1000,
    part: tuple[int, int] = (0, 1),
    threads: int | None = None,
    progress: Progress | None = None,
) -> Comparisons:
    """Every probe (P, D) with every gallery template (G, D); otherwise as `compare_all`."""
    first, second = unit_rows(probes), unit_rows(gallery)
    both = np.concatenate([np.asarray(probe_identities), np.asarray(gallery_identities)])
    label = labels(both, len(first) + len(second))
    left = _Side.of(first, label[: len(first)])
    right = _Side.of(second, label[len(first) :])
    return _run(left, right, False, keep, part, threads, progress)


def _blocks(rows: int, columns: int, symmetric: bool) -> Iterator[tuple[slice, slice]]:
    for row in range(0, rows, _ROWS):
        for column in range(row if symmetric else 0, columns, _COLUMNS):
            yield (
                slice(row, min(row + _ROWS, rows)),
                slice(column, min(column + _COLUMNS, columns)),
            )


def _run(
    left: _Side,
    right: _Side,
    symmetric: bool,
    keep: int,
    part: tuple[int, int],
    threads: int | None,
    progress: Progress | None,
) -> Comparisons:
    share, shares = part
    blocks = [
        block
        for number, block in enumerate(_blocks(len(left.rows), len(right.rows), symmetric))
        if number % shares == share
    ]
    total = sum((r.stop - r.start) * (c.stop - c.start) for r, c in blocks)
    count = min(threads or len(os.sched_getaffinity(0)), max(1, len(blocks)))
    workers = [_Worker(left, right, symmetric, keep) for _ in range(count)]
    idle: SimpleQueue[_Worker] = SimpleQueue()
    for worker in workers:
        idle.put(worker)

    def take(block: tuple[slice, slice]) -> int:
        worker = idle.get()
        try:
            return worker.take(*block)
        finally:
            idle.put(worker)

    done = 0
    # One thread per block beats many threads inside each product: counting runs beside it.
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(count) as pool:
        own = pool.submit(_mated, left, right, symmetric, keep, part)
        tasks = [pool.submit(take, block) for block in blocks]
        try:
            for task in tasks:
                done += task.result()
                if progress is not None:
                    progress(done, total)
            result = own.result()
        finally:
            pool.shutdown(cancel_futures=True)
    for worker in workers:
        result = result.plus(worker.result())
    return result


class _Worker:
    """Blocks of one thread, counted into its own arrays."""

    def __init__(self, left: _Side, right: _Side, symmetric: bool, keep: int) -> None:
        self.left, self.right, self.symmetric, self.keep = left, right, symmetric, keep
        # Used for every block: fresh memory for each would cost as much as counting.
        size = min(_ROWS, len(left.rows)) * min(_COLUMNS, len(right.rows))
        self.scores = np.empty(size, np.float32)
        self.index = np.empty(size, np.int64)
        self.bins = np.zeros(BINS + 6, np.int64)
        self.high = PairList.empty()
        self.high_limit = np.float32(-np.inf)

    def take(self, rows: slice, columns: slice) -> int:
        """Count one block; how many places it has, those outside the triangle included."""
        # Scaling by a power of two is exact: the bin is the floor of the product.
        scaled: Floats = self.left.rows[rows] * np.float32(_HALF)
        other = self.right.rows[columns]
        values = self.scores[: len(scaled) * len(other)].reshape(len(scaled), len(other))
        np.matmul(scaled, other.T, out=values)
        self._blank_mated(values, rows, columns)
        if self.symmetric:
            _blank_lower(values, rows.start, columns.start)
        self._keep_high(values, rows.start, columns.start)
        np.floor(values, out=values)
        values += np.float32(_SHIFT)
        index = self.index[: values.size]
        np.copyto(index, values.ravel(), casting="unsafe")
        self.bins += np.bincount(index, minlength=len(self.bins))
        return values.size

    def _blank_mated(self, values: Floats, rows: slice, columns: slice) -> None:
        """Take the mated pairs out of a block; `_Mated` counts them."""
        label, other = self.left.label[rows], self.right.label[columns]
        start = np.searchsorted(other, label, "left")
        stop = np.searchsorted(other, label, "right")
        for row in np.flatnonzero(stop > start):
            values[row, start[row] : stop[row]] = _LEFT_OUT

    def _keep_high(self, values: Floats, row: int, column: int) -> None:
        if not self.keep:
            return
        limit = self.high_limit
        if not np.isfinite(limit):
            limit = _sensible_limit(values, self.keep)
        rows = np.flatnonzero(values.max(axis=1, initial=_LEFT_OUT) >= limit)
        if not len(rows):
            return
        first, second = np.nonzero(values[rows] >= limit)
        first = rows[first]
        fresh = PairList(
            (first + row).astype(np.int64),
            (second + column).astype(np.int64),
            values[first, second] / np.float32(_HALF),
        )
        self.high = self.high.plus(_named(fresh, self.left, self.right, self.symmetric)).extreme(
            self.keep, highest=True
        )
        if len(self.high) == self.keep:
            self.high_limit = np.float32(self.high.scores[-1] * _HALF)

    def result(self) -> Comparisons:
        """The nonmated pairs of this worker's blocks."""
        counts = self.bins[3 : BINS + 3].copy()
        counts[0] += self.bins[1:3].sum()  # a rounding error below -1
        counts[-1] += self.bins[BINS + 3 :].sum()  # 1, and a rounding error above it
        none = np.zeros(BINS, np.int64)
        return Comparisons(none, counts, PairList.empty(), self.high, self.keep)


def _blank_lower(values: Floats, row: int, column: int) -> None:
    """Take out the diagonal and what is below it: those pairs are counted elsewhere."""
    for index in range(max(0, column - row), len(values)):
        upto = row + index + 1 - column
        if upto > 0:
            values[index, :upto] = _LEFT_OUT


def _sensible_limit(values: Floats, keep: int) -> np.float32:
    """A score that about `keep` values of the first block reach, so that few are sorted."""
    flat = values.ravel()
    if flat.size <= keep:
        return np.float32(_LEFT_OUT + 1)
    reached = np.partition(flat, flat.size - keep)[flat.size - keep]
    return np.float32(max(reached, _LEFT_OUT + 1))


def _named(pairs: PairList, left: _Side, right: _Side, symmetric: bool) -> PairList:
    """Places before sorting; the smaller row number first."""
    first, second = left.place[pairs.first], right.place[pairs.second]
    if symmetric:
        first, second = np.minimum(first, second), np.maximum(first, second)
    return PairList(first, second, pairs.scores)


def _mated(
    left: _Side, right: _Side, symmetric: bool, keep: int, part: tuple[int, int]
) -> Comparisons:
    """The mated pairs, person by person, in float64.

    They are few, and one of them on the wrong side of a threshold would show in FNMR.
    """
    counts = np.zeros(BINS, np.int64)
    low, limit = PairList.empty(), np.inf
    for mine, theirs in islice(_own_blocks(left, right, symmetric), part[0], None, part[1]):
        values = left.rows[mine].astype(np.float64) @ right.rows[theirs].astype(np.float64).T
        wanted = np.ones(values.shape, bool)
        if symmetric:  # a pair once, and nothing with itself
            rows = np.arange(mine.start, mine.stop)
            wanted = np.arange(theirs.start, theirs.stop)[None, :] > rows[:, None]
        first, second = np.nonzero(wanted)
        scores = values[first, second]
        index = np.clip(np.floor(scores * _HALF), -_HALF, _HALF - 1).astype(np.int64) + _HALF
        np.add.at(counts, index, 1)
        near = np.flatnonzero(scores <= limit)
        if keep and len(near):
            fresh = PairList(
                first[near] + mine.start,
                second[near] + theirs.start,
                scores[near].astype(np.float32),
            )
            low = low.plus(_named(fresh, left, right, symmetric)).extreme(keep, highest=False)
            limit = float(low.scores[-1]) + 1e-6 if len(low) == keep else np.inf
    return Comparisons(counts, np.zeros(BINS, np.int64), low, PairList.empty(), keep)


def _own_blocks(left: _Side, right: _Side, symmetric: bool) -> Iterator[tuple[slice, slice]]:
    """Of each person the rows on both sides, many rows in several blocks."""
    people, starts = np.unique(left.label, return_index=True)
    stops = np.append(starts[1:], len(left.label))
    from_, to = (np.searchsorted(right.label, people, side) for side in ("left", "right"))
    for number in np.flatnonzero(to - from_ > int(symmetric)):
        theirs = slice(int(from_[number]), int(to[number]))
        for start in range(int(starts[number]), int(stops[number]), _ROWS):
            yield slice(start, min(start + _ROWS, int(stops[number]))), theirs
