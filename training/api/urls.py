"""Addresses under /api/v1/ that are about datasets, training, evaluations and thresholds."""

from django.urls import path

from training.api.datasets import (
    DatasetsView,
    DatasetView,
    ManifestCsvView,
    ManifestParquetView,
)
from training.api.evaluations import CancelView, EvaluationsView, EvaluationView, ReportView
from training.api.pair_files import PairsFileView, PairsSizeView
from training.api.runs import RecipesView, RunFileView, RunResumeView, RunsView, RunView
from training.api.thresholds import ThresholdView

_DATASET = "datasets/<uuid:dataset_id>"
_EVALUATION = "evaluations/<uuid:evaluation_id>"
_RUN = "training-runs/<uuid:run_id>"

urlpatterns = [
    path("datasets", DatasetsView.as_view(), name="api_datasets"),
    path(_DATASET, DatasetView.as_view(), name="api_dataset"),
    path(f"{_DATASET}/manifest.csv", ManifestCsvView.as_view(), name="api_dataset_csv"),
    path(
        f"{_DATASET}/manifest.parquet",
        ManifestParquetView.as_view(),
        name="api_dataset_parquet",
    ),
    path("recipes", RecipesView.as_view(), name="api_recipes"),
    path("training-runs", RunsView.as_view(), name="api_training_runs"),
    path(_RUN, RunView.as_view(), name="api_training_run"),
    path(f"{_RUN}/resume", RunResumeView.as_view(), name="api_training_resume"),
    path(f"{_RUN}/files/<str:name>", RunFileView.as_view(), name="api_training_file"),
    path("evaluations", EvaluationsView.as_view(), name="api_evaluations"),
    path(_EVALUATION, EvaluationView.as_view(), name="api_evaluation"),
    path(f"{_EVALUATION}/cancel", CancelView.as_view(), name="api_evaluation_cancel"),
    path(f"{_EVALUATION}/pairs", PairsFileView.as_view(), name="api_evaluation_pairs"),
    path(f"{_EVALUATION}/pairs/size", PairsSizeView.as_view(), name="api_evaluation_pairs_size"),
    path(f"{_EVALUATION}/report", ReportView.as_view(), name="api_evaluation_report"),
    path("galleries/<uuid:gallery_id>/threshold", ThresholdView.as_view(), name="api_threshold"),
]
