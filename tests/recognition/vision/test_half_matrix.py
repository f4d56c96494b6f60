"""The in-memory matrix: exact, changeable, safe between threads."""

import threading

import numpy as np
import pytest

from recognition.vision.embedding import unit
from recognition.vision.half_matrix import HalfMatrix
from recognition.vision.types import Floats

DIMENSION = 32


def rows(count: int, seed: int) -> np.ndarray:
    vectors = unit(np.random.default_rng(seed).normal(size=(count, DIMENSION)).astype(np.float32))
    return vectors.astype(np.float16)


def owners(keys: np.ndarray) -> np.ndarray:
    return np.frombuffer(b"".join(int(key).to_bytes(16, "big") for key in keys), "V16")


def filled(count: int) -> tuple[HalfMatrix, np.ndarray]:
    matrix, vectors = HalfMatrix(DIMENSION), rows(count, 1)
    keys = np.arange(count, dtype=np.int64) * 3
    matrix.put(keys, owners(keys), vectors)
    return matrix, vectors


def probe(seed: int = 5) -> Floats:
    return rows(1, seed)[0].astype(np.float32)


def test_search_is_exact_and_names_owners() -> None:
    matrix, vectors = filled(500)
    keys, found, scores = matrix.search(probe(), 7)
    expected = vectors.astype(np.float32) @ probe()
    order = np.argsort(-expected)[:7]
    assert keys.tolist() == (order * 3).tolist()
    np.testing.assert_allclose(scores, expected[order], atol=1e-6)
    assert int.from_bytes(bytes(found[0]), "big") == keys[0]


def test_rows_are_replaced_and_removed() -> None:
    matrix, _ = filled(100)
    new = rows(1, 9)
    matrix.put(np.array([30]), owners(np.array([30])), new)
    assert len(matrix) == 100
    keys, _, scores = matrix.search(new[0].astype(np.float32), 1)
    assert keys[0] == 30 and scores[0] == pytest.approx(1.0, abs=1e-2)
    matrix.remove(np.array([30, 31]))
    assert len(matrix) == 99
    keys, found, _ = matrix.search(new[0].astype(np.float32), 99)
    assert 30 not in keys
    assert [int.from_bytes(bytes(owner), "big") for owner in found] == keys.tolist()


def test_an_empty_matrix_and_too_many_asked_for() -> None:
    assert len(HalfMatrix(DIMENSION).search(probe(), 5)[0]) == 0
    matrix, _ = filled(3)
    assert len(matrix.search(probe(), 50)[0]) == 3


def test_searches_while_rows_come_and_go() -> None:
    matrix, _ = filled(2000)
    errors: list[str] = []

    def search() -> None:
        for _ in range(100):
            keys, found, scores = matrix.search(probe(), 20)
            if (
                any(
                    int.from_bytes(bytes(owner), "big") != key
                    for owner, key in zip(found, keys, strict=True)
                )
                or (np.diff(scores) > 0).any()
            ):
                errors.append("a row and its owner do not belong together")

    threads = [threading.Thread(target=search) for _ in range(3)]
    for thread in threads:
        thread.start()
    for turn in range(30):
        key = np.array([turn * 3], np.int64)
        matrix.remove(key)
        matrix.put(key, owners(key), rows(1, 100 + turn))
    for thread in threads:
        thread.join()
    assert not errors
    assert len(matrix) == 2000
