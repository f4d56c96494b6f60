"""Look-alikes for play, frames of a webcam, and who else looks like a stored image."""

from typing import Any
from uuid import UUID

from django.core.files.uploadedfile import UploadedFile
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from faceplatform.accounts.policy import Action
from faceplatform.core.api.fields import StrictSerializer, WholeNumberField
from faceplatform.core.api.query import StrictQuery
from recognition.api.answers import CandidateSerializer
from recognition.api.base import BelowGallery, BelowImage, TakesPhotos
from recognition.api.fields import NamedSerializer, ScoreField, UploadField, picture_or_none
from recognition.api.galleries import ThresholdSerializer
from recognition.api.images import BoxField
from recognition.models import Decision
from recognition.selectors.answers import CandidateInfo
from recognition.selectors.look_alikes import resembling
from recognition.services.asking import MOST_CANDIDATES
from recognition.services.looking import LOOK_ALIKES, PLAY, find_look_alikes, look_live


class LookAlikeQuestion(StrictSerializer):
    """A photo, for play."""

    image = UploadField()
    top = WholeNumberField(min_value=1, max_value=MOST_CANDIDATES, default=LOOK_ALIKES)


class NearestSerializer(serializers.Serializer[CandidateInfo]):
    """Somebody who is near. Nothing is said about being the same person."""

    identity = NamedSerializer()
    score = ScoreField()
    image_id = serializers.UUIDField(source="best_face.pk")
    picture_url = serializers.SerializerMethodField()

    def get_picture_url(self, near: CandidateInfo) -> str | None:
        """Return a link to the crop."""
        return picture_or_none(self.context, kind="crop", face_id=near.best_face.pk)


class LookAlikesSerializer(serializers.Serializer[Any]):
    """The nearest people to one face."""

    number = serializers.IntegerField()
    box = BoxField()
    people = NearestSerializer(many=True)


class PlaySerializer(serializers.Serializer[Any]):
    """Look-alikes of every face of a photo."""

    play = serializers.BooleanField(help_text="Always true: this identifies nobody.")
    note = serializers.CharField()
    faces = LookAlikesSerializer(many=True)


class LiveQuestion(StrictSerializer):
    """A frame of a webcam."""

    image = UploadField()


class SeenSerializer(serializers.Serializer[Any]):
    """One face of a frame."""

    number = serializers.IntegerField()
    box = BoxField()
    decision = serializers.ChoiceField(choices=Decision.choices)
    identity = NamedSerializer(allow_null=True)
    score = ScoreField(allow_null=True)


class FrameSerializer(serializers.Serializer[Any]):
    """Who was seen in a frame."""

    width = serializers.IntegerField()
    height = serializers.IntegerField()
    faces = SeenSerializer(many=True)
    timings = serializers.DictField(child=serializers.FloatField())


class ResemblingQuery(StrictQuery):
    """How many people to show."""

    top = WholeNumberField(min_value=1, max_value=MOST_CANDIDATES, default=10)


class ResemblingSerializer(serializers.Serializer[Any]):
    """The nearest other people to a stored image."""

    image_id = serializers.UUIDField(source="face.pk")
    identity = NamedSerializer(source="face.identity", allow_null=True)
    threshold = ThresholdSerializer()
    own = CandidateSerializer(allow_null=True, help_text="The person's own nearest other image.")
    people = CandidateSerializer(many=True)


class LookAlikesView(TakesPhotos, BelowGallery):
    """Look-alikes, for play."""

    actions = {"POST": Action.IDENTIFY}

    @extend_schema(
        operation_id="look_alikes",
        request={"multipart/form-data": LookAlikeQuestion},
        responses={200: PlaySerializer},
    )
    def post(self, request: Request, gallery_id: UUID) -> Response:
        """Show the nearest people to every face: no threshold, no decision, nothing stored."""
        gallery = self.gallery(gallery_id)
        body = self.body(LookAlikeQuestion)
        image: UploadedFile = body["image"]
        faces = find_look_alikes(
            gallery=gallery, data=image.read(), actor=self.principal.actor, top=body["top"]
        )
        return self.answer(PlaySerializer, {"play": True, "note": PLAY, "faces": faces})


class LiveView(TakesPhotos, BelowGallery):
    """Frames of a webcam."""

    actions = {"POST": Action.IDENTIFY}

    @extend_schema(
        operation_id="identify_live",
        request={"multipart/form-data": LiveQuestion},
        responses={200: FrameSerializer},
    )
    def post(self, request: Request, gallery_id: UUID) -> Response:
        """Say who is in a frame. Neither the frame nor the answer is stored."""
        gallery = self.gallery(gallery_id)
        image: UploadedFile = self.body(LiveQuestion)["image"]
        frame = look_live(gallery=gallery, data=image.read(), actor=self.principal.actor)
        return self.answer(FrameSerializer, frame)


class ResemblingView(BelowImage):
    """Who else looks like a stored image."""

    actions = {"GET": Action.IDENTIFY}
    query_serializer_class = ResemblingQuery

    @extend_schema(operation_id="image_resembling", responses=ResemblingSerializer)
    def get(self, request: Request, image_id: UUID) -> Response:
        """Show the nearest other people of the image's gallery, best first."""
        found = resembling(self.image(image_id), top=self.query["top"])
        return self.answer(ResemblingSerializer, found)
