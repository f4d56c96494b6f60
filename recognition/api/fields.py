"""Fields that several serializers of this app share."""

from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.urls import reverse
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from faceplatform.accounts.policy import Action, allows
from faceplatform.core.api.schema import BINARY
from recognition.services.pictures import picture_url

MAX_PHOTO_BODY = 25 * 1024 * 1024
"""Bytes of a request with one photo: the engine's own limit is 20 MiB, the rest is the form."""


class ScoreField(serializers.FloatField):
    """A score with three decimals: more would help to rebuild a face from its scores."""

    def to_representation(self, value: Any) -> Any:
        """Return the rounded score."""
        return round(float(value), 3)


class PixelField(serializers.FloatField):
    """A coordinate in pixels of the upright photo, with one decimal."""

    def to_representation(self, value: Any) -> Any:
        """Return the rounded coordinate."""
        return round(float(value), 1)


@extend_schema_field(BINARY)
class UploadField(serializers.FileField):
    """A file of a form. What it holds is the service's to judge."""

    def __init__(self, **options: Any) -> None:
        super().__init__(use_url=False, **options)

    def fail(self, key: str, **values: Any) -> Any:
        """Give what is not there, or empty, the code that callers know."""
        code = "file_empty" if key == "empty" else "file_missing"
        raise serializers.ValidationError("Send a file in this field.", code=code)


class NamedSerializer(serializers.Serializer[Any]):
    """A row by id and name."""

    id = serializers.UUIDField()
    name = serializers.CharField()


def read_upload(upload: UploadedFile) -> bytes:
    """Return the bytes of an uploaded file."""
    data: bytes = upload.read()
    return data


def picture_or_none(context: dict[str, Any], *, kind: Any, **row: Any) -> str | None:
    """Return a link to a picture for the caller, None where they may not see pictures."""
    principal = context["principal"]
    if not allows(principal, Action.PICTURE_VIEW):
        return None
    return picture_url(principal=principal, kind=kind, **row)


def may_read_answers(context: dict[str, Any]) -> bool:
    """Whether the caller may ask for stored answers again."""
    return allows(context["principal"], Action.PROBE_VIEW)


def address(name: str, *arguments: Any) -> str:
    """Return the path of an address of the API."""
    return reverse(name, args=arguments)
