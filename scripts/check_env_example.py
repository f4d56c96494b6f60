"""Compare .env.example with the environment variables that the code reads.

A variable that the code reads and the file does not name is a setting nobody finds; one that
only the file names is a promise nobody keeps. Exit code 1 for either.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("faceplatform", "recognition", "training")
READ = re.compile(
    r"""(?:environ(?:\.get)?|getenv|text|choice|flag|number|decimal)[([]\s*["']([A-Z][A-Z0-9_]+)["']"""
)
CONSTANT = re.compile(r"""_VARIABLE\s*(?::[^=]+)?=\s*["']([A-Z][A-Z0-9_]+)""")
NAMED = re.compile(r"^#? ?([A-Z][A-Z0-9_]+)=", re.MULTILINE)
# Set by the platform for its own processes, or known from elsewhere.
INTERNAL = frozenset(
    {"DJANGO_SETTINGS_MODULE", "FACEPLATFORM_SUPERVISED", "HOME", "NO_COLOR", "PATH", "TMPDIR"}
)


def read_by_code() -> set[str]:
    """Return the names of all variables that the packages read."""
    names: set[str] = set()
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            names.update(READ.findall(text), CONSTANT.findall(text))
    return {name for name in names - INTERNAL if not name.startswith("_")}


def main() -> int:
    """Print the differences; return the exit code."""
    named = set(NAMED.findall((ROOT / ".env.example").read_text(encoding="utf-8")))
    read = read_by_code()
    for name in sorted(read - named):
        print(f".env.example does not name {name}, which the code reads")
    for name in sorted(named - read):
        print(f".env.example names {name}, which no code reads")
    return int(read != named)


if __name__ == "__main__":
    sys.exit(main())
