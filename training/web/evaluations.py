"""Pages of evaluations: list, start, progress, report, applying a threshold."""

from typing import ClassVar
from uuid import UUID

from csp.decorators import csp_update
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.decorators import method_decorator

from faceplatform.accounts.access import PolicyView
from faceplatform.accounts.policy import Action
from faceplatform.core.errors import DomainError
from recognition.models import FaceImage
from recognition.services.labels import doubt_label
from recognition.services.thresholds import reset_threshold
from recognition.web.base import GalleryPage, go
from training.models import Evaluation
from training.services import exports
from training.services.applying import apply_evaluation
from training.services.evaluations import delete_evaluation, start_evaluation
from training.web.base import EvaluationPage
from training.web.forms import ApplyForm, EvaluationForm, LabelForm
from training.web.report_page import report_context

PAGE = 30
LOG_LINES = 200

# Plotly sets styles of its own; report pages alone may have them.
plotly_styles = method_decorator(csp_update({"style-src": "'unsafe-inline'"}), name="dispatch")


class EvaluationsView(PolicyView):
    """All evaluations, newest first."""

    actions: ClassVar[dict[str, Action]] = {"GET": Action.EVALUATION_VIEW}

    def get(self, request: HttpRequest) -> HttpResponse:
        rows = Evaluation.objects.visible_to(self.principal).select_related(
            "gallery", "dataset", "job", "model_version"
        )
        page = Paginator(rows.order_by("-pk"), PAGE).get_page(request.GET.get("page"))
        return render(request, "training/evaluations.html", {"page": page})


class EvaluationNewView(PolicyView):
    """Starting an evaluation."""

    actions: ClassVar[dict[str, Action]] = {
        "GET": Action.EVALUATION_RUN,
        "POST": Action.EVALUATION_RUN,
    }

    def get(self, request: HttpRequest) -> HttpResponse:
        asked = {"model": "model", "other": "other_model", "protocol": "protocol"}
        initial = {field: request.GET[name] for name, field in asked.items() if name in request.GET}
        for kind in ("gallery", "dataset"):
            if kind in request.GET:
                initial["source"] = f"{kind}:{request.GET[kind]}"
        form = EvaluationForm(initial=initial, principal=self.principal)
        return render(request, "training/evaluation_new.html", {"form": form})

    def post(self, request: HttpRequest) -> HttpResponse:
        form = EvaluationForm(request.POST, request.FILES, principal=self.principal)
        if form.is_valid():
            try:
                evaluation = start_evaluation(actor=self.principal.actor, **form.arguments())
            except DomainError as error:
                form.refuse(error)
            else:
                return go(request, reverse("evaluation", args=[evaluation.pk]))
        return render(request, "training/evaluation_new.html", {"form": form}, status=422)


@plotly_styles
class EvaluationView(EvaluationPage):
    """The report, or the progress towards it."""

    actions: ClassVar[dict[str, Action]] = {"GET": Action.EVALUATION_VIEW}

    def get(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        evaluation = self.evaluation(pk)
        if evaluation.report is None:
            job = evaluation.job
            log = job.log.order_by("pk")[:LOG_LINES] if job else ()
            context = {"evaluation": evaluation, "job": job, "log": log}
            return render(request, "training/evaluation_waiting.html", context)
        context = report_context(self.principal, evaluation)
        return render(request, "training/evaluation.html", context)


class EvaluationDeleteView(EvaluationPage):
    """Deleting an evaluation."""

    actions: ClassVar[dict[str, Action]] = {"POST": Action.EVALUATION_DELETE}

    def post(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        delete_evaluation(evaluation=self.evaluation(pk), actor=self.principal.actor)
        return go(request, reverse("evaluations"), said="The evaluation was deleted.")


class EvaluationApplyView(EvaluationPage):
    """Letting the gallery decide by a threshold of the report."""

    actions: ClassVar[dict[str, Action]] = {"POST": Action.THRESHOLD_APPLY}

    def post(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        evaluation = self.evaluation(pk)
        form = ApplyForm(request.POST)
        if not form.is_valid():
            raise DomainError("target_invalid", "Choose one of the offered rates.")
        target, rate = form.cleaned_data["choice"]
        row = apply_evaluation(
            evaluation=evaluation, target=target, rate=rate, actor=self.principal.actor
        )
        said = f"The threshold is {row.value:.3f} now."
        return go(request, f"{reverse('gallery', args=[row.gallery_id])}#trust", said=said)


class EvaluationLabelView(EvaluationPage):
    """Saying that an image shows somebody else: it goes to review."""

    actions: ClassVar[dict[str, Action]] = {"POST": Action.IDENTITY_CHANGE}

    def post(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        evaluation = self.evaluation(pk)
        form = LabelForm(request.POST)
        if not form.is_valid():
            raise Http404
        faces = FaceImage.objects.visible_to(self.principal).select_related("gallery")
        face: FaceImage = get_object_or_404(faces, pk=form.cleaned_data["face"])
        doubt_label(face=face, actor=self.principal.actor)
        said = "The image is in review and no longer searched."
        return go(request, reverse("evaluation", args=[evaluation.pk]), said=said)


class EvaluationJsonView(EvaluationPage):
    """The report as JSON."""

    actions: ClassVar[dict[str, Action]] = {"GET": Action.EVALUATION_VIEW}

    def get(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        return _file(exports.report_json(self.evaluation(pk)), pk, "json", "application/json")


class EvaluationCsvView(EvaluationPage):
    """All tables as CSV files in a zip."""

    actions: ClassVar[dict[str, Action]] = {"GET": Action.EVALUATION_VIEW}

    def get(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        return _file(exports.csv_zip(self.evaluation(pk)), pk, "csv.zip", "application/zip")


class EvaluationPdfView(EvaluationPage):
    """The report as PDF."""

    actions: ClassVar[dict[str, Action]] = {"GET": Action.EVALUATION_VIEW}

    def get(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        return _file(exports.pdf(self.evaluation(pk)), pk, "pdf", "application/pdf")


class EvaluationFiguresView(EvaluationPage):
    """All figures as SVG and PNG in a zip."""

    actions: ClassVar[dict[str, Action]] = {"GET": Action.EVALUATION_VIEW}

    def get(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        return _file(exports.figures_zip(self.evaluation(pk)), pk, "figures.zip", "application/zip")


class ThresholdResetView(GalleryPage):
    """Going back to the default threshold."""

    actions: ClassVar[dict[str, Action]] = {"POST": Action.THRESHOLD_APPLY}

    def post(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        gallery = self.gallery(pk)
        reset_threshold(gallery=gallery, actor=self.principal.actor)
        said = "The default threshold is used again."
        return go(request, f"{reverse('gallery', args=[pk])}#trust", said=said)


def _file(data: bytes, pk: UUID, ending: str, kind: str) -> HttpResponse:
    response = HttpResponse(data, content_type=kind)
    response["Content-Disposition"] = f'attachment; filename="evaluation-{pk}.{ending}"'
    return response
