"""Work that runs ahead of its reader, by a bounded number of steps."""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def read_ahead(items: Iterable[T]) -> Generator[T, None, None]:
    """Yield what `items` gives, one item ahead of the reader, made in a thread.

    What `items` raises is raised here in its place. A database connection must not be used in
    `items`.
    """
    source = iter(items)
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="read-ahead") as pool:
        following = pool.submit(_one, source)
        while found := following.result():
            following = pool.submit(_one, source)
            yield found[0]


def work_ahead(
    pool: ThreadPoolExecutor, work: Callable[[T], object], items: Iterable[T], *, depth: int
) -> Iterator[T]:
    """Yield `items` in order, each after `work` was done with it by the pool.

    While the reader has one, the next `depth` are worked on. `items` is read in the thread of the
    reader.
    """
    waiting: deque[tuple[T, Future[object]]] = deque()
    for item in items:
        waiting.append((item, pool.submit(work, item)))
        if len(waiting) > depth:
            yield _finished(waiting)
    while waiting:
        yield _finished(waiting)


def _one(source: Iterator[T]) -> tuple[T, ...]:
    return next(((item,) for item in source), ())


def _finished(waiting: "deque[tuple[T, Future[object]]]") -> T:
    item, future = waiting.popleft()
    future.result()
    return item
