"""Typed reading of environment variables, with errors that name the variable."""

import os
from collections.abc import Sequence
from typing import TypeVar

from django.core.exceptions import ImproperlyConfigured

Option = TypeVar("Option", bound=str)

_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off", ""})


def text(name: str, default: str = "") -> str:
    """Return the variable without surrounding blanks."""
    return os.environ.get(name, default).strip()


def choice(name: str, options: Sequence[Option]) -> Option:
    """Return one of the options, the first one by default; raise for anything else."""
    value = text(name) or options[0]
    for option in options:
        if option == value:
            return option
    raise ImproperlyConfigured(f"{name} must be one of {', '.join(options)}, not {value!r}")


def flag(name: str, *, default: bool = False) -> bool:
    """Return a yes or no; raise for anything else."""
    value = os.environ.get(name)
    if value is None:
        return default
    if value.strip().lower() in _TRUE:
        return True
    if value.strip().lower() in _FALSE:
        return False
    raise ImproperlyConfigured(f"{name} must be yes or no, not {value!r}")


def number(name: str, default: int, *, minimum: int = 0) -> int:
    """Return a whole number of at least `minimum`; raise for anything else."""
    value = os.environ.get(name)
    if value is None or not value.strip():
        return default
    try:
        parsed = int(value)
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be a whole number, not {value!r}") from None
    if parsed < minimum:
        raise ImproperlyConfigured(f"{name} must be at least {minimum}, not {parsed}")
    return parsed


def decimal(name: str, default: float, *, minimum: float = 0.0) -> float:
    """Return a number of at least `minimum`; raise for anything else."""
    value = os.environ.get(name)
    if value is None or not value.strip():
        return default
    try:
        parsed = float(value)
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be a number, not {value!r}") from None
    if not parsed >= minimum:
        raise ImproperlyConfigured(f"{name} must be at least {minimum}, not {parsed}")
    return parsed
