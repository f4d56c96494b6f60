"""The networks that templates are made with."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from faceplatform.accounts.api.views import ApiView
from faceplatform.accounts.policy import Action
from faceplatform.core.api.pagination import IdCursorPagination
from recognition.models import ModelVersion


class ModelSerializer(serializers.Serializer[ModelVersion]):
    """A network with its weights and preprocessing. Templates of two are never compared."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    backbone = serializers.CharField()
    digest = serializers.CharField()
    dimension = serializers.IntegerField()
    numeric_class = serializers.CharField()
    built_in = serializers.SerializerMethodField()
    licence = serializers.SerializerMethodField()
    training_data = serializers.SerializerMethodField()
    created_at = serializers.DateTimeField()

    def get_built_in(self, version: ModelVersion) -> bool:
        """Whether the platform brought it."""
        return version.organization_id is None

    def get_licence(self, version: ModelVersion) -> str:
        """Return the licence of the weights."""
        return _text(version.specification, "licence")

    def get_training_data(self, version: ModelVersion) -> str:
        """Return what it was trained on."""
        return _text(version.specification, "training_data")


class ModelsView(ApiView):
    """Built-in model versions and the organization's own."""

    actions = {"GET": Action.MODEL_VIEW}
    pagination_class = IdCursorPagination

    @extend_schema(responses=ModelSerializer(many=True))
    def get(self, request: Request) -> Response:
        """List model versions, newest first."""
        return self.page(ModelSerializer, ModelVersion.objects.visible_to(self.principal))


def _text(specification: dict[str, Any], key: str) -> str:
    return str(specification.get(key, ""))
