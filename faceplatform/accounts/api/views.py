"""Base of every API view: asks the policy table, then refuses what no view should meet."""

from typing import Any, ClassVar

from django.db.models import Model
from rest_framework import exceptions
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.views import APIView

from faceplatform.accounts.access import METHODS, action_of, api_principal
from faceplatform.accounts.policy import Action
from faceplatform.accounts.principal import Principal
from faceplatform.core.api.query import StrictQuery, read_query
from faceplatform.core.api.requests import check_body, check_url
from faceplatform.core.api.schema import ProblemSchema


class ApiView(APIView):
    """One address of the API.

    `actions` maps HTTP methods to actions of the policy table; `path_models` maps arguments of
    the URL to the models they are ids of; `query_serializer_class` describes the parameters after
    the `?` per method, all others are refused; `max_body` is in bytes.
    """

    http_method_names = [*METHODS, "head"]
    actions: ClassVar[dict[str, Action]] = {}
    path_models: ClassVar[dict[str, type[Model]]] = {}
    query_serializer_class: ClassVar[type[StrictQuery]] = StrictQuery
    max_body: ClassVar[int] = 1024 * 1024
    schema = ProblemSchema()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuse, in this order: method, key in the URL, stranger, policy, body, parameters."""
        if action_of(self.actions, request.method) is None:
            raise exceptions.MethodNotAllowed(str(request.method))
        check_url(request)
        super().initial(request, *args, **kwargs)
        check_body(request, most=self.max_body)
        self.query = read_query(self.query_serializer_class, request)

    @property
    def principal(self) -> Principal:
        """Who asks."""
        return api_principal(self.request)


class ApiGenericView(ApiView, GenericAPIView[Any]):
    """An address with a queryset and a serializer, which the schema is read from."""
