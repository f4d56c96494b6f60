"""Addresses below one dataset or evaluation."""

from typing import Any, ClassVar
from uuid import UUID

from django.db.models import Model, QuerySet
from django.shortcuts import get_object_or_404

from faceplatform.accounts.access import PathModels
from faceplatform.accounts.api.views import ApiView
from training.models import Dataset, Evaluation


class BelowDataset(ApiView):
    """Base of the addresses below one dataset."""

    path_models: ClassVar[PathModels] = {"dataset_id": Dataset}

    def dataset(self, dataset_id: UUID) -> Dataset:
        """Return the dataset with its job."""
        rows = Dataset.objects.visible_to(self.principal).select_related("job")
        found: Dataset = get_object_or_404(rows, pk=dataset_id)
        return found


class BelowEvaluation(ApiView):
    """Base of the addresses below one evaluation."""

    path_models: ClassVar[PathModels] = {"evaluation_id": Evaluation}

    def evaluation(self, evaluation_id: UUID) -> Evaluation:
        """Return the evaluation with what it measured."""
        rows = evaluations_of(self.principal)
        found: Evaluation = get_object_or_404(rows, pk=evaluation_id)
        return found


def evaluations_of(principal: Any) -> "QuerySet[Any]":
    """Return the principal's evaluations with what is shown of them."""
    return Evaluation.objects.visible_to(principal).select_related(
        "gallery__model_version", "dataset", "model_version", "job"
    )


def named_row(model: type[Model], principal: Any, pk: UUID | None) -> Any:
    """Return the row that a body names, None for none; 404 where it is not the principal's."""
    if pk is None:
        return None
    rows: Any = model._default_manager.all()
    return get_object_or_404(rows.visible_to(principal), pk=pk)
