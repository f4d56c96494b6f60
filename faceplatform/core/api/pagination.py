"""Pages of lists: by id, so that they stay right while rows are added."""

from base64 import b64encode
from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import ValidationError as DjangoValidationError
from django.db.models import Model, QuerySet
from rest_framework import exceptions
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.request import Request
from rest_framework.views import APIView

MAX_PAGE = 200
_LIMIT_DETAIL = f"Ask for 1 to {MAX_PAGE} rows."


class IdCursorPagination(CursorPagination):
    """Newest first, 50 rows, at most 200 by `limit`. Anything unclear is refused."""

    ordering = "-pk"
    page_size = 50
    page_size_query_param = "limit"
    max_page_size = MAX_PAGE
    page_size_query_description = f"Rows per page, 1 to {MAX_PAGE}."
    cursor_query_description = "Where the page begins: take `next` or `previous` as they are."

    def paginate_queryset(
        self, queryset: QuerySet[Any], request: Request, view: APIView | None = None
    ) -> list[Any] | None:
        """Return the rows of the page that `cursor` names."""
        self._model: type[Model] = queryset.model
        return super().paginate_queryset(queryset, request, view)

    def get_page_size(self, request: Request) -> int:
        """Return the rows per page; DRF would turn a wrong `limit` into the default."""
        given = request.query_params.get("limit")
        if given is None:
            return self.page_size or MAX_PAGE
        if not (given.isascii() and given.isdigit() and len(given) < 10):
            raise _refused("limit", "limit_invalid", _LIMIT_DETAIL)
        if not 1 <= int(given) <= MAX_PAGE:
            raise _refused("limit", "limit_invalid", _LIMIT_DETAIL)
        return int(given)

    def decode_cursor(self, request: Request) -> Cursor | None:
        """Return the cursor; refuse one that was not made here."""
        given = request.query_params.get(self.cursor_query_param)
        refusal = _refused("cursor", "cursor_invalid", "Take the cursor from `next` as it is.")
        try:
            cursor = super().decode_cursor(request)
            if cursor is not None and (given != _encode(cursor) or not self._is_id(cursor)):
                raise refusal
        except exceptions.NotFound:
            raise refusal from None
        return cursor

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        """Add the limits to the schema."""
        parameters: list[Any] = super().get_schema_operation_parameters(view)
        for parameter in parameters:
            if parameter["name"] == self.page_size_query_param:
                parameter["schema"] |= {"minimum": 1, "maximum": MAX_PAGE, "default": 50}
        return parameters

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Leave out DRF's example addresses."""
        page: dict[str, Any] = super().get_paginated_response_schema(schema)
        for name in ("next", "previous"):
            page["properties"][name].pop("example", None)
        return page

    def _is_id(self, cursor: Cursor) -> bool:
        position: Any = cursor.position
        try:
            return bool(str(self._model._meta.pk.to_python(position)) == position)
        except DjangoValidationError:
            return False


class OldestFirst(IdCursorPagination):
    """The same from the other end, for logs and reports."""

    ordering = "pk"


def _encode(cursor: Cursor) -> str:
    """Write a cursor as `CursorPagination.encode_cursor` does; one with an offset is not ours."""
    tokens = {"r": "1"} if cursor.reverse else {}
    return b64encode(urlencode(tokens | {"p": cursor.position}).encode()).decode()


def _refused(field: str, code: str, detail: str) -> exceptions.ValidationError:
    return exceptions.ValidationError({field: [exceptions.ErrorDetail(detail, code=code)]})
