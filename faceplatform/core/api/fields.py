"""Serializers and fields that take a value as it was sent, or refuse it.

DRF's own read `true` and "1" as 1, 5 as "5" and "yes" as true, and drop what they do not know.
"""

import math
from typing import Any

from django.utils.datastructures import MultiValueDict
from rest_framework import serializers


class StrictSerializer(serializers.Serializer[Any]):
    """Base of bodies: a field that is not known is refused, so nobody sets what is not theirs."""

    default_error_messages = {
        "unknown_field": "This field is not known here.",
        "repeated_field": "Give this field once.",
    }

    def to_internal_value(self, data: Any) -> Any:
        """Refuse unknown fields, and single fields that a form repeats; then validate."""
        names = list(data) if hasattr(data, "keys") else []
        self._refuse("unknown_field", [name for name in names if name not in self.fields])
        if isinstance(data, MultiValueDict):
            single = [name for name in names if not self._is_list(name)]
            self._refuse("repeated_field", [n for n in single if len(data.getlist(n)) > 1])
        return super().to_internal_value(data)

    def _is_list(self, name: str) -> bool:
        return isinstance(self.fields[name], serializers.ListField)

    def _refuse(self, code: str, names: list[Any]) -> None:
        if names:
            message = self.error_messages[code]
            detail = {str(name)[:80]: [message] for name in sorted(names)}
            raise serializers.ValidationError(detail, code=code)


class TextField(serializers.CharField):
    """Text. Numbers are not text."""

    def to_internal_value(self, data: Any) -> str:
        """Return the text; refuse anything else."""
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


def _is_json(field: serializers.Field[Any, Any, Any, Any]) -> bool:
    """Whether the field's value came as JSON: forms and queries have no values but text."""
    root = field.root
    return isinstance(root, StrictSerializer) and not isinstance(root.initial_data, MultiValueDict)


class WholeNumberField(serializers.IntegerField):
    """A whole number, as digits in forms and queries alone. `true`, 1.0 and " 1" are none.

    `max_value` keeps it inside what the database stores.
    """

    def __init__(self, *, min_value: int, max_value: int, **options: Any) -> None:
        super().__init__(min_value=min_value, max_value=max_value, **options)

    def to_internal_value(self, data: Any) -> int:
        """Return the number; refuse anything else."""
        digits = isinstance(data, str) and data.isascii() and data.removeprefix("-").isdigit()
        text = digits and not _is_json(self)
        if isinstance(data, bool) or not (isinstance(data, int) or text):
            self.fail("invalid")
        return super().to_internal_value(data)


class NumberField(serializers.FloatField):
    """A finite number, in JSON as such and in forms as digits. `true` and "nan" are none."""

    def to_internal_value(self, data: Any) -> float:
        """Return the number; refuse anything else."""
        if isinstance(data, bool) or (isinstance(data, str) and _is_json(self)):
            self.fail("invalid")
        value = super().to_internal_value(data)
        if not math.isfinite(value):
            self.fail("invalid")
        return value


class TruthField(serializers.BooleanField):
    """`true` or `false`, in JSON as such and in queries as words."""

    _WORDS = {"true": True, "false": False}

    def to_internal_value(self, data: Any) -> bool:
        """Return the value; refuse 1, "yes" and their like."""
        value = self._WORDS.get(data) if isinstance(data, str) and not _is_json(self) else data
        if not isinstance(value, bool):
            self.fail("invalid", input=data)
        return value
