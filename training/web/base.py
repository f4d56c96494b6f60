"""What the pages of this app share."""

from typing import ClassVar
from uuid import UUID

from django.db.models import Model
from django.shortcuts import get_object_or_404

from faceplatform.accounts.access import PolicyView
from training.models import Dataset, Evaluation


class DatasetPage(PolicyView):
    """A page of one dataset."""

    path_models: ClassVar[dict[str, type[Model]]] = {"pk": Dataset}

    def dataset(self, pk: UUID) -> Dataset:
        """Return the dataset, 404 where it is not one of the principal's."""
        rows = Dataset.objects.visible_to(self.principal).select_related("job", "created_by")
        found: Dataset = get_object_or_404(rows, pk=pk)
        return found


class EvaluationPage(PolicyView):
    """A page of one evaluation."""

    path_models: ClassVar[dict[str, type[Model]]] = {"pk": Evaluation}

    def evaluation(self, pk: UUID) -> Evaluation:
        """Return the evaluation, 404 where it is not one of the principal's."""
        rows = Evaluation.objects.visible_to(self.principal).select_related(
            "gallery__model_version", "dataset", "model_version", "job", "created_by"
        )
        found: Evaluation = get_object_or_404(rows, pk=pk)
        return found
