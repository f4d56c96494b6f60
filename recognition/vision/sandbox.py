"""Opening hostile files in processes of their own: what dies there is one file's failure.

Decoders are C code and read what strangers send. Here they run in a few child processes without
network, files, secrets or the database, with limits of memory and time. A child serves many files;
it is replaced when it crashed, took too long or has served enough. All calls are safe from several
threads. See `sandbox_child` for the other side and `confinement` for what it gives up.
"""

import atexit
import json
import logging
import os
import queue
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, astuple
from pathlib import Path
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from recognition.vision import wire
from recognition.vision.archive import ArchiveEntry
from recognition.vision.errors import (
    ArchiveError,
    DecoderCrashed,
    DecoderUnavailable,
    ImageError,
    VisionError,
)
from recognition.vision.images import DEFAULT_LIMITS, ImageLimits
from recognition.vision.types import DecodedImage, ImageFormat

logger = logging.getLogger(__name__)

_ROOT = Path(__file__).resolve().parents[2]
_MODULE = "recognition.vision.sandbox_child"
_START_SECONDS = 120.0
_END_SECONDS = 5.0
_MOST_DIRECTORY = 192 * 1024**2
_KEPT_OUTPUT = 32 * 1024**2
_MOST_DETAIL = 300
_TOO_LONG = "Reading the file took too long."
_CRASHED = "The file made its reader crash."
_NONSENSE = "The file's reader answered nonsense."
# What Python itself may need to start. Nothing else of the environment is passed on.
_PASSED_ON = ("PATH", "LD_LIBRARY_PATH", "PYTHONHOME")

Octets = NDArray[np.uint8]


class Sandbox:
    """A few child processes that read files, started when they are first needed.

    `size` children at most; a child serves `lifetime` requests. Each request has `cpu_seconds` of
    computing, which a busy machine does not shorten, and `seconds` in all. `module` is what the
    children run.
    """

    def __init__(
        self,
        *,
        size: int = 2,
        cpu_seconds: float = 20.0,
        seconds: float = 60.0,
        lifetime: int = 2000,
        module: str = _MODULE,
    ) -> None:
        self._size = size
        self._cpu_seconds = cpu_seconds
        self._seconds = seconds
        self._lifetime = lifetime
        self._module = module
        self._children: set[_Child] = set()
        self._idle = self._places()

    def decode_image(self, data: bytes, limits: ImageLimits = DEFAULT_LIMITS) -> DecodedImage:
        """Do what `images.decode_image` does, in a child.

        Raises ImageError, DecoderCrashed, or DecoderUnavailable if no child can be started.
        """
        head, content = self.ask(
            "decode",
            {"limits": asdict(limits)},
            body=data[: limits.max_bytes + 1],
            most=3 * limits.max_pixels,
            errors=ImageError,
        )
        return _picture(head, content)

    def archive_directory(self, descriptor: int, *, max_entries: int) -> list[ArchiveEntry]:
        """Do what `archive.read_directory` does, for an open file.

        Raises ArchiveError, DecoderCrashed or DecoderUnavailable.
        """
        _, content = self.ask(
            "archive_directory",
            {"max_entries": max_entries, "file_size": os.fstat(descriptor).st_size},
            descriptor=descriptor,
            most=_MOST_DIRECTORY,
            errors=ArchiveError,
        )
        return _entries(content)

    def archive_entry(self, descriptor: int, entry: ArchiveEntry) -> bytes:
        """Do what `archive.read_entry` does, for an open file. Raises the same as the directory."""
        _, content = self.ask(
            "archive_entry",
            {"entry": astuple(entry)},
            descriptor=descriptor,
            most=entry.size,
            errors=ArchiveError,
        )
        return content.tobytes()

    def ask(
        self,
        command: str,
        options: wire.Head,
        *,
        body: bytes = b"",
        descriptor: int | None = None,
        most: int,
        errors: type[VisionError],
    ) -> tuple[wire.Head, Octets]:
        """Have a child do something; return its answer and at most `most` bytes of content.

        Raises the subclass of `errors` that the child names, DecoderCrashed or DecoderUnavailable.
        """
        request = options | {"command": command, "cpu_seconds": self._cpu_seconds}
        with self._child() as child:
            head, content = child.ask(
                request, body, descriptor, most=most, deadline=time.monotonic() + self._seconds
            )
        if "error" in head:
            raise _refusal(head, errors)
        return head, content

    def processes(self) -> list[int]:
        """Return the process ids of the children."""
        return [child.process.pid for child in self._children]

    def close(self) -> None:
        """End all children. The next request starts new ones."""
        for child in list(self._children):
            self._children.discard(child)
            child.end()

    def forget(self) -> None:
        """Let go of the children of the process that this one was forked from."""
        for child in self._children:
            child.let_go()
        self._children = set()
        self._idle = self._places()

    def _places(self) -> "queue.LifoQueue[_Child | None]":
        # Last in, first out: who asks one thing after the other needs one child only.
        places: queue.LifoQueue[_Child | None] = queue.LifoQueue()
        for _ in range(self._size):
            places.put(None)
        return places

    @contextmanager
    def _child(self) -> Iterator["_Child"]:
        """Wait for a place; give out a living child, and put it back if it can serve again."""
        places = self._idle
        child = places.get()
        try:
            if child is not None and not child.alive:
                self._end(child)
                child = None
            if child is None:
                child = _Child(self._module)
                self._children.add(child)
            yield child
            if child.served >= self._lifetime:
                self._end(child)
        finally:
            if child is not None and not child.in_step:
                self._end(child)
            places.put(child if child in self._children else None)

    def _end(self, child: "_Child") -> None:
        self._children.discard(child)
        child.end()


class _Child:
    """One child process. `in_step` is False from a request until its whole answer is here."""

    def __init__(self, module: str) -> None:
        self.served = 0
        self.in_step = False
        self._channel, theirs = socket.socketpair()
        self._output = os.memfd_create("decoded")
        try:
            with theirs:  # closed before waiting, or a child that fails would not be noticed
                self.process = _start(module, theirs.fileno(), self._output)
            hello = wire.receive_head(self._channel, deadline=time.monotonic() + _START_SECONDS)
        except (OSError, wire.ChannelClosed) as error:
            self._close_files()
            raise DecoderUnavailable("No process can be started to read files in.") from error
        self.in_step = True
        if hello.get("confined") is not True:
            logger.warning("this system cannot restrict what decoding processes may call")

    @property
    def alive(self) -> bool:
        """Whether the process exists and is in step."""
        return self.in_step and self.process.poll() is None

    def ask(
        self,
        request: wire.Head,
        body: bytes,
        descriptor: int | None,
        *,
        most: int,
        deadline: float,
    ) -> tuple[wire.Head, Octets]:
        """Send a request and wait for the answer. Raises DecoderCrashed."""
        self.in_step = False
        self.served += 1
        try:
            self._channel.settimeout(max(deadline - time.monotonic(), 1e-3))
            wire.send(self._channel, request, body, descriptor=descriptor)
            head = wire.receive_head(self._channel, deadline=deadline)
            content = self._content(head, most)
        except TimeoutError as error:
            logger.warning("decoding process %d took too long", self.process.pid)
            raise DecoderCrashed(_TOO_LONG) from error
        except wire.ChannelClosed as error:
            cause = self._cause()
            logger.warning("decoding process %d %s", self.process.pid, cause)
            slow = cause == "SIGPROF"
            raise DecoderCrashed(_TOO_LONG if slow else _CRASHED) from error
        self.in_step = True
        return head, content

    def end(self) -> None:
        """End the process and wait for it."""
        self._close_files()
        if not self.in_step:
            self.process.kill()
        try:
            self.process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def let_go(self) -> None:
        """Close this process's copies of the files; the child is somebody else's."""
        self._close_files()
        self.process.returncode = 0  # or Popen would wait for what is not its child

    def _content(self, head: wire.Head, most: int) -> Octets:
        """Copy the content out of the shared memory file.

        It is read, not mapped: a child that cuts the file short can then do no harm.
        """
        size = head.get("size")
        if type(size) is not int or not 0 <= size <= most:
            raise wire.ChannelClosed("The answer has an impossible size.")
        content = np.empty(size, np.uint8)
        view, position = content.data, 0
        while position < size:
            count = os.preadv(self._output, [view[position:]], position)
            if count == 0:
                raise wire.ChannelClosed("The answer is shorter than it says.")
            position += count
        if size > _KEPT_OUTPUT:
            os.ftruncate(self._output, 0)
        return content

    def _cause(self) -> str:
        """Return how the process ended: a signal's name, or words."""
        try:
            code = self.process.wait(1.0)
        except subprocess.TimeoutExpired:
            return "answered nonsense"
        return signal.Signals(-code).name if code < 0 else f"ended with code {code}"

    def _close_files(self) -> None:
        self._channel.close()
        if self._output >= 0:
            os.close(self._output)
            self._output = -1


def _start(module: str, channel: int, output: int) -> "subprocess.Popen[bytes]":
    """Start a child with next to no environment; its errors go where this process's go.

    The end of this process closes the channel, and with it ends the child. PR_SET_PDEATHSIG is of
    no use here: it follows the thread that started the child, and such threads come and go.
    """
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", module, str(channel), str(output)],
        pass_fds=(channel, output),
        env=environment | {"LANG": "C.UTF-8", "OPENBLAS_NUM_THREADS": "1"},
        cwd=_ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )


def _refusal(head: wire.Head, errors: type[VisionError]) -> VisionError:
    known = {error.code: error for error in errors.__subclasses__()}
    kind, detail = known.get(str(head["error"])), head.get("detail")
    if kind is None or not isinstance(detail, str):
        return DecoderCrashed(_NONSENSE)
    return kind(detail[:_MOST_DETAIL])


def _picture(head: wire.Head, content: Octets) -> DecodedImage:
    """Check what a child says about its pixels: it may no longer be our own code that speaks."""
    match head:
        case {"shape": [int(height), int(width)], "format": str(name), "notes": list(notes)} if (
            height > 0
            and width > 0
            and height * width * 3 == content.size
            and name in get_args(ImageFormat)
            and all(isinstance(note, str) for note in notes)
        ):
            image_format: ImageFormat = name  # type: ignore[assignment]
            pixels = content.reshape(height, width, 3)
            return DecodedImage(pixels, image_format, tuple(notes))
    raise DecoderCrashed(_NONSENSE)


def _entries(content: Octets) -> list[ArchiveEntry]:
    kinds = (str, int, int, int, int, int, bool, int)
    try:
        rows: list[list[Any]] = json.loads(content.tobytes())
        if all(tuple(map(type, row)) == kinds and min(row[1:]) >= 0 for row in rows):
            return [ArchiveEntry(*row) for row in rows]
    except (ValueError, TypeError, RecursionError) as error:
        raise DecoderCrashed(_NONSENSE) from error
    raise DecoderCrashed(_NONSENSE)


_shared = Sandbox()
decode_image = _shared.decode_image
archive_directory = _shared.archive_directory
archive_entry = _shared.archive_entry

atexit.register(_shared.close)
os.register_at_fork(after_in_child=_shared.forget)
