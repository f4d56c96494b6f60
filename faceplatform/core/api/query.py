"""Parameters after the `?`: every one is known, given once and valid, or the answer is 400."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request

from faceplatform.core.errors import DomainError, FieldError

PAGE_PARAMETERS = frozenset({"cursor", "limit"})


class StrictQuery(serializers.Serializer[Any]):
    """Base of the description of a view's parameters; this one has none."""


def read_query(kind: type[StrictQuery], request: Request, *, paged: bool = False) -> dict[str, Any]:
    """Return the validated parameters.

    A filter that is not understood must never widen an answer. Raises DomainError
    `unknown_parameter`, `repeated_parameter`, or DRF's ValidationError. `paged` leaves `cursor`
    and `limit` to the paginator.
    """
    serializer = kind(data=request.query_params.dict())
    elsewhere = PAGE_PARAMETERS if paged else frozenset()
    known = serializer.fields.keys() | elsewhere
    for name, values in request.query_params.lists():
        if name not in known:
            raise _refused("unknown_parameter", name, f"Known here: {_listed(known)}.")
        if len(values) > 1:
            raise _refused("repeated_parameter", name, "Give this parameter once.")
    serializer.is_valid(raise_exception=True)
    validated: dict[str, Any] = serializer.validated_data
    return validated


def _refused(code: str, name: str, detail: str) -> DomainError:
    shown = "".join(c if c.isprintable() else "?" for c in name[:80])
    return DomainError(
        code,
        f"The parameter {shown!r} is refused. {detail}",
        errors=(FieldError(shown, code, detail),),
    )


def _listed(names: Any) -> str:
    return ", ".join(sorted(names)) or "none"
