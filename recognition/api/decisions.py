"""How the answer for one face was decided, as JSON."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from faceplatform.accounts.policy import Action
from recognition.api.fields import NamedSerializer, ScoreField, picture_or_none
from recognition.api.galleries import ThresholdSerializer
from recognition.api.images import BoxField, LandmarksField
from recognition.api.probes import BelowProbeFace
from recognition.models import Decision
from recognition.selectors.decisions import FaceDecision, ScoredCandidate, decision_of


class QualityPartSerializer(serializers.Serializer[Any]):
    """One part of a face's quality."""

    name = serializers.CharField()
    value = serializers.FloatField()
    low = serializers.FloatField(allow_null=True, help_text="Least value that was allowed.")
    high = serializers.FloatField(allow_null=True, help_text="Greatest value that was allowed.")
    share = ScoreField(allow_null=True, help_text="Factor 0 to 1 of the overall quality.")
    missed = serializers.BooleanField(help_text="Whether the face missed this limit.")


class ComponentSerializer(serializers.Serializer[Any]):
    """The score of one network."""

    model = serializers.CharField()
    score = ScoreField()


class ScoredCandidateSerializer(serializers.Serializer[ScoredCandidate]):
    """One of the nearest people and how the score was made."""

    identity = NamedSerializer(source="candidate.identity")
    score = ScoreField(source="candidate.score")
    above_threshold = serializers.BooleanField(source="candidate.above_threshold")
    margin = ScoreField(help_text="Score minus threshold.")
    components = ComponentSerializer(many=True)
    image_id = serializers.UUIDField(source="candidate.best_face.pk")
    input_url = serializers.SerializerMethodField()

    def get_input_url(self, one: ScoredCandidate) -> str | None:
        """Return a link to the stored image's crop as the network got it."""
        face = one.candidate.best_face
        return picture_or_none(self.context, kind="input", face_id=face.pk)


class InputSerializer(serializers.Serializer[Any]):
    """How a box becomes what the network gets."""

    size = serializers.IntegerField(help_text="Pixels of each side.")
    margin = serializers.IntegerField(help_text="Pixels around the box, at that size.")
    flip = serializers.BooleanField(help_text="Whether the mirror image is averaged in.")


class DecidedBySerializer(serializers.Serializer[Any]):
    """What looked at the face."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    backbone = serializers.CharField()
    digest = serializers.CharField()


class FaceDecisionSerializer(serializers.Serializer[FaceDecision]):
    """Everything behind the answer for one face."""

    probe_id = serializers.UUIDField(source="probe.pk")
    number = serializers.IntegerField(source="face.number")
    faces = serializers.IntegerField(help_text="How many faces the photo has.")
    decision = serializers.ChoiceField(source="face.decision", choices=Decision.choices)
    reason = serializers.CharField(source="face.reason")
    sentence = serializers.CharField(source="face.sentence")
    stranger_rate = serializers.CharField(source="face.stranger_rate")
    score = ScoreField(source="face.score", allow_null=True)
    threshold = ThresholdSerializer()
    box = BoxField(source="face.box")
    landmarks = LandmarksField(source="face.landmarks")
    detector = serializers.CharField(help_text="With its settings.")
    model = DecidedBySerializer(source="version")
    engine = serializers.CharField(help_text="What ran the network, and how precisely.")
    input = InputSerializer(source="preprocessing")
    input_url = serializers.SerializerMethodField()
    quality = ScoreField(source="face.quality")
    quality_limit = serializers.FloatField(help_text="Least overall quality that was allowed.")
    quality_parts = QualityPartSerializer(source="parts", many=True)
    candidates = ScoredCandidateSerializer(many=True)
    timings = serializers.DictField(
        source="probe.timings",
        child=serializers.FloatField(),
        help_text="Milliseconds per step, for all faces of the photo together.",
    )

    def get_input_url(self, made: FaceDecision) -> str | None:
        """Return a link to the face's crop as the network got it, if the photo is kept."""
        if made.probe.photo_id is None:
            return None
        return picture_or_none(self.context, kind="input", probe_face_id=made.face.face.pk)


class FaceDecisionView(BelowProbeFace):
    """How one face was decided."""

    actions = {"GET": Action.PROBE_VIEW}

    @extend_schema(operation_id="face_decision", responses=FaceDecisionSerializer)
    def get(self, request: Request, probe_id: UUID, number: int) -> Response:
        """Show box, points, quality with its limits, candidates, threshold and times."""
        return self.answer(FaceDecisionSerializer, decision_of(self.face(probe_id, number)))
