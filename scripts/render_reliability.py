"""Put the recorded test results into docs/reliability.md, between its markers.

    python -m scripts.render_reliability           write
    python -m scripts.render_reliability --check   fail where the document says something else

Each table has a file of its own in docs/reliability/, a JSON list of objects:

    bad_inputs.json   {"row", "input", "channel", "expected", "answered"}
    faults.json       {"fault", "name", "repeats", "passed", "p50_s", "worst_s", "lost",
                      "duplicates", "equal"}; the seconds until everything was as before, null
                      where nothing had to recover

and stands in the document between `<!-- begin bad-inputs -->` and `<!-- end bad-inputs -->`,
`<!-- begin faults -->` and `<!-- end faults -->`. A table without a file is empty.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
DOCUMENT = ROOT / "docs" / "reliability.md"
RESULTS = ROOT / "docs" / "reliability"
CHANNELS = ("api", "page", "zip")
Lines = list[dict[str, Any]]


def bad_inputs(lines: Lines) -> str:
    """Return the table of bad inputs: one line per input, one column per channel."""
    inputs: dict[tuple[int, str], dict[str, dict[str, Any]]] = {}
    for line in lines:
        inputs.setdefault((line["row"], line["input"]), {})[line["channel"]] = line
    out = ["| row | input | API | page | in a zip |", "|---|---|---|---|---|"]
    for (row, name), answers in sorted(inputs.items(), key=lambda item: (item[0][0] or 99, item)):
        cells = [_answer(answers.get(channel)) for channel in CHANNELS]
        out.append(f"| {row or 'all'} | {_escaped(name)} | {' | '.join(cells)} |")
    passed = sum(line["answered"] == line["expected"] for line in lines)
    return "\n".join([f"{passed} of {len(lines)} answers are the documented ones.", "", *out])


def faults(lines: Lines) -> str:
    """Return the table of faults: how often each was tried, passed, how long it took, what is left.

    Lost are uploads that were acknowledged; rows are equal when their hash is that of a run that
    nothing disturbed.
    """
    out = [
        "| fault | what happens | repeats | passed | recovery p50 | worst | lost | twice | equal |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for line in lines:
        passed = line["passed"] if line["passed"] == line["repeats"] else f"**{line['passed']}**"
        times = f"{_seconds(line['p50_s'])} | {_seconds(line['worst_s'])}"
        name = _escaped(line["name"])
        left = f"{line['lost']} | {line['duplicates']} | {'yes' if line['equal'] else '**no**'}"
        out.append(
            f"| {line['fault']} | {name} | {line['repeats']} | {passed} | {times} | {left} |"
        )
    return "\n".join(out)


SECTIONS: dict[str, tuple[str, Callable[[Lines], str]]] = {
    "bad-inputs": ("bad_inputs.json", bad_inputs),
    "faults": ("faults.json", faults),
}


def render(document: str, results: Path = RESULTS) -> str:
    """Return the document with each table as the file in `results` has it.

    Raises ValueError where the document has no place for a table.
    """
    for name, (file, section) in SECTIONS.items():
        path = results / file
        table = section(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else ""
        begin, end = f"<!-- begin {name} -->\n", f"<!-- end {name} -->\n"
        head, found, rest = document.partition(begin)
        _, closed, tail = rest.partition(end)
        if not (found and closed):
            raise ValueError(f"docs/reliability.md has no markers for {name}")
        document = f"{head}{begin}{table}{chr(10) if table else ''}{end}{tail}"
    return document


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.2f} s"


def _answer(line: dict[str, Any] | None) -> str:
    """Return what a cell says: the answer, and what it should have been where it is another."""
    if line is None:
        return ""
    answer = _escaped(line["answered"])
    if line["answered"] == line["expected"]:
        return answer
    return f"**{answer}** instead of {_escaped(line['expected'])}"


def _escaped(text: str) -> str:
    """Return text as a table's cell shows it."""
    for old, new in (("\\", "\\\\"), ("|", "\\|"), ("<", "&lt;"), (">", "&gt;"), ("_", "\\_")):
        text = text.replace(old, new)
    return text


def main(arguments: list[str]) -> int:
    """Write the document, or with --check compare it."""
    document = DOCUMENT.read_text(encoding="utf-8")
    rendered = render(document)
    if arguments == ["--check"]:
        if rendered != document:
            print("docs/reliability.md differs from its results; render it anew")
            return 1
        return 0
    DOCUMENT.write_text(rendered, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
