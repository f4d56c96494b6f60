"""What each bad input was answered with, written to reports/bad_inputs.json for the documents."""

import fcntl
import json
from dataclasses import dataclass, field
from pathlib import Path

REPORT = Path(__file__).resolve().parents[2] / "reports" / "bad_inputs.json"
Key = tuple[int, str, str]


@dataclass(slots=True)
class Results:
    """The answers of one module. A key is row, name of the input, and door (api, page or zip)."""

    answers: dict[Key, dict[str, object]] = field(default_factory=dict)

    def check(self, row: int, name: str, door: str, *, expected: object, answered: object) -> None:
        """Note an answer and whether it is the documented one; fail the test if it is not."""
        passed = answered == expected
        self.answers[row, name, door] = {"answer": str(answered), "passed": passed}
        assert passed, f"row {row}, {name}, {door}: {answered!r} instead of {expected!r}"

    def write(self) -> None:
        """Merge into the report, which other test processes may be writing too."""
        REPORT.parent.mkdir(exist_ok=True)
        with REPORT.open("a+") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            stream.seek(0)
            known = {_key(line): line for line in json.loads(stream.read() or "[]")}
            for (row, name, door), answer in self.answers.items():
                known[row, name, door] = {"row": row, "name": name, "door": door} | answer
            stream.truncate(0)
            json.dump([known[key] for key in sorted(known)], stream, indent=1, ensure_ascii=False)


def _key(line: dict[str, object]) -> Key:
    return int(str(line["row"])), str(line["name"]), str(line["door"])
