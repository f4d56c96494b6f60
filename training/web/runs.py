"""Pages of training runs: list, start, follow, compare, files."""

from typing import Any, ClassVar
from uuid import UUID

from django.core.paginator import Paginator
from django.db.models import Model
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse

from faceplatform.accounts.access import PolicyView
from faceplatform.accounts.policy import Action
from faceplatform.core.errors import DomainError
from recognition.web.base import go
from training.models import Dataset, TrainingRun
from training.selectors.training_runs import (
    RecipeInfo,
    changed_settings,
    charts_of,
    compared_figures,
    confused_people,
    different_settings,
    find_recipe,
    recipe_infos,
)
from training.services import run_files
from training.services.run_plots import curves_png
from training.services.training import (
    change_notes,
    delete_run,
    estimate_of,
    has_checkpoint,
    resume_run,
    start_run,
)
from training.web.run_forms import NotesForm, RunForm, backbones_of

PAGE = 30
LOG_LINES = 200
MOST_COMPARED = 6


class RunPage(PolicyView):
    """A page of one run."""

    path_models: ClassVar[dict[str, type[Model]]] = {"pk": TrainingRun}

    def run(self, pk: UUID) -> TrainingRun:
        """Return the run, 404 where it is not one of the principal's."""
        rows = TrainingRun.objects.visible_to(self.principal).select_related(
            "dataset", "job", "version", "created_by", "cloned_from"
        )
        found: TrainingRun = get_object_or_404(rows, pk=pk)
        return found


class RunsView(PolicyView):
    """All runs, newest first; some of them can be ticked and compared."""

    actions: ClassVar[dict[str, Action]] = {"GET": Action.TRAINING_VIEW}

    def get(self, request: HttpRequest) -> HttpResponse:
        rows = TrainingRun.objects.visible_to(self.principal).select_related("job", "version")
        page = Paginator(rows.order_by("-pk"), PAGE).get_page(request.GET.get("page"))
        return render(request, "training/runs.html", {"page": page})


class RunNewView(PolicyView):
    """Choosing a recipe, then its settings."""

    actions: ClassVar[dict[str, Action]] = {
        "GET": Action.TRAINING_RUN,
        "POST": Action.TRAINING_RUN,
    }

    def get(self, request: HttpRequest) -> HttpResponse:
        clone = self._clone(request)
        name = clone.recipe if clone else request.GET.get("recipe", "classifier")
        recipe = _recipe(name)
        initial: dict[str, Any] = {"dataset": request.GET.get("dataset", "")}
        if clone is not None:
            initial = {f"set_{key}": value for key, value in clone.config.items()}
            initial |= {
                "dataset": clone.dataset_id,
                "components": clone.components,
                "notes": clone.notes,
            }
        form = RunForm(initial=initial, principal=self.principal, recipe=recipe)
        return self._page(request, form, recipe, clone)

    def post(self, request: HttpRequest) -> HttpResponse:
        recipe = _recipe(request.GET.get("recipe", "classifier"))
        clone = self._clone(request)
        form = RunForm(request.POST, principal=self.principal, recipe=recipe)
        if form.is_valid():
            try:
                run = start_run(actor=self.principal.actor, cloned_from=clone, **form.arguments())
            except DomainError as error:
                form.refuse(error)
            else:
                return go(request, reverse("training_run", args=[run.pk]))
        return self._page(request, form, recipe, clone, status=422)

    def _clone(self, request: HttpRequest) -> TrainingRun | None:
        wanted = request.GET.get("clone", "")
        if not wanted:
            return None
        try:
            pk = UUID(wanted)
        except ValueError as error:
            raise Http404 from error
        found: TrainingRun = get_object_or_404(
            TrainingRun.objects.visible_to(self.principal), pk=pk
        )
        return found

    def _page(
        self,
        request: HttpRequest,
        form: RunForm,
        recipe: RecipeInfo,
        clone: TrainingRun | None,
        status: int = 200,
    ) -> HttpResponse:
        dataset = Dataset.objects.visible_to(self.principal).filter(
            pk=_uuid(form["dataset"].value())
        )
        context = {
            "form": form,
            "recipe": recipe,
            "recipes": recipe_infos(),
            "clone": clone,
            "dataset": dataset.first(),
            "estimate": self._estimate(dataset.first(), recipe, form),
        }
        return render(request, "training/run_new.html", context, status=status)

    def _estimate(self, dataset: Dataset | None, recipe: RecipeInfo, form: RunForm) -> Any:
        if dataset is None:
            return None
        widths = backbones_of(self.principal).values_list("dimension", flat=True)
        given = {
            option.name: form[f"set_{option.name}"].value()
            for option in recipe.options
            if form[f"set_{option.name}"].value() not in (None, "")
        }
        try:
            return estimate_of(recipe.name, given, dataset, max(widths, default=512))
        except DomainError:
            return None  # the form says which setting is wrong


class RunView(RunPage):
    """A run while it learns, and what came out."""

    actions: ClassVar[dict[str, Action]] = {"GET": Action.TRAINING_VIEW}
    template = "training/run.html"
    is_part = False

    def get(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        context = run_context(self.run(pk)) | {"is_part": self.is_part}
        return render(request, self.template, context)


class RunLiveView(RunView):
    """Curves and job of a run that learns, to replace those on its page every other second."""

    template = "training/parts/run_live.html"
    is_part = True


class RunResumeView(RunPage):
    """Going on where a run stopped."""

    actions: ClassVar[dict[str, Action]] = {"POST": Action.TRAINING_RUN}

    def post(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        run = resume_run(run=self.run(pk), actor=self.principal.actor)
        return go(request, reverse("training_run", args=[run.pk]))


class RunNotesView(RunPage):
    """What somebody wants to remember of a run."""

    actions: ClassVar[dict[str, Action]] = {"POST": Action.TRAINING_RUN}

    def post(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        run = self.run(pk)
        form = NotesForm(request.POST)
        if form.is_valid():
            notes = form.cleaned_data["notes"]
            change_notes(run=run, notes=notes, actor=self.principal.actor)
        return go(request, reverse("training_run", args=[run.pk]), said="Notes were saved.")


class RunDeleteView(RunPage):
    """Deleting a run with its files; the version that it made stays."""

    actions: ClassVar[dict[str, Action]] = {"POST": Action.TRAINING_DELETE}

    def post(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        run = self.run(pk)
        delete_run(run=run, actor=self.principal.actor)
        return go(request, reverse("training_runs"), said=f"{run.name} was deleted.")


class RunFileView(RunPage):
    """One of a run's files."""

    actions: ClassVar[dict[str, Action]] = {"GET": Action.TRAINING_VIEW}

    def get(self, request: HttpRequest, pk: UUID, name: str) -> FileResponse:
        run = self.run(pk)
        path = run_files.find_file(run.pk, name)
        if path is None:
            raise Http404
        return FileResponse(path.open("rb"), as_attachment=True, filename=name)


class RunPlotView(RunPage):
    """The curves as a picture."""

    actions: ClassVar[dict[str, Action]] = {"GET": Action.TRAINING_VIEW}

    def get(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        run = self.run(pk)
        if not run.history:
            raise Http404
        response = HttpResponse(curves_png(run), content_type="image/png")
        response["Content-Disposition"] = f'attachment; filename="training-{run.pk}.png"'
        return response


class RunCompareView(PolicyView):
    """Runs side by side: figures, and the settings in which they differ."""

    actions: ClassVar[dict[str, Action]] = {"GET": Action.TRAINING_VIEW}

    def get(self, request: HttpRequest) -> HttpResponse:
        ids = [pk for pk in map(_uuid, request.GET.getlist("run")) if pk][:MOST_COMPARED]
        rows = TrainingRun.objects.visible_to(self.principal).filter(pk__in=ids).order_by("pk")
        runs = list(rows)
        context = {
            "runs": runs,
            "figures": compared_figures(runs),
            "settings": different_settings(runs),
        }
        return render(request, "training/runs_compared.html", context)


def run_context(run: TrainingRun) -> dict[str, Any]:
    """Return what the page of a run shows."""
    job = run.job
    result = run.result or {}
    active = bool(job and job.is_active)
    figures, floor = result.get("figures", {}), result.get("baseline", {})
    return {
        "run": run,
        "figures": [
            (name, figures.get(name), floor.get(name)) for name in dict.fromkeys([*figures, *floor])
        ],
        "galleries": run.dataset.galleries.order_by("name")[:5] if run.dataset else (),
        "job": job,
        "active": active,
        "result": result,
        "charts": charts_of(run.history, result.get("best_epoch", 0)),
        "changed": changed_settings(run),
        "recipe": find_recipe(run.recipe),
        "confused": confused_people(run),
        "files": run_files.list_files(run.pk),
        "can_resume": not active and run.result is None and run.dataset_id is not None,
        "has_checkpoint": has_checkpoint(run),
        "log": job.log.order_by("pk")[:LOG_LINES] if job else (),
        "notes": NotesForm(initial={"notes": run.notes}),
    }


def _recipe(name: str) -> RecipeInfo:
    found = find_recipe(name)
    if found is None:
        raise Http404
    return found


def _uuid(value: Any) -> UUID | None:
    try:
        return UUID(str(value))
    except ValueError:
        return None
