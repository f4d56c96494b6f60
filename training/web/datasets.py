"""Pages of datasets."""

from typing import Any, ClassVar
from uuid import UUID

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse

from faceplatform.accounts.access import PolicyView
from faceplatform.accounts.policy import Action
from faceplatform.core.errors import DomainError
from recognition.models import Identity
from recognition.web.base import go
from training.models import Dataset, SplitKind
from training.selectors.faces import part_sizes
from training.selectors.manifests import manifest_csv, manifest_parquet
from training.selectors.statistics import dataset_statistics
from training.services.datasets import delete_dataset, freeze_dataset
from training.services.leaks import sentence
from training.web.base import DatasetPage
from training.web.cards import face_pairs, item_tiles
from training.web.forms import DatasetForm


class DatasetsView(PolicyView):
    """All datasets, newest first."""

    actions: ClassVar[dict[str, Action]] = {"GET": Action.DATASET_VIEW}

    def get(self, request: HttpRequest) -> HttpResponse:
        rows = Dataset.objects.visible_to(self.principal).order_by("-pk")[:200]
        return render(request, "training/datasets.html", {"datasets": rows})


class DatasetNewView(PolicyView):
    """Freezing a dataset."""

    actions: ClassVar[dict[str, Action]] = {
        "GET": Action.DATASET_CREATE,
        "POST": Action.DATASET_CREATE,
    }

    def get(self, request: HttpRequest) -> HttpResponse:
        chosen = request.GET.get("gallery", "")
        form = DatasetForm(initial={"galleries": [chosen]}, principal=self.principal)
        return render(request, "training/dataset_new.html", {"form": form})

    def post(self, request: HttpRequest) -> HttpResponse:
        form = DatasetForm(request.POST, principal=self.principal)
        if form.is_valid():
            try:
                dataset = freeze_dataset(actor=self.principal.actor, **form.arguments())
            except DomainError as error:
                form.refuse(error)
            else:
                return go(request, reverse("dataset", args=[dataset.pk]))
        return render(request, "training/dataset_new.html", {"form": form}, status=422)


class DatasetView(DatasetPage):
    """One dataset: what is in it, with pictures, and what leaks between its parts."""

    actions: ClassVar[dict[str, Action]] = {"GET": Action.DATASET_VIEW}

    def get(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        dataset = self.dataset(pk)
        statistics = dataset_statistics(dataset)
        context = {
            "dataset": dataset,
            "parts": part_sizes(dataset),
            "statistics": statistics,
            "tiles": item_tiles(self.principal, statistics.examples),
            "filters": _filters(dataset),
            "job": dataset.job,
            "evaluations": dataset.evaluations.select_related("job").order_by("-pk")[:10],
        } | self._leaks(dataset)
        return render(request, "training/dataset.html", context)

    def _leaks(self, dataset: Dataset) -> dict[str, Any]:
        if dataset.leaks is None:
            return {}
        disjoint = dataset.split_kind == SplitKind.DISJOINT
        ids = dataset.leaks["people"][:60] if disjoint else []
        return {
            "leak_sentence": sentence(dataset, dataset.leaks),
            "near": face_pairs(self.principal, dataset.leaks["near"][:24]),
            "namesakes": Identity.objects.visible_to(self.principal).filter(pk__in=ids),
        }


class DatasetDeleteView(DatasetPage):
    """Deleting a dataset; its images stay."""

    actions: ClassVar[dict[str, Action]] = {"POST": Action.DATASET_DELETE}

    def post(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        dataset = self.dataset(pk)
        delete_dataset(dataset=dataset, actor=self.principal.actor)
        return go(request, reverse("datasets"), said=f"{dataset.name} was deleted.")


class ManifestCsvView(DatasetPage):
    """The manifest as CSV."""

    actions: ClassVar[dict[str, Action]] = {"GET": Action.DATASET_VIEW}

    def get(self, request: HttpRequest, pk: UUID) -> StreamingHttpResponse:
        lines = manifest_csv(self.dataset(pk))
        return _file(lines, f"dataset-{pk}.csv", "text/csv; charset=utf-8")


class ManifestParquetView(DatasetPage):
    """The manifest as Parquet."""

    actions: ClassVar[dict[str, Action]] = {"GET": Action.DATASET_VIEW}

    def get(self, request: HttpRequest, pk: UUID) -> StreamingHttpResponse:
        parts = manifest_parquet(self.dataset(pk))
        return _file(parts, f"dataset-{pk}.parquet", "application/vnd.apache.parquet")


def _file(parts: Any, name: str, kind: str) -> StreamingHttpResponse:
    response = StreamingHttpResponse(parts, content_type=kind)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _filters(dataset: Dataset) -> list[tuple[str, str]]:
    """Return what was asked for, in words."""
    words = {
        "galleries": "Galleries",
        "min_images": "Images a person must have",
        "max_images": "Images per person at most",
        "min_quality": "Quality at least",
        "added_from": "Added from",
        "added_to": "Added until",
    }
    values = dataset.filters
    shown = {key: ", ".join(v) if isinstance(v, list) else str(v) for key, v in values.items()}
    return [(word, shown[key]) for key, word in words.items() if key in shown]
