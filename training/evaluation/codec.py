"""Frozen dataclasses to JSON values and back, by their type hints.

A union of dataclasses is told apart by a "kind" entry with the class's name. Tuples become lists.
Not-a-number and infinities are refused: JSON has none.
"""

import dataclasses
import math
import types
from collections.abc import Mapping
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from training.evaluation.arrays import EvaluationError

type_hints_of: dict[type, dict[str, Any]] = {}


def encode(value: object) -> Any:
    """Plain JSON values of a dataclass, a tuple, a mapping or a scalar."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        content: dict[str, Any] = {"kind": type(value).__name__}
        for field in dataclasses.fields(value):
            content[field.name] = encode(getattr(value, field.name))
        return content
    if isinstance(value, tuple | list):
        return [encode(one) for one in value]
    if isinstance(value, Mapping):
        return {str(key): encode(one) for key, one in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        raise EvaluationError("not_finite", "a report holds NaN or infinity")
    if value is None or isinstance(value, str | int | float | bool):
        return value
    raise EvaluationError("not_json", f"a report cannot hold {type(value).__name__}")


def decode(hint: Any, value: Any) -> Any:
    """A value of the hinted type from JSON values; `EvaluationError` `bad_report` if it is none."""
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return _decode_union(get_args(hint), value)
    if origin is tuple:
        return _decode_tuple(get_args(hint), value)
    if origin in (dict, Mapping) or (isinstance(hint, type) and issubclass(hint, Mapping)):
        return dict(_expect(value, dict))
    if origin is Literal:
        if value not in get_args(hint):
            raise EvaluationError("bad_report", f"{value!r} is none of {get_args(hint)}")
        return value
    if dataclasses.is_dataclass(hint):
        return _decode_dataclass(hint, _expect(value, dict))
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    return _expect(value, hint) if isinstance(hint, type) else value


def _expect(value: Any, kind: type) -> Any:
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise EvaluationError("bad_report", f"{kind.__name__} expected, not {value!r:.60}")
    return value


def _decode_union(options: tuple[Any, ...], value: Any) -> Any:
    if value is None and type(None) in options:
        return None
    if isinstance(value, dict) and "kind" in value:
        for option in options:
            if getattr(option, "__name__", None) == value["kind"]:
                return decode(option, value)
    for option in options:
        if option is not type(None) and not dataclasses.is_dataclass(option):
            return decode(option, value)
    raise EvaluationError("bad_report", f"{value!r:.60} is none of {options}")


def _decode_tuple(inner: tuple[Any, ...], value: Any) -> tuple[Any, ...]:
    values = _expect(value, list)
    if len(inner) == 2 and inner[1] is Ellipsis:
        return tuple(decode(inner[0], one) for one in values)
    if len(inner) != len(values):
        raise EvaluationError("bad_report", f"{len(inner)} values expected, not {len(values)}")
    return tuple(decode(hint, one) for hint, one in zip(inner, values, strict=True))


def _decode_dataclass(hint: Any, content: dict[str, Any]) -> Any:
    if content.get("kind") != hint.__name__:
        raise EvaluationError("bad_report", f"{hint.__name__} expected")
    hints = type_hints_of.setdefault(hint, get_type_hints(hint))
    names = {field.name for field in dataclasses.fields(hint)}
    unknown = set(content) - names - {"kind"}
    if unknown:
        raise EvaluationError("bad_report", f"{hint.__name__} has no {sorted(unknown)}")
    try:
        return hint(**{name: decode(hints[name], content[name]) for name in names & set(content)})
    except TypeError as error:
        raise EvaluationError("bad_report", str(error)) from error
