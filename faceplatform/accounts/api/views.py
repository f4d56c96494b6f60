"""Base of every API view: asks the policy table, then refuses what no view should meet."""

from collections.abc import Callable
from typing import Any, ClassVar
from uuid import UUID

from django.db.models import QuerySet
from rest_framework import exceptions
from rest_framework.pagination import CursorPagination
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.views import APIView

from faceplatform.accounts.access import (
    METHODS,
    Actions,
    PathModels,
    PolicyPermission,
    action_of,
    api_principal,
)
from faceplatform.accounts.api import schema as _schema  # noqa: F401 (registers itself)
from faceplatform.accounts.principal import Principal
from faceplatform.core.api.pagination import IdCursorPagination
from faceplatform.core.api.parsers import StrictJsonParser
from faceplatform.core.api.problems import CONTENT_TYPE
from faceplatform.core.api.query import StrictQuery, read_query
from faceplatform.core.api.repeats import key_of, run_once
from faceplatform.core.api.requests import check_body, check_url
from faceplatform.core.api.schema import ProblemSchema

SerializerClass = type[BaseSerializer[Any]]


class ApiView(APIView):
    """One address of the API.

    `actions` maps HTTP methods to actions of the policy table; `path_models` maps arguments of
    the URL to the models they are ids of. `query_serializer_class` describes the parameters of
    GET after the `?`, all others are refused; `self.query` holds them validated. `max_body` is in
    bytes. `pagination_class` is set where GET answers pages. `repeatable` says that POST goes
    through `make` and so knows Idempotency-Key.
    """

    http_method_names = [*METHODS, "head"]
    permission_classes = [PolicyPermission]
    parser_classes = [StrictJsonParser]
    actions: ClassVar[Actions] = {}
    path_models: ClassVar[PathModels] = {}
    query_serializer_class: ClassVar[type[StrictQuery]] = StrictQuery
    pagination_class: ClassVar[type[CursorPagination] | None] = None
    max_body: ClassVar[int] = 1024 * 1024
    repeatable: ClassVar[bool] = False
    schema = ProblemSchema()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuse, in this order: method, key in the URL, stranger, policy, body, parameters."""
        if action_of(self.actions, request.method) is None:
            raise exceptions.MethodNotAllowed(str(request.method))
        check_url(request)
        super().initial(request, *args, **kwargs)
        check_body(request, most=self.max_body)
        reads = request.method in {"GET", "HEAD"}
        self.query: dict[str, Any] = read_query(
            self.query_serializer_class if reads else StrictQuery,
            request,
            paged=reads and self.pagination_class is not None,
        )

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Let nobody on the way keep an answer, unless the view says so."""
        final = super().finalize_response(request, response, *args, **kwargs)
        final.headers.setdefault("Cache-Control", "no-store")
        return final

    def handle_exception(self, exc: Exception) -> Response:
        """Answer a refusal as problem+json, also where the address answers CSV or HTML."""
        response = super().handle_exception(exc)
        self.request.accepted_renderer = JSONRenderer()
        self.request.accepted_media_type = CONTENT_TYPE
        return response

    @property
    def principal(self) -> Principal:
        """Who asks."""
        return api_principal(self.request)

    def body(self, kind: SerializerClass, *, partial: bool = False) -> dict[str, Any]:
        """Return the validated body."""
        serializer = kind(data=self.request.data, partial=partial)
        serializer.is_valid(raise_exception=True)
        validated: dict[str, Any] = serializer.validated_data
        return validated

    def answer(self, kind: SerializerClass, value: object, *, status: int = 200) -> Response:
        """Return one object."""
        return Response(kind(value, context={"principal": self.principal}).data, status=status)

    def make(self, make: Callable[[], UUID], show: Callable[[UUID], Response]) -> Response:
        """Make a row and show it; under an Idempotency-Key at most once.

        A repetition is shown the row as it is now, 404 if it is gone.
        """
        key = key_of(self.request)
        organization_id = self.principal.organization_id
        if key is None or organization_id is None:
            return show(make())
        row, fresh = run_once(
            make,
            request=self.request,
            key=key,
            caller=self.principal.caller,
            organization_id=organization_id,
        )
        response = show(row)
        if not fresh:
            response["Idempotency-Replayed"] = "true"
        return response

    def page(self, kind: SerializerClass, rows: QuerySet[Any]) -> Response:
        """Return the page of the rows that was asked for."""
        paginator = (self.pagination_class or IdCursorPagination)()
        found = paginator.paginate_queryset(rows, self.request, view=self)
        serializer = kind(found, many=True, context={"principal": self.principal})
        return paginator.get_paginated_response(serializer.data)
