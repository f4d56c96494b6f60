"""The file of pairs of an evaluation: what it will hold, and the download."""

from typing import ClassVar
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse

from faceplatform.accounts.policy import Action
from faceplatform.core.errors import DomainError
from training.evaluation.export import FileFormat, Selection
from training.services import pair_export
from training.web.base import EvaluationPage
from training.web.forms import PairSelectionForm

TYPES = {"csv.gz": "application/gzip", "parquet": "application/vnd.apache.parquet"}


class EvaluationPairsView(EvaluationPage):
    """Choosing pairs, and how large their file will be."""

    actions: ClassVar[dict[str, Action]] = {"GET": Action.EVALUATION_VIEW}

    def get(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        evaluation = self.evaluation(pk)
        form = PairSelectionForm(request.GET if "kind" in request.GET else None)
        context = {"evaluation": evaluation, "form": form}
        if form.is_bound and form.is_valid():
            what = pair_export.compared(evaluation)
            selection, file_format = form.selection()
            address = reverse("evaluation_pairs_file", args=[pk])
            context["size"] = pair_export.told_size(what, selection, file_format)
            context["file"] = f"{address}?{urlencode(form.cleaned_data)}"
        return render(request, "training/evaluation_pairs.html", context)


class EvaluationPairsFileView(EvaluationPage):
    """The file, compared while it is sent."""

    actions: ClassVar[dict[str, Action]] = {"GET": Action.EVALUATION_VIEW}

    def get(self, request: HttpRequest, pk: UUID) -> StreamingHttpResponse:
        what = pair_export.compared(self.evaluation(pk))
        form = PairSelectionForm(request.GET)
        if not form.is_valid():
            raise DomainError("selection_invalid", "Choose pairs, a range of scores and a format.")
        return pairs_file(pk, what, *form.selection())


def pairs_file(
    pk: UUID, what: pair_export.Compared, selection: Selection, file_format: FileFormat
) -> StreamingHttpResponse:
    """Return the response that sends the file."""
    parts = pair_export.stream(what, selection, file_format)
    response = StreamingHttpResponse(parts, content_type=TYPES[file_format])
    response["Content-Disposition"] = f'attachment; filename="pairs-{pk}.{file_format}"'
    return response
