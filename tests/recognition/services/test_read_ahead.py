"""Work that runs ahead."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from recognition.services.read_ahead import read_ahead, work_ahead


def test_order_is_kept_and_one_item_is_made_ahead() -> None:
    made: list[int] = []
    second = threading.Event()

    def numbers() -> Iterator[int]:
        for number in range(5):
            made.append(number)
            if number == 1:
                second.set()
            yield number

    reader = read_ahead(numbers())
    assert next(reader) == 0
    assert second.wait(5), "the next is made while the first is used"
    assert list(reader) == [1, 2, 3, 4]
    assert made == [0, 1, 2, 3, 4]


def test_an_error_arrives_in_its_place() -> None:
    def numbers() -> Iterator[int]:
        yield 0
        raise LookupError("gone")

    reader = read_ahead(numbers())
    assert next(reader) == 0
    with pytest.raises(LookupError, match="gone"):
        next(reader)


def test_nobody_reads_on_after_close() -> None:
    made: list[int] = []

    def numbers() -> Iterator[int]:
        for number in range(100):
            made.append(number)
            yield number

    reader = read_ahead(numbers())
    next(reader)
    reader.close()
    assert len(made) <= 3


def test_work_is_done_before_its_item_and_no_more_than_depth_ahead() -> None:
    begun: list[int] = []
    with ThreadPoolExecutor(max_workers=2) as pool:
        for item in work_ahead(pool, begun.append, range(10), depth=2):
            assert item in begun
            assert max(begun) <= item + 2
    assert sorted(begun) == list(range(10))


def test_work_that_fails_ends_the_reading() -> None:
    def work(number: int) -> None:
        if number == 3:
            raise ValueError("three")

    with ThreadPoolExecutor(max_workers=2) as pool:
        reader = work_ahead(pool, work, range(10), depth=2)
        assert [next(reader) for _ in range(3)] == [0, 1, 2]
        with pytest.raises(ValueError, match="three"):
            next(reader)
