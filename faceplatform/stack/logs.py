"""Log files of the parts, and their lines on the terminal with the part's name in front."""

import contextlib
import os
import shutil
import sys
from pathlib import Path
from typing import TextIO

LIMIT = 10 * 1024 * 1024
KEEP = 3
_WIDTH = 16
_COLOURS = (36, 32, 33, 35, 34, 96, 92, 93, 95, 94)
_CHUNK = 1 << 20


def rotate(path: Path, *, limit: int = LIMIT, keep: int = KEEP) -> bool:
    """Move a large log to `<name>.1` and empty it; return whether it was large.

    The processes that write keep their file, so it is copied and emptied; a line written
    in between is lost. When the disk is full, the old lines are given up.
    """
    try:
        if path.stat().st_size < limit:
            return False
    except FileNotFoundError:
        return False
    numbered = [path.with_name(f"{path.name}.{number}") for number in range(1, keep + 1)]
    for older, newer in zip(reversed(numbered), reversed(numbered[:-1]), strict=False):
        if newer.exists():
            newer.replace(older)
    try:
        shutil.copyfile(path, numbered[0])
        numbered[0].chmod(0o600)
    except OSError:
        numbered[0].unlink(missing_ok=True)
    os.truncate(path, 0)
    return True


class Console:
    """The terminal. A terminal that went away is given up silently: the files remain."""

    def __init__(self, stream: TextIO | None = None, *, colour: bool | None = None) -> None:
        self._stream: TextIO | None = stream or sys.stdout
        if colour is None:
            colour = self._stream.isatty() and "NO_COLOR" not in os.environ
        self._colour = colour
        self._known: list[str] = []

    def line(self, name: str, text: str) -> None:
        """Print one line of a part."""
        prefix = f"{name:<{_WIDTH}} | "
        if self._colour:
            if name not in self._known:
                self._known.append(name)
            number = _COLOURS[self._known.index(name) % len(_COLOURS)]
            prefix = f"\x1b[{number}m{prefix}\x1b[0m"
        self.plain(prefix + text)

    def plain(self, text: str) -> None:
        """Print text without a name."""
        if self._stream is None:
            return
        try:
            self._stream.write(text + "\n")
            self._stream.flush()
        except (OSError, ValueError):
            _discard(self._stream)
            self._stream = None


def _discard(stream: TextIO) -> None:
    """Let what is still buffered go nowhere, or the interpreter complains when it ends."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


class Tail:
    """Follows one log file from its present end."""

    def __init__(self, name: str, path: Path) -> None:
        self.name = name
        self.path = path
        self._rest = b""
        self._position = path.stat().st_size if path.exists() else 0

    def pump(self, console: Console) -> None:
        """Print what was written since, line by line; then rotate a large file."""
        try:
            size = self.path.stat().st_size
        except FileNotFoundError:
            return
        if size < self._position:
            self._position = 0
        if size > self._position:
            with self.path.open("rb") as file:
                file.seek(self._position)
                content = file.read(_CHUNK)
            self._position += len(content)
            *lines, self._rest = (self._rest + content).split(b"\n")
            for line in lines:
                console.line(self.name, line.decode("utf-8", errors="replace").rstrip("\r"))
        if self._position == size and rotate(self.path):
            self._position = 0
