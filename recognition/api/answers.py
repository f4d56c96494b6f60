"""How the API shows an answer: `recognition.selectors.answers` as JSON."""

from typing import Any
from urllib.parse import urlencode

from django.db.models import Count, Q, QuerySet
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from recognition.api.fields import (
    NamedSerializer,
    ScoreField,
    address,
    may_read_answers,
    picture_or_none,
)
from recognition.api.galleries import ThresholdSerializer
from recognition.api.images import BoxField, LandmarksField, QualitySerializer
from recognition.models import Decision, Probe
from recognition.selectors.answers import Answer, CandidateInfo, FaceAnswer, SimilarImage


class SimilarSerializer(serializers.Serializer[SimilarImage]):
    """A stored image that resembles the probe's face."""

    image_id = serializers.UUIDField(source="face.pk")
    path = serializers.CharField()
    identity = NamedSerializer(allow_null=True)
    score = ScoreField()
    above_threshold = serializers.BooleanField()
    picture_url = serializers.SerializerMethodField()

    def get_picture_url(self, similar: SimilarImage) -> str | None:
        """Return a link to the crop."""
        return picture_or_none(self.context, kind="crop", face_id=similar.face.pk)


class SimilarPageSerializer(serializers.Serializer[Any]):
    """Similar images, best first. For an unknown they are the nearest, all below the threshold."""

    total = serializers.IntegerField()
    below_threshold = serializers.BooleanField()
    next = serializers.CharField(allow_null=True, help_text="Address of the next part.")
    results = SimilarSerializer(many=True)


class CandidateSerializer(serializers.Serializer[CandidateInfo]):
    """One of the nearest people with the image that is nearest."""

    identity = NamedSerializer()
    score = ScoreField()
    above_threshold = serializers.BooleanField()
    image_id = serializers.UUIDField(source="best_face.pk")
    picture_url = serializers.SerializerMethodField()

    def get_picture_url(self, candidate: CandidateInfo) -> str | None:
        """Return a link to the crop."""
        return picture_or_none(self.context, kind="crop", face_id=candidate.best_face.pk)


class FaceSerializer(serializers.Serializer[FaceAnswer]):
    """The answer for one face."""

    number = serializers.IntegerField(help_text="From 1, largest first.")
    box = BoxField()
    landmarks = LandmarksField()
    quality = serializers.SerializerMethodField()
    decision = serializers.ChoiceField(choices=Decision.choices)
    reason = serializers.CharField(help_text="Codes behind `low_quality`, with commas.")
    identity = NamedSerializer(allow_null=True)
    score = ScoreField(allow_null=True, help_text="Of the nearest image, known or not.")
    threshold = serializers.SerializerMethodField()
    stranger_rate = serializers.CharField(help_text="How rarely a stranger scores this high.")
    sentence = serializers.CharField()
    picture_url = serializers.SerializerMethodField()
    candidates = CandidateSerializer(many=True)
    similar = serializers.SerializerMethodField()

    @extend_schema_field(QualitySerializer)
    def get_quality(self, face: FaceAnswer) -> Any:
        """Return score and parts."""
        return QualitySerializer({"score": face.quality, "parts": face.quality_parts}).data

    @extend_schema_field(ScoreField)
    def get_threshold(self, face: FaceAnswer) -> float:
        """Return the threshold that was used."""
        return round(float(face.face.probe.threshold["value"]), 3)

    def get_picture_url(self, face: FaceAnswer) -> str | None:
        """Return a link to the crop of the probe's face, if its photo is kept."""
        if face.face.probe.photo_id is None:
            return None
        return picture_or_none(self.context, kind="crop", probe_face_id=face.face.pk)

    @extend_schema_field(SimilarPageSerializer)
    def get_similar(self, face: FaceAnswer) -> Any:
        """Return the first part of the similar images."""
        page = {
            "total": face.similar_total,
            "below_threshold": face.similar_below_threshold,
            "next": self._next(face),
            "results": face.similar,
        }
        return SimilarPageSerializer(page, context=self.context).data

    def _next(self, face: FaceAnswer) -> str | None:
        shown = len(face.similar)
        if shown >= face.similar_total or not may_read_answers(self.context):
            return None
        return similar_address(face.face.probe_id, face.number, offset=shown)


class AnswerSerializer(serializers.Serializer[Answer]):
    """Everything that was answered about one photo. A photo without a face has no `faces`."""

    id = serializers.UUIDField(source="probe.pk", help_text="Of the probe.")
    name = serializers.CharField(source="probe.name")
    gallery = NamedSerializer()
    width = serializers.IntegerField(source="probe.width")
    height = serializers.IntegerField(source="probe.height")
    picture_url = serializers.SerializerMethodField()
    threshold = ThresholdSerializer()
    sentence = serializers.CharField()
    note = serializers.SerializerMethodField(help_text="`no_face` or empty.")
    faces = FaceSerializer(many=True)
    timings = serializers.DictField(
        child=serializers.FloatField(), help_text="Milliseconds per step."
    )
    created_at = serializers.DateTimeField(source="probe.created_at")
    expires_at = serializers.DateTimeField(source="probe.expires_at", allow_null=True)

    def get_picture_url(self, answer: Answer) -> str | None:
        """Return a link to the photo at screen size, if it is kept."""
        if answer.probe.photo_id is None:
            return None
        return picture_or_none(self.context, kind="screen", photo_id=answer.probe.photo_id)

    def get_note(self, answer: Answer) -> str:
        """Return the code of an answer without faces."""
        return "" if answer.faces else "no_face"


class ProbeSerializer(serializers.Serializer[Probe]):
    """A probe in a list."""

    id = serializers.UUIDField()
    url = serializers.SerializerMethodField()
    gallery_id = serializers.UUIDField()
    name = serializers.CharField()
    faces = serializers.IntegerField(source="faces_found")
    identified = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True)

    def get_url(self, probe: Probe) -> str:
        """Return the probe's address in the API."""
        return address("api_probe", probe.pk)


def summarized(probes: "QuerySet[Probe]") -> "QuerySet[Probe]":
    """Add the numbers that a list shows."""
    return probes.annotate(
        faces_found=Count("faces"),
        identified=Count("faces", filter=Q(faces__decision=Decision.IDENTIFIED)),
    )


def similar_address(probe_id: Any, number: int, **parameters: Any) -> str:
    """Return the address of a part of a face's similar images."""
    return f"{address('api_similar', probe_id, number)}?{urlencode(parameters)}"
