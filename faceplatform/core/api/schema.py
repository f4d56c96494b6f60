"""The schema's share of every address: parameters, and errors as problem+json."""

import re
from typing import Any, Literal

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers

from faceplatform.core.api.problems import CONTENT_TYPE

_Direction = Literal["request", "response"]
_WITH_BODY = ("POST", "PUT", "PATCH")
_ALWAYS = {
    "400": "The request is wrong: unknown parameters, wrong values, a malformed body.",
    "401": "Nobody is logged in, or the key does not work.",
    "403": "Role or scope do not allow this.",
    "503": "The database or the model is away; try again later.",
}
_IN_PATH = {"404": "There is no such thing in your organization."}
_BODY = {
    "409": "The request collides with what is stored.",
    "413": "The body is too large.",
    "415": "The body's type cannot be used.",
    "422": "The content was understood and cannot be used.",
}

_IDEMPOTENCY_KEY = OpenApiParameter(
    name="Idempotency-Key",
    location=OpenApiParameter.HEADER,
    description="Any text of yours: the same request with the same key within a day does nothing "
    "again and is answered like the first.",
)


class FieldProblem(serializers.Serializer[Any]):
    """One wrong field, or one face of a photo."""

    field = serializers.CharField()
    code = serializers.CharField()
    detail = serializers.CharField()


class Problem(serializers.Serializer[Any]):
    """An error (RFC 9457). `code` is stable and meant for programs, `detail` for people."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    code = serializers.CharField()
    detail = serializers.CharField()
    request_id = serializers.CharField()
    errors = FieldProblem(many=True)  # type: ignore[assignment] # also a property of serializers


class ProblemSchema(AutoSchema):
    """Adds a view's `query_serializer_class` and the error answers to every operation."""

    def get_override_parameters(self) -> list[Any]:
        """Describe the parameters after the `?`."""
        if self.method == "POST" and getattr(self.view, "repeatable", False):
            return [_IDEMPOTENCY_KEY]
        kind = getattr(self.view, "query_serializer_class", None) if self.method == "GET" else None
        return [kind] if kind and kind().fields else []

    def get_summary(self) -> str | None:
        """Use the first sentence of the method's docstring."""
        return re.split(r"\.(?:\s|$)", str(self.get_description()).strip())[0].replace("\n", " ")

    def _get_response_bodies(self, direction: _Direction = "response") -> dict[str, Any]:
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        describe: Any = self._get_response_for_code
        for status, meaning in self._errors().items():
            if status not in bodies:
                answer = describe(Problem, status, [CONTENT_TYPE], direction)
                bodies[status] = answer | {"description": meaning}
        return bodies

    def _errors(self) -> dict[str, str]:
        errors = dict(_ALWAYS)
        if "{" in self.path:
            errors |= _IN_PATH
        if self.method in _WITH_BODY:
            errors |= _BODY
        return dict(sorted(errors.items()))


BINARY = {"type": "string", "format": "binary"}
