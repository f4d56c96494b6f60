"""One photo, several people."""

from typing import Any
from uuid import UUID

from django.core.files.uploadedfile import UploadedFile
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from faceplatform.accounts.policy import Action
from faceplatform.core.api.fields import StrictSerializer, TextField, WholeNumberField
from recognition.api.base import BelowGallery, TakesPhotos
from recognition.api.fields import UploadField, read_upload
from recognition.api.images import ImageSerializer
from recognition.models import FaceImage, Identity
from recognition.services.enrollment import NamedFace, enroll_people
from recognition.services.identities import MAX_NAME

MOST_PEOPLE = 100


class PersonOfPhoto(StrictSerializer):
    """Who one face is: `identity` of somebody known, or `name` of somebody new."""

    face = WholeNumberField(
        min_value=1, max_value=100, help_text="Which face, from 1, largest first."
    )
    identity = serializers.UUIDField(required=False, help_text="A person of the gallery.")
    name = TextField(required=False, max_length=MAX_NAME)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Ask for one of the two."""
        if ("identity" in attrs) == ("name" in attrs):
            raise serializers.ValidationError("Give `identity` or `name`.", code="person_unclear")
        return attrs


@extend_schema_field(PersonOfPhoto(many=True))
class PeopleField(serializers.JSONField):
    """A JSON list in a form."""

    def to_internal_value(self, data: Any) -> Any:
        """Return the rows; refuse anything that is not a list of them."""
        rows = PersonOfPhoto(data=super().to_internal_value(data), many=True, allow_empty=False)
        rows.is_valid(raise_exception=True)
        if len(rows.validated_data) > MOST_PEOPLE:
            raise serializers.ValidationError("Too many people.", code="max_length")
        return rows.validated_data


class PhotoOfPeople(StrictSerializer):
    """A photo, and who its faces are."""

    image = UploadField()
    people = PeopleField(help_text='JSON: `[{"face": 1, "name": "Ada"}, …]`.')


class EnrolledPeople(serializers.Serializer[Any]):
    """The new images, in the order of `people`."""

    results = ImageSerializer(many=True)


class PhotosView(TakesPhotos, BelowGallery):
    """Photos of several people."""

    actions = {"POST": Action.IDENTITY_ENROLL}

    @extend_schema(
        operation_id="photos_enroll",
        request={"multipart/form-data": PhotoOfPeople},
        responses={201: EnrolledPeople},
    )
    def post(self, request: Request, gallery_id: UUID) -> Response:
        """Enroll several faces of one photo, each as another person: all of them, or none.

        An image that looks like somebody else is stored with the state `quarantined`. A refusal
        has the code of the first face that cannot be enrolled and names it in `errors`.
        """
        gallery = self.gallery(gallery_id)
        body = self.body(PhotoOfPeople)
        upload: UploadedFile = body["image"]
        rows = Identity.objects.filter(gallery=gallery)
        people = [
            NamedFace(
                one["face"],
                get_object_or_404(rows, pk=one["identity"]) if "identity" in one else None,
                one.get("name", ""),
            )
            for one in body["people"]
        ]
        stored = enroll_people(
            gallery=gallery,
            data=read_upload(upload),
            path=upload.name or "",
            people=people,
            actor=self.principal.actor,
        )
        images = FaceImage.objects.select_related("photo", "identity").in_bulk(
            [image.pk for image in stored]
        )
        results = [images[image.pk] for image in stored]
        return self.answer(EnrolledPeople, {"results": results}, status=201)
