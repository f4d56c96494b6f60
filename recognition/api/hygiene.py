"""Looking through a gallery, and what was found."""

from typing import Any, ClassVar
from uuid import UUID

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from faceplatform.accounts.access import PathModels
from faceplatform.accounts.api.views import ApiView
from faceplatform.accounts.policy import Action
from faceplatform.core.api.fields import StrictSerializer, TruthField
from faceplatform.core.api.jobs import JobSerializer
from faceplatform.core.api.pagination import IdCursorPagination
from faceplatform.core.api.query import StrictQuery
from recognition.api.base import BelowGallery
from recognition.api.fields import NamedSerializer, ScoreField, address, picture_or_none
from recognition.models import FaceImage, FindingKind, HygieneFinding
from recognition.selectors.hygiene import findings_of
from recognition.services.hygiene import dismiss, start_hygiene


class FindingImage(serializers.Serializer[FaceImage]):
    """One image of a finding."""

    id = serializers.UUIDField()
    identity = NamedSerializer()
    path = serializers.CharField()
    crop = serializers.SerializerMethodField(help_text="Works for minutes, for this caller only.")

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_crop(self, face: FaceImage) -> Any:
        """Return a signed link."""
        return picture_or_none(self.context, kind="crop", face_id=face.pk)


class FindingSerializer(serializers.Serializer[HygieneFinding]):
    """One image, or a pair, that is worth a look."""

    id = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=FindingKind.choices)
    severity = serializers.FloatField(help_text="Orders findings of one kind, the worst first.")
    image = FindingImage(source="face")
    other = FindingImage(allow_null=True, help_text="The image it is compared with.")
    score = ScoreField(allow_null=True, help_text="Score of the two images.")
    own = ScoreField(allow_null=True, help_text="Best score against the person's other images.")
    reasons = serializers.SerializerMethodField(help_text="Codes of the quality limits missed.")
    dismissed_at = serializers.DateTimeField(allow_null=True)

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_reasons(self, finding: HygieneFinding) -> list[str]:
        """Return the codes."""
        return finding.reasons.split(",") if finding.reasons else []


class HygieneStarted(serializers.Serializer[Any]):
    """A look through a gallery that has begun."""

    id = serializers.UUIDField()
    job = JobSerializer()


class FindingQuery(StrictQuery):
    """Which findings to list."""

    kind = serializers.ChoiceField(choices=FindingKind.choices, required=False)


class NewDismissal(StrictSerializer):
    """Whether the finding is set aside, or opened again."""

    dismissed = TruthField()


class HygieneView(BelowGallery):
    """What was found in one gallery."""

    actions = {"GET": Action.IDENTITY_VIEW, "POST": Action.REVIEW_DECIDE}
    query_serializer_class = FindingQuery
    pagination_class = IdCursorPagination

    @extend_schema(operation_id="hygiene_list", responses=FindingSerializer(many=True))
    def get(self, request: Request, gallery_id: UUID) -> Response:
        """List findings that still hold, as the last look through the gallery left them."""
        rows = findings_of(self.gallery(gallery_id), kind=self.query.get("kind", ""))
        return self.page(FindingSerializer, rows)

    @extend_schema(operation_id="hygiene_start", request=None, responses={202: HygieneStarted})
    def post(self, request: Request, gallery_id: UUID) -> Response:
        """Compare every image with every other, as a job. 409 `already_running` while one runs."""
        run = start_hygiene(gallery=self.gallery(gallery_id), actor=self.principal.actor)
        response = self.answer(HygieneStarted, run, status=202)
        response["Location"] = address("api_job", run.job_id)
        return response


class FindingView(ApiView):
    """One finding."""

    actions = {"PATCH": Action.REVIEW_DECIDE}
    path_models: ClassVar[PathModels] = {"finding_id": HygieneFinding}

    @extend_schema(request=NewDismissal, responses=FindingSerializer)
    def patch(self, request: Request, finding_id: UUID) -> Response:
        """Set a finding aside for good, or open it again."""
        rows = HygieneFinding.objects.visible_to(self.principal).select_related(
            "face__identity", "other__identity"
        )
        finding = get_object_or_404(rows, pk=finding_id)
        back = not self.body(NewDismissal)["dismissed"]
        dismiss(finding=finding, actor=self.principal.actor, back=back)
        return self.answer(FindingSerializer, finding)
