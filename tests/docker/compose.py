"""Compose files as compose reads them: merged, with variables put in."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

DOCKER = Path(__file__).resolve().parents[2] / "docker"
_VARIABLE = re.compile(r"\$(?:\$|\{(?P<name>\w+)(?:(?P<sign>:[-?])(?P<word>[^}]*))?\})")


class MissingVariable(Exception):
    """A required variable has no value."""


def variables(text: str) -> dict[str, set[str]]:
    """Return each variable with what follows it: `:?message`, `:-default` or nothing."""
    found: dict[str, set[str]] = {}
    for match in _VARIABLE.finditer(text):
        if match["name"]:
            found.setdefault(match["name"], set()).add(
                (match["sign"] or "") + (match["word"] or "")
            )
    return found


def read(*names: str, env: Mapping[str, str]) -> dict[str, Any]:
    """Return the merged files with values put in. Raises MissingVariable as compose refuses."""

    def value(match: re.Match[str]) -> str:
        if match["name"] is None:
            return "$"
        if given := env.get(match["name"]):
            return given
        if match["sign"] != ":-":
            raise MissingVariable(match["name"])
        return str(match["word"])

    merged: dict[str, Any] = {}
    for name in names:
        text = (DOCKER / name).read_text(encoding="utf-8")
        lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
        merged = _merge(merged, yaml.safe_load(_VARIABLE.sub(value, "\n".join(lines))))
    return merged


def _merge(below: Any, above: Any) -> Any:
    if not isinstance(below, dict) or not isinstance(above, dict):
        return above
    return below | {key: _merge(below.get(key), value) for key, value in above.items()}
