"""docs/reliability.md shows what its results files say, and says so where an answer was wrong."""

import json
from pathlib import Path

import pytest

from scripts.render_reliability import DOCUMENT, render

EMPTY = (
    "before\n<!-- begin bad-inputs -->\nold\n<!-- end bad-inputs -->\n"
    "<!-- begin faults -->\n<!-- end faults -->\nafter\n"
)


def test_the_document_is_what_its_results_say() -> None:
    document = DOCUMENT.read_text(encoding="utf-8")
    assert render(document) == document


def test_each_table_has_a_file_of_its_own(tmp_path: Path) -> None:
    line = {"row": 2, "input": "a|b", "channel": "api", "expected": "415", "answered": "415"}
    wrong = line | {"channel": "zip", "answered": "500"}
    (tmp_path / "bad_inputs.json").write_text(json.dumps([line, wrong]))
    rendered = render(EMPTY, tmp_path)
    assert "1 of 2 answers are the documented ones." in rendered
    assert "| 2 | a\\|b | 415 |  | **500** instead of 415 |" in rendered
    assert "old" not in rendered
    assert rendered.endswith("<!-- begin faults -->\n<!-- end faults -->\nafter\n")
    times = {"p50_s": 1.234, "worst_s": None}
    left = {"lost": 0, "duplicates": 2, "equal": False}
    fault = {"fault": "F1", "name": "killed", "repeats": 20, "passed": 19} | times | left
    (tmp_path / "faults.json").write_text(json.dumps([fault]))
    assert "| F1 | killed | 20 | **19** | 1.23 s |  | 0 | 2 | **no** |" in render(EMPTY, tmp_path)
    assert render(rendered, tmp_path) == render(EMPTY, tmp_path)


def test_a_document_without_a_place_for_a_table_is_refused() -> None:
    with pytest.raises(ValueError, match="no markers"):
        render("nothing")
