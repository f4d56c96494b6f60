"""A decoding process with a mind of its own: what tests need to see children die and lie."""

import ctypes
import errno
import os
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from recognition.vision import sandbox_child, wire
from recognition.vision.sandbox_child import Content

Answer = tuple[wire.Head, Content]


def segfault(_: wire.Message) -> Answer:
    ctypes.string_at(0)
    return {}, b""


def abort(_: wire.Message) -> Answer:
    os.abort()


def hoard(_: wire.Message) -> Answer:
    """Take memory until there is no more, as a decoder without own limits would."""
    kept = []
    while True:
        kept.append(np.empty(64 * 1024**2, np.uint8))


def sleep(_: wire.Message) -> Answer:
    time.sleep(600)
    return {}, b""


def spin(_: wire.Message) -> Answer:
    while True:
        pass


def work(_: wire.Message) -> Answer:
    """Compute for a tenth of a second."""
    until = time.process_time() + 0.1
    while time.process_time() < until:
        pass
    return {}, b""


def fill(_: wire.Message) -> Answer:
    """Write a file larger than allowed."""
    return {}, memoryview(bytearray(300 * 1024**2))


def lie(message: wire.Message) -> Answer:
    """Answer what the request says, whatever it is."""
    return message.head["answer"], message.body


def attempts(_: wire.Message) -> Answer:
    """Say which of the things that a decoder never does are possible."""

    def possible(attempt: Callable[[], object]) -> str:
        try:
            attempt()
        except OSError as error:
            return errno.errorcode[error.errno or 0]
        return "possible"

    tried: dict[str, Callable[[], object]] = {
        "read a file": lambda: os.open("/etc/passwd", os.O_RDONLY),
        "write a file": lambda: os.open("/tmp/decoded", os.O_WRONLY | os.O_CREAT),
        "remove a file": Path("/tmp/decoded").unlink,
        "network": lambda: socket.socket(socket.AF_INET),
        "sockets": lambda: socket.socket(socket.AF_UNIX),
        "a process": os.fork,
        "a program": lambda: os.execv("/bin/true", ["true"]),  # noqa: S606
        "a signal": lambda: os.kill(os.getppid(), 0),
        "memory files": lambda: os.memfd_create("x"),
    }
    return {name: possible(attempt) for name, attempt in tried.items()}, b""


HANDLERS = dict(sandbox_child.HANDLERS) | {
    "segfault": segfault,
    "abort": abort,
    "hoard": hoard,
    "sleep": sleep,
    "spin": spin,
    "work": work,
    "fill": fill,
    "lie": lie,
    "attempts": attempts,
}

if __name__ == "__main__":
    sandbox_child.main(sys.argv[1:], HANDLERS)
    os._exit(0)
