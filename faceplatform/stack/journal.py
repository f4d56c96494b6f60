"""What the supervisor says, and the lines of its parts, on the terminal and in files."""

import contextlib
import time
from collections.abc import Callable
from pathlib import Path

from faceplatform.stack.layout import Layout
from faceplatform.stack.logs import Console, Tail, rotate


class Journal:
    """The terminal and `var/log/up.log`."""

    def __init__(self, layout: Layout, console: Console) -> None:
        self._layout = layout
        self._console = console
        self._tails: dict[str, Tail] = {}

    def follow(self, name: str, path: Path) -> None:
        """Show what is written to a part's log from now on."""
        self._tails.setdefault(name, Tail(name, path))

    def pump(self) -> None:
        """Show what the parts wrote since the last call."""
        for tail in self._tails.values():
            tail.pump(self._console)

    def say(self, text: str) -> None:
        """Show and keep one line of the supervisor."""
        self._console.line("up", text)
        self.record(text)

    def show(self, text: str) -> None:
        """Show text on the terminal only."""
        self._console.plain(text)

    def record(self, text: str) -> None:
        """Keep one line of the supervisor without showing it; a full disk costs the line."""
        path = self._layout.log_file("up")
        with contextlib.suppress(OSError):
            rotate(path)
            with path.open("a", encoding="utf-8") as file:
                file.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {text}\n")


class Repeated:
    """Calls a function with the seconds waited, every five seconds."""

    def __init__(self, call: Callable[[float], None]) -> None:
        self._call = call
        self._begun = time.monotonic()
        self._next = 5.0

    def __call__(self) -> None:
        waited = time.monotonic() - self._begun
        if waited >= self._next:
            self._next += 5.0
            self._call(waited)
