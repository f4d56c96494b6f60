"""Progress of a command that does one thing after the other."""

import sys
import time
from types import TracebackType
from typing import Self

_EVERY_SECONDS = 0.1


class PhaseLine:
    """Names each phase once on standard error; a terminal also sees how far it is."""

    def __init__(self) -> None:
        self._moves = sys.stderr.isatty()
        self._note = ""
        self._shown_at = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._end_line()

    def __call__(self, done: int, total: int | None, note: str) -> None:
        """Show the phase `note`, of which `done` of `total` are behind us."""
        if note != self._note:
            self._end_line()
            self._note, self._shown_at = note, 0.0
            self._write(f"{note} ...{'' if self._moves else chr(10)}")
        now = time.monotonic()
        if self._moves and done and (done == total or now - self._shown_at > _EVERY_SECONDS):
            self._shown_at = now
            self._write(f"\r{note} ... {done:,}{f' of {total:,}' if total else ''}")

    def _end_line(self) -> None:
        if self._moves and self._note:
            self._write("\n")

    @staticmethod
    def _write(text: str) -> None:
        sys.stderr.write(text)
        sys.stderr.flush()
