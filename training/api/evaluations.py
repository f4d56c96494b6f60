"""Evaluations: start, follow, read the report, delete."""

from typing import Any
from uuid import UUID

from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from faceplatform.accounts.api.views import ApiView
from faceplatform.accounts.policy import Action
from faceplatform.core.api.fields import StrictSerializer, TextField, WholeNumberField
from faceplatform.core.api.jobs import JobSerializer
from faceplatform.core.api.pagination import IdCursorPagination
from faceplatform.core.errors import DomainError
from recognition.api.fields import NamedSerializer, ScoreField, address
from recognition.models import Gallery, ModelVersion
from training.api.base import BelowEvaluation, evaluations_of, named_row
from training.models import Dataset, Evaluation, ProtocolKind
from training.services.evaluations import (
    MAX_SEED,
    PairsFile,
    Source,
    cancel_evaluation,
    delete_evaluation,
    start_evaluation,
)
from training.services.exports import stored_report
from training.services.pair_files import MAX_BYTES

_PAIRS_HELP = "CSV of protocol `pairs`: image, image, mated or nonmated; by path or id."


class NewEvaluation(StrictSerializer):
    """What is measured, and how. Give either a gallery or a dataset."""

    gallery_id = serializers.UUIDField(required=False)
    dataset_id = serializers.UUIDField(required=False)
    part = serializers.ChoiceField(choices=["train", "val", "test"], required=False)
    protocol = serializers.ChoiceField(choices=ProtocolKind.choices)
    model_id = serializers.UUIDField(required=False, help_text="Default: the one in use.")
    other_model_id = serializers.UUIDField(required=False, help_text="For protocol `models`.")
    seed = WholeNumberField(min_value=0, max_value=MAX_SEED, required=False)
    pairs = TextField(max_length=MAX_BYTES, required=False, help_text=_PAIRS_HELP)


class ChoiceSerializer(serializers.Serializer[Any]):
    """A threshold on offer, and what it costs. Rates are shares, 0 to 1."""

    target = serializers.ChoiceField(choices=["fpir", "fmr"])
    rate = serializers.FloatField(help_text="The rate that was asked for.")
    threshold = ScoreField()
    fmr = serializers.FloatField()
    fpir = serializers.FloatField()
    fpir_low = serializers.FloatField()
    fpir_high = serializers.FloatField()
    misses = serializers.FloatField(allow_null=True, help_text="Enrolled people not named.")
    misses_low = serializers.FloatField(allow_null=True)
    misses_high = serializers.FloatField(allow_null=True)
    sound = serializers.BooleanField(help_text="Whether at least 30 errors were counted.")


class EvaluationSerializer(serializers.Serializer[Evaluation]):
    """One protocol on one set of faces under one model."""

    id = serializers.UUIDField()
    url = serializers.SerializerMethodField()
    gallery_id = serializers.UUIDField(allow_null=True)
    dataset_id = serializers.UUIDField(allow_null=True)
    part = serializers.CharField()
    protocol = serializers.ChoiceField(choices=ProtocolKind.choices)
    seed = serializers.IntegerField()
    model = NamedSerializer(source="model_version")
    headline = serializers.SerializerMethodField(help_text="Empty until there is a report.")
    job = JobSerializer(allow_null=True)
    created_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)

    def get_url(self, evaluation: Evaluation) -> str:
        """Return the evaluation's address in the API."""
        return address("api_evaluation", evaluation.pk)

    def get_headline(self, evaluation: Evaluation) -> str:
        """Return the finding in one sentence."""
        return str((evaluation.report or {}).get("headline", ""))


class EvaluationDetail(EvaluationSerializer):
    """An evaluation with the thresholds that may be applied."""

    choices = serializers.SerializerMethodField()

    def get_choices(self, evaluation: Evaluation) -> list[dict[str, Any]]:
        """Return the thresholds on offer."""
        offered = (evaluation.report or {}).get("choices", [])
        return list(ChoiceSerializer(offered, many=True).data)


class EvaluationsView(ApiView):
    """The organization's evaluations."""

    actions = {"GET": Action.EVALUATION_VIEW, "POST": Action.EVALUATION_RUN}
    pagination_class = IdCursorPagination
    repeatable = True
    max_body = MAX_BYTES + 64 * 1024

    @extend_schema(responses=EvaluationSerializer(many=True))
    def get(self, request: Request) -> Response:
        """List evaluations, newest first."""
        return self.page(EvaluationSerializer, evaluations_of(self.principal))

    @extend_schema(
        operation_id="evaluation_start",
        request=NewEvaluation,
        responses={202: EvaluationDetail},
    )
    def post(self, request: Request) -> Response:
        """Start an evaluation. Answers at once; `job` tells how far it is."""
        body = self.body(NewEvaluation)
        if ("gallery_id" in body) == ("dataset_id" in body):
            raise DomainError("source_missing", "Give either a gallery or a dataset.")
        who = self.principal
        source = Source(
            gallery=named_row(Gallery, who, body.get("gallery_id")),
            dataset=named_row(Dataset, who, body.get("dataset_id")),
            part=body.get("part", ""),
        )
        model = named_row(ModelVersion, who, body.get("model_id"))
        other = named_row(ModelVersion, who, body.get("other_model_id"))

        def make() -> UUID:
            text = body.get("pairs")
            return start_evaluation(
                source=source,
                protocol=body["protocol"],
                model_version=model,
                other_version=other,
                seed=body.get("seed", 0),
                pairs=PairsFile("pairs.csv", text.encode()) if text else None,
                actor=who.actor,
            ).pk

        def show(pk: UUID) -> Response:
            found = get_object_or_404(evaluations_of(who), pk=pk)
            response = self.answer(EvaluationDetail, found, status=202)
            response["Location"] = address("api_evaluation", pk)
            return response

        return self.make(make, show)


class EvaluationView(BelowEvaluation):
    """One evaluation."""

    actions = {"GET": Action.EVALUATION_VIEW, "DELETE": Action.EVALUATION_DELETE}

    @extend_schema(responses=EvaluationDetail)
    def get(self, request: Request, evaluation_id: UUID) -> Response:
        """Show an evaluation with its job and the thresholds on offer."""
        return self.answer(EvaluationDetail, self.evaluation(evaluation_id))

    @extend_schema(responses={204: None})
    def delete(self, request: Request, evaluation_id: UUID) -> Response:
        """Delete an evaluation; 409 `evaluation_in_use` while a gallery decides by it."""
        delete_evaluation(evaluation=self.evaluation(evaluation_id), actor=self.principal.actor)
        return Response(status=204)


class CancelView(BelowEvaluation):
    """Stopping one evaluation."""

    actions = {"POST": Action.EVALUATION_RUN}

    @extend_schema(
        operation_id="evaluation_cancel", request=None, responses={202: EvaluationDetail}
    )
    def post(self, request: Request, evaluation_id: UUID) -> Response:
        """Stop an evaluation; 409 `evaluation_over` when it is finished."""
        cancel_evaluation(evaluation=self.evaluation(evaluation_id), actor=self.principal.actor)
        return self.answer(EvaluationDetail, self.evaluation(evaluation_id), status=202)


class ReportView(BelowEvaluation):
    """The report of one evaluation."""

    actions = {"GET": Action.EVALUATION_VIEW}

    @extend_schema(operation_id="evaluation_report", responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, evaluation_id: UUID) -> Response:
        """Send every figure and curve; images are named by id. 409 until it is finished."""
        return Response(stored_report(self.evaluation(evaluation_id)).to_dict())
