"""Giving a gallery another model."""

from typing import Any
from uuid import UUID

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from faceplatform.accounts.policy import Action
from faceplatform.core.api.fields import StrictSerializer
from faceplatform.core.api.jobs import JobSerializer
from recognition.api.base import BelowGallery
from recognition.api.models import ModelSerializer
from recognition.selectors.versions import promotable
from recognition.services.promotion import earlier_versions, start_promotion


class NewModel(StrictSerializer):
    """Which model the gallery gets."""

    model_id = serializers.UUIDField()


class GalleryModelSerializer(serializers.Serializer[Any]):
    """The model of a gallery, and those that it can go back to at once."""

    model = ModelSerializer()
    earlier = ModelSerializer(many=True)


class GalleryModelView(BelowGallery):
    """A gallery's model."""

    actions = {"GET": Action.MODEL_VIEW, "POST": Action.MODEL_PROMOTE}

    @extend_schema(operation_id="gallery_model", responses=GalleryModelSerializer)
    def get(self, request: Request, gallery_id: UUID) -> Response:
        """Show the model in use and those whose templates are still there."""
        gallery = self.gallery(gallery_id)
        record = {"model": gallery.model_version, "earlier": earlier_versions(gallery)}
        return Response(GalleryModelSerializer(record).data)

    @extend_schema(
        operation_id="gallery_model_promote", request=NewModel, responses={202: JobSerializer}
    )
    def post(self, request: Request, gallery_id: UUID) -> Response:
        """Embed every face with another model, then switch; the same way leads back."""
        gallery = self.gallery(gallery_id)
        version = get_object_or_404(promotable(self.principal), pk=self.body(NewModel)["model_id"])
        job = start_promotion(gallery=gallery, version=version, actor=self.principal.actor)
        return self.answer(JobSerializer, job, status=202)
