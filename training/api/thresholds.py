"""The threshold that a gallery decides by: read, apply from an evaluation, take back."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from faceplatform.accounts.policy import Action
from faceplatform.core.api.fields import StrictSerializer
from faceplatform.core.errors import Unprocessable
from recognition.api.base import BelowGallery
from recognition.api.fields import ScoreField
from recognition.models import Gallery
from recognition.selectors.evaluated import evidence_of
from recognition.selectors.thresholds import threshold_of
from recognition.services.thresholds import reset_threshold
from training.api.base import named_row
from training.models import Evaluation
from training.services.applying import apply_evaluation


class NewThreshold(StrictSerializer):
    """Which threshold of which evaluation."""

    evaluation_id = serializers.UUIDField()
    target = serializers.ChoiceField(choices=["fpir", "fmr"])
    rate = serializers.FloatField(min_value=1e-9, max_value=0.5)


class AppliedSerializer(serializers.Serializer[Any]):
    """What an evaluation says about the threshold. Rates are shares, 0 to 1."""

    evaluation_id = serializers.UUIDField(source="evaluation")
    target = serializers.CharField()
    rate = serializers.FloatField(source="target_rate")
    score_kind = serializers.CharField()
    fmr = serializers.FloatField()
    fpir = serializers.FloatField()
    fpir_low = serializers.FloatField()
    fpir_high = serializers.FloatField()
    misses = serializers.FloatField(allow_null=True)
    misses_low = serializers.FloatField(allow_null=True)
    misses_high = serializers.FloatField(allow_null=True)
    evaluated_at = serializers.DateTimeField()
    applied_at = serializers.DateTimeField(source="created_at")


class GalleryThresholdSerializer(serializers.Serializer[Any]):
    """The threshold in use with its evidence, and what has changed since."""

    value = ScoreField()
    source = serializers.CharField(  # type: ignore[assignment] # also the name of an option
        help_text="`default` or `evaluation`."
    )
    text = serializers.CharField()
    applied = AppliedSerializer(allow_null=True)
    warnings = serializers.ListField(child=serializers.CharField())


class ThresholdView(BelowGallery):
    """The threshold of one gallery."""

    actions = {
        "GET": Action.GALLERY_VIEW,
        "PUT": Action.THRESHOLD_APPLY,
        "DELETE": Action.THRESHOLD_APPLY,
    }

    @extend_schema(responses=GalleryThresholdSerializer)
    def get(self, request: Request, gallery_id: UUID) -> Response:
        """Show the threshold in use, the evaluation behind it, and what changed since."""
        return self._show(self.gallery(gallery_id))

    @extend_schema(request=NewThreshold, responses=GalleryThresholdSerializer)
    def put(self, request: Request, gallery_id: UUID) -> Response:
        """Apply a threshold of an evaluation of this gallery, by the rate that it offers."""
        gallery = self.gallery(gallery_id)
        body = self.body(NewThreshold)
        evaluation: Evaluation = named_row(Evaluation, self.principal, body["evaluation_id"])
        if evaluation.gallery_id != gallery.pk:
            raise Unprocessable("other_gallery", "This evaluation is of another gallery.")
        apply_evaluation(
            evaluation=evaluation,
            target=body["target"],
            rate=body["rate"],
            actor=self.principal.actor,
        )
        return self._show(gallery)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, gallery_id: UUID) -> Response:
        """Go back to the default threshold."""
        reset_threshold(gallery=self.gallery(gallery_id), actor=self.principal.actor)
        return Response(status=204)

    def _show(self, gallery: Gallery) -> Response:
        info, evidence = threshold_of(gallery), evidence_of(gallery)
        record = {
            "value": info.value,
            "source": info.source,
            "text": info.text,
            "applied": evidence.threshold if evidence else None,
            "warnings": list(evidence.warnings) if evidence else [],
        }
        return self.answer(GalleryThresholdSerializer, record)
