"""Try every fault many times and put the results into docs/reliability.md.

    python -m tests.faults.record             ten times each, or as often as a fault says
    python -m tests.faults.record --repeats 3

Takes about ten minutes on two idle cores. A fault that is not survived is in the table, too.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.faults.trials import RECORD, REPEATS

ROOT = Path(__file__).resolve().parents[2]
# The long ones last.
FILES = ("test_workers.py", "test_servers.py", "test_power.py", "test_engines.py")
RESULTS = ROOT / "docs" / "reliability" / "faults.json"


def run(repeats: int, folder: Path) -> int:
    """Run the tests of this package; return pytest's exit code."""
    here = Path(__file__).parent
    command = [sys.executable, "-m", "pytest", "-q", *(str(here / name) for name in FILES)]
    environment = os.environ | {REPEATS: str(repeats), RECORD: str(folder)}
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


def order(line: dict[str, Any]) -> tuple[int, str]:
    """Sort F2 before F10."""
    number = re.search(r"\d+", line["fault"])
    return int(number[0]) if number else 0, line["fault"]


def main() -> int:
    """Write the results file and the document."""
    parser = argparse.ArgumentParser(description="Record how often each fault is survived.")
    parser.add_argument("--repeats", type=int, default=10)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        code = run(options.repeats, folder)
        lines = [json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("*.json")]
    if not lines:
        return code or 1
    RESULTS.parent.mkdir(exist_ok=True)
    text = json.dumps(sorted(lines, key=order), indent=1, ensure_ascii=False)
    RESULTS.write_text(f"{text}\n", encoding="utf-8")
    render = [sys.executable, "-m", "scripts.render_reliability"]
    return subprocess.run(render, cwd=ROOT, check=False).returncode or code


if __name__ == "__main__":
    sys.exit(main())
