"""Settings of recipes: one frozen dataclass each, from which forms, API and command line are made.

A field is declared with `whole`, `real`, `choice` or `flag`, which keep label, range and help
beside the default.
"""

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, TypeVar, get_type_hints

from training.engine.errors import TrainingError

Config = TypeVar("Config")


@dataclass(frozen=True, slots=True)
class Option:
    """One setting: `kind` is "int", "float", "bool" or "str"; a str has `choices`."""

    name: str
    kind: str
    default: Any
    label: str
    help: str
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()


def whole(default: int, low: int, high: int, label: str, help_text: str = "") -> Any:
    """Declare a whole number from `low` to `high`."""
    return _declare(default, label, help_text, low=low, high=high)


def real(default: float, low: float, high: float, label: str, help_text: str = "") -> Any:
    """Declare a number from `low` to `high`."""
    return _declare(default, label, help_text, low=low, high=high)


def choice(default: str, choices: tuple[str, ...], label: str, help_text: str = "") -> Any:
    """Declare one of a few words."""
    return _declare(default, label, help_text, choices=choices)


def flag(default: bool, label: str, help_text: str = "") -> Any:
    """Declare yes or no."""
    return _declare(default, label, help_text)


def options(config: type[Any]) -> tuple[Option, ...]:
    """Return the settings of a recipe's configuration in the order they are declared."""
    hints = get_type_hints(config)
    return tuple(
        Option(
            one.name,
            hints[one.name].__name__,
            None if one.default is MISSING else one.default,
            **one.metadata,
        )
        for one in fields(config)
    )


def parse(config: type[Config], values: Mapping[str, Any]) -> Config:
    """Return a configuration from names and values; words are read as on a command line.

    Raises TrainingError `setting_unknown` or `setting_invalid`.
    """
    known = {option.name: option for option in options(config)}
    for name in values:
        if name not in known:
            names = ", ".join(known)
            raise TrainingError("setting_unknown", f"There is no setting {name!r}. Known: {names}.")
    return config(**{name: _value(known[name], value) for name, value in values.items()})


def changes(config: Any) -> dict[str, Any]:
    """Return the settings that differ from their defaults."""
    return {
        option.name: getattr(config, option.name)
        for option in options(type(config))
        if getattr(config, option.name) != option.default
    }


def _declare(default: Any, label: str, help_text: str, **more: Any) -> Any:
    return field(default=default, metadata={"label": label, "help": help_text, **more})


def _value(option: Option, value: Any) -> Any:
    try:
        found = _read(option.kind, value)
    except (OverflowError, TypeError, ValueError) as error:
        words = {"int": "a whole number", "float": "a number", "bool": "true or false"}
        said = words.get(option.kind, "text")
        raise TrainingError("setting_invalid", f"{option.name} is {said}.") from error
    if option.choices and found not in option.choices:
        raise TrainingError(
            "setting_invalid", f"{option.name} is one of {', '.join(option.choices)}."
        )
    if (
        option.low is not None
        and option.high is not None
        and not option.low <= found <= option.high
    ):
        raise TrainingError(
            "setting_invalid", f"{option.name} lies between {option.low:g} and {option.high:g}."
        )
    return found


def _read(kind: str, value: Any) -> Any:
    if kind == "bool":
        if isinstance(value, bool):
            return value
        words = {"true": True, "on": True, "1": True, "false": False, "off": False, "0": False}
        if str(value).lower() not in words:
            raise ValueError(value)
        return words[str(value).lower()]
    if isinstance(value, bool):
        raise TypeError(value)
    if kind == "int":
        if isinstance(value, float) and not value.is_integer():
            raise ValueError(value)
        return int(value)
    return float(value) if kind == "float" else str(value)
