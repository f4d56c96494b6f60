"""Locks between processes. The kernel drops them when their holder dies."""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType


class FileLock:
    """An advisory lock on a file that is never removed.

    Removing it would let two processes lock two files of the same name.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._handle: int | None = None

    def try_exclusive(self) -> bool:
        """Take the lock for one holder; also turns a shared lock into an exclusive one."""
        return self._lock(fcntl.LOCK_EX | fcntl.LOCK_NB)

    def shared(self) -> None:
        """Wait for a lock that several holders may have."""
        self._lock(fcntl.LOCK_SH)

    def release(self) -> None:
        """Drop the lock; nothing happens when it is not held."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def _lock(self, operation: int) -> bool:
        if self._handle is None:
            self._handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._handle, operation)
        except BlockingIOError:
            self.release()
            return False
        return True

    def __enter__(self) -> "FileLock":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()


def no_tick() -> None:
    """Do nothing while waiting."""


@contextmanager
def alone(path: Path, tick: Callable[[], None] = no_tick) -> Iterator[None]:
    """Run the block while no other process runs a block under the same file.

    `tick` is called every few hundredths of a second while somebody else is inside.
    """
    with FileLock(path) as lock:
        while not lock.try_exclusive():
            tick()
            time.sleep(0.03)
        yield
