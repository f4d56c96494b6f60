"""What each bad input is answered with, as docs/reliability.md shows it.

A run compares every answer with docs/reliability/bad_inputs.json as well as with what is expected;
with RECORD_RESULTS=1 it writes that file (`make reliability`).
"""

import fcntl
import json
import os
from dataclasses import dataclass, field
from pathlib import Path

FILE = Path(__file__).resolve().parents[2] / "docs" / "reliability" / "bad_inputs.json"
RECORDING = os.environ.get("RECORD_RESULTS") == "1"
Key = tuple[int, str, str]


@dataclass(slots=True)
class Results:
    """The answers of one module. A key is row, name of the input, and channel: api, page or zip."""

    lines: dict[Key, dict[str, object]] = field(default_factory=dict)

    def check(
        self, row: int, name: str, channel: str, *, expected: object, answered: object
    ) -> None:
        """Note an answer; fail the test if it is not the documented one."""
        line = {"row": row, "input": name, "channel": channel}
        line |= {"expected": str(expected), "answered": str(answered)}
        self.lines[row, name, channel] = line
        assert answered == expected, f"row {row}, {name}, {channel}: {answered!r}, not {expected!r}"

    def compare(self) -> None:
        """Assert that the document's file says the same, or write it when recording."""
        if RECORDING:
            self._write()
        known = {_key(line): line for line in json.loads(FILE.read_text(encoding="utf-8"))}
        other = [line for key, line in self.lines.items() if known.get(key) != line]
        assert not other, f"docs/reliability/bad_inputs.json needs make reliability: {other}"

    def _write(self) -> None:
        """Merge into the file, which other test processes may be writing too."""
        with FILE.open("a+", encoding="utf-8") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            stream.seek(0)
            known = {_key(line): line for line in json.loads(stream.read() or "[]")} | self.lines
            stream.truncate(0)
            lines = [json.dumps(known[key], ensure_ascii=False) for key in sorted(known)]
            stream.write("[\n" + ",\n".join(lines) + "\n]\n")


def _key(line: dict[str, object]) -> Key:
    return int(str(line["row"])), str(line["input"]), str(line["channel"])
