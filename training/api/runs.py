"""Training runs: recipes, start, follow, resume, files, delete."""

from typing import Any, ClassVar
from uuid import UUID

from django.http import FileResponse, Http404
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from faceplatform.accounts.access import PathModels
from faceplatform.accounts.api.views import ApiView
from faceplatform.accounts.policy import Action
from faceplatform.core.api.fields import StrictSerializer, TextField
from faceplatform.core.api.jobs import JobSerializer
from faceplatform.core.api.pagination import IdCursorPagination
from recognition.api.fields import NamedSerializer, address
from recognition.models import ModelVersion
from training.api.base import named_row
from training.models import Dataset, TrainingRun
from training.selectors.training_runs import recipe_infos
from training.services import run_files
from training.services.training import MAX_NAME, Wanted, delete_run, resume_run, start_run

_SETTINGS_HELP = "Settings of the recipe that differ from its defaults, by name."


class OptionSerializer(serializers.Serializer[Any]):
    """One setting of a recipe."""

    name = serializers.CharField()
    kind = serializers.ChoiceField(choices=["int", "float", "bool", "str"])
    default = serializers.JSONField()
    title = serializers.CharField(source="label")
    help = serializers.CharField()
    low = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True)
    choices = serializers.ListField(child=serializers.CharField())


class RecipeSerializer(serializers.Serializer[Any]):
    """One way to train, with its settings."""

    name = serializers.CharField()
    title = serializers.CharField()
    summary = serializers.CharField()
    components = serializers.IntegerField(help_text="Models it takes at least.")
    options = OptionSerializer(many=True)


class NewRun(StrictSerializer):
    """What is trained on what."""

    recipe = TextField(max_length=32)
    dataset_id = serializers.UUIDField()
    name = TextField(max_length=MAX_NAME, required=False)
    notes = TextField(max_length=4000, allow_blank=True, required=False)
    model_ids = serializers.ListField(
        child=serializers.UUIDField(),
        max_length=4,
        required=False,
        help_text="Default: the model of the dataset's gallery.",
    )
    settings = serializers.DictField(
        child=serializers.JSONField(), required=False, help_text=_SETTINGS_HELP
    )
    cloned_from = serializers.UUIDField(required=False)


class RunSerializer(serializers.Serializer[TrainingRun]):
    """One recipe on one dataset. Shares are 0 to 1."""

    id = serializers.UUIDField()
    url = serializers.SerializerMethodField()
    name = serializers.CharField()
    notes = serializers.CharField()
    recipe = serializers.CharField()
    config = serializers.DictField(help_text="All settings.")
    dataset_id = serializers.UUIDField(allow_null=True)
    dataset_digest = serializers.CharField()
    model = NamedSerializer(source="version", allow_null=True, help_text="What it made.")
    figures = serializers.SerializerMethodField(help_text="On the test part; empty before the end.")
    baseline = serializers.SerializerMethodField(help_text="The floor: naive Bayes.")
    job = JobSerializer(allow_null=True)
    created_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)

    def get_url(self, run: TrainingRun) -> str:
        """Return the run's address in the API."""
        return address("api_training_run", run.pk)

    def get_figures(self, run: TrainingRun) -> dict[str, float]:
        """Return the figures by name."""
        found: dict[str, float] = (run.result or {}).get("figures", {})
        return found

    def get_baseline(self, run: TrainingRun) -> dict[str, float]:
        """Return the figures of the floor by name."""
        found: dict[str, float] = (run.result or {}).get("baseline", {})
        return found


class RunDetail(RunSerializer):
    """A run with its epochs and files."""

    history = serializers.ListField(child=serializers.DictField(), help_text="One row an epoch.")
    environment = serializers.DictField()
    files = serializers.SerializerMethodField()

    def get_files(self, run: TrainingRun) -> dict[str, int]:
        """Return the sizes in bytes of the run's files by name."""
        return dict(run_files.list_files(run.pk))


class RecipesView(ApiView):
    """The recipes."""

    actions = {"GET": Action.TRAINING_VIEW}

    @extend_schema(operation_id="recipes_list", responses=RecipeSerializer(many=True))
    def get(self, request: Request) -> Response:
        """List the recipes with their settings and defaults."""
        return Response(RecipeSerializer(recipe_infos(), many=True).data)


class RunsView(ApiView):
    """The organization's runs."""

    actions = {"GET": Action.TRAINING_VIEW, "POST": Action.TRAINING_RUN}
    pagination_class = IdCursorPagination
    repeatable = True

    @extend_schema(responses=RunSerializer(many=True))
    def get(self, request: Request) -> Response:
        """List runs, newest first."""
        return self.page(RunSerializer, runs_of(self.principal))

    @extend_schema(operation_id="training_run_start", request=NewRun, responses={202: RunDetail})
    def post(self, request: Request) -> Response:
        """Start a run. Its job says how far it is and can be cancelled."""
        body = self.body(NewRun)
        dataset = named_row(Dataset, self.principal, body["dataset_id"])
        models = [named_row(ModelVersion, self.principal, pk) for pk in body.get("model_ids", [])]
        clone = named_row(TrainingRun, self.principal, body.get("cloned_from"))

        def make() -> UUID:
            return start_run(
                dataset=dataset,
                wanted=Wanted(body["recipe"], body.get("settings", {}), models),
                name=body.get("name", ""),
                notes=body.get("notes", ""),
                cloned_from=clone,
                actor=self.principal.actor,
            ).pk

        def show(pk: UUID) -> Response:
            run = get_object_or_404(runs_of(self.principal), pk=pk)
            response = self.answer(RunDetail, run, status=202)
            response["Location"] = address("api_training_run", pk)
            return response

        return self.make(make, show)


class BelowRun(ApiView):
    """Base of the addresses below one run."""

    path_models: ClassVar[PathModels] = {"run_id": TrainingRun}

    def run(self, run_id: UUID) -> TrainingRun:
        """Return the run with its job."""
        found: TrainingRun = get_object_or_404(runs_of(self.principal), pk=run_id)
        return found


class RunView(BelowRun):
    """One run."""

    actions = {"GET": Action.TRAINING_VIEW, "DELETE": Action.TRAINING_DELETE}

    @extend_schema(responses=RunDetail)
    def get(self, request: Request, run_id: UUID) -> Response:
        """Show a run with its epochs and files."""
        return self.answer(RunDetail, self.run(run_id))

    @extend_schema(responses={204: None})
    def delete(self, request: Request, run_id: UUID) -> Response:
        """Delete a run with its files; the model that it made stays."""
        delete_run(run=self.run(run_id), actor=self.principal.actor)
        return Response(status=204)


class RunResumeView(BelowRun):
    """Going on with a run."""

    actions = {"POST": Action.TRAINING_RUN}

    @extend_schema(operation_id="training_run_resume", request=None, responses={202: RunDetail})
    def post(self, request: Request, run_id: UUID) -> Response:
        """Go on where a cancelled or failed run stopped, from its last checkpoint."""
        resume_run(run=self.run(run_id), actor=self.principal.actor)
        return self.answer(RunDetail, self.run(run_id), status=202)


class FileRenderer(BaseRenderer):
    """Names the media type for the schema; the view sends the file by itself."""

    media_type = "application/octet-stream"
    format = "file"


class AlwaysFile(BaseContentNegotiation):
    """Whatever `Accept` says, there is nothing else to choose."""

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """Return the first renderer."""
        return renderers[0], renderers[0].media_type


class RunFileView(BelowRun):
    """One of a run's files."""

    actions = {"GET": Action.TRAINING_VIEW}
    renderer_classes = [FileRenderer]
    content_negotiation_class = AlwaysFile

    @extend_schema(
        operation_id="training_run_file",
        responses={(200, FileRenderer.media_type): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, run_id: UUID, name: str) -> FileResponse:
        """Send a checkpoint, the figures of every epoch, settings or environment."""
        path = run_files.find_file(self.run(run_id).pk, name)
        if path is None:
            raise Http404
        return FileResponse(path.open("rb"), as_attachment=True, filename=name)


def runs_of(principal: Any) -> Any:
    """Return the principal's runs with what is shown of them."""
    return TrainingRun.objects.visible_to(principal).select_related("job", "version")
