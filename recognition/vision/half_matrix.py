"""All templates of a gallery in this process's memory, in half precision, searched exactly.

The database stores templates in half precision, so nothing is lost: scores and order are those of
an exact search there. faiss does the arithmetic; one search uses one processor.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recognition.vision.types import Floats

Keys = NDArray[np.int64]
Owners = NDArray[np.void]
_PIECE = 65_536


class HalfMatrix:
    """Rows with a key and an owner of 16 bytes. Safe to share: many may search, one may change."""

    def __init__(self, dimension: int) -> None:
        import faiss

        self.dimension = dimension
        kind = faiss.ScalarQuantizer.QT_fp16
        self._index = faiss.IndexScalarQuantizer(dimension, kind, faiss.METRIC_INNER_PRODUCT)
        self._index.train(np.zeros((1, dimension), np.float32))
        faiss.omp_set_num_threads(1)
        self._keys: Keys = np.empty(0, np.int64)
        self._owners: Owners = np.empty(0, "V16")
        self._gate = _Gate()

    def __len__(self) -> int:
        return len(self._keys)

    @staticmethod
    def bytes_for(rows: int, dimension: int) -> int:
        """Memory that so many rows take, in bytes."""
        return rows * (2 * dimension + 8 + 16)

    def put(self, keys: Keys, owners: Owners, vectors: NDArray[np.float16]) -> None:
        """Add rows, or replace those whose keys are known. `vectors` are float16 (n, d)."""
        with self._gate.changing():
            self._remove(keys)
            for start in range(0, len(keys), _PIECE):
                piece = vectors[start : start + _PIECE].astype(np.float32)
                self._index.add(np.ascontiguousarray(piece))
            self._keys = np.concatenate([self._keys, keys])
            self._owners = np.concatenate([self._owners, owners])

    def remove(self, keys: Keys) -> None:
        """Remove rows; unknown keys are no error."""
        with self._gate.changing():
            self._remove(keys)

    def search(self, probe: Floats, limit: int) -> tuple[Keys, Owners, Floats]:
        """Keys, owners and scores of the `limit` best rows, best first. `probe` is float32 (d,).

        The probe is rounded to half precision, as the database does with it.
        """
        with self._gate.reading():
            limit = min(limit, len(self._keys))
            if not limit:
                return self._keys[:0], self._owners[:0], np.empty(0, np.float32)
            row = np.asarray(probe, np.float16).astype(np.float32)[None]
            scores, places = self._index.search(row, limit)
            return self._keys[places[0]], self._owners[places[0]], scores[0]

    def _remove(self, keys: Keys) -> None:
        gone = np.isin(self._keys, keys)
        if gone.any():
            chosen: Any = np.flatnonzero(gone).astype(np.int64)
            self._index.remove_ids(chosen)  # keeps the order
            self._keys, self._owners = self._keys[~gone], self._owners[~gone]


class _Gate:
    """Lets many read or one change. Who wants to change goes before later readers."""

    def __init__(self) -> None:
        self._state = threading.Condition()
        self._readers = 0
        self._waiting = 0
        self._busy = False

    @contextmanager
    def reading(self) -> Iterator[None]:
        with self._state:
            self._state.wait_for(lambda: not self._busy and not self._waiting)
            self._readers += 1
        try:
            yield
        finally:
            with self._state:
                self._readers -= 1
                self._state.notify_all()

    @contextmanager
    def changing(self) -> Iterator[None]:
        with self._state:
            self._waiting += 1
            try:
                self._state.wait_for(lambda: not self._busy and not self._readers)
            finally:
                self._waiting -= 1
            self._busy = True
        try:
            yield
        finally:
            with self._state:
                self._busy = False
                self._state.notify_all()
