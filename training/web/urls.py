"""Addresses of the pages of datasets and evaluations."""

from django.urls import path

from training.web import comparison, datasets, evaluations, pair_files, runs

urlpatterns = [
    path("training/", runs.RunsView.as_view(), name="training_runs"),
    path("training/new/", runs.RunNewView.as_view(), name="training_new"),
    path("training/compare/", runs.RunCompareView.as_view(), name="training_compare"),
    path("training/<uuid:pk>/", runs.RunView.as_view(), name="training_run"),
    path("training/<uuid:pk>/live/", runs.RunLiveView.as_view(), name="training_live"),
    path("training/<uuid:pk>/resume/", runs.RunResumeView.as_view(), name="training_resume"),
    path("training/<uuid:pk>/notes/", runs.RunNotesView.as_view(), name="training_notes"),
    path("training/<uuid:pk>/delete/", runs.RunDeleteView.as_view(), name="training_delete"),
    path("training/<uuid:pk>/curves.png", runs.RunPlotView.as_view(), name="training_plot"),
    path("training/<uuid:pk>/files/<str:name>", runs.RunFileView.as_view(), name="training_file"),
    path("evaluations/", evaluations.EvaluationsView.as_view(), name="evaluations"),
    path("evaluations/new/", evaluations.EvaluationNewView.as_view(), name="evaluation_new"),
    path(
        "evaluations/compare/",
        comparison.EvaluationCompareView.as_view(),
        name="evaluation_compare",
    ),
    path("evaluations/<uuid:pk>/", evaluations.EvaluationView.as_view(), name="evaluation"),
    path(
        "evaluations/<uuid:pk>/delete/",
        evaluations.EvaluationDeleteView.as_view(),
        name="evaluation_delete",
    ),
    path(
        "evaluations/<uuid:pk>/apply/",
        evaluations.EvaluationApplyView.as_view(),
        name="evaluation_apply",
    ),
    path(
        "evaluations/<uuid:pk>/label/",
        evaluations.EvaluationLabelView.as_view(),
        name="evaluation_label",
    ),
    path(
        "evaluations/<uuid:pk>/report.json",
        evaluations.EvaluationJsonView.as_view(),
        name="evaluation_json",
    ),
    path(
        "evaluations/<uuid:pk>/report.csv.zip",
        evaluations.EvaluationCsvView.as_view(),
        name="evaluation_csv",
    ),
    path(
        "evaluations/<uuid:pk>/report.pdf",
        evaluations.EvaluationPdfView.as_view(),
        name="evaluation_pdf",
    ),
    path(
        "evaluations/<uuid:pk>/figures.zip",
        evaluations.EvaluationFiguresView.as_view(),
        name="evaluation_figures",
    ),
    path(
        "evaluations/<uuid:pk>/pairs/",
        pair_files.EvaluationPairsView.as_view(),
        name="evaluation_pairs",
    ),
    path(
        "evaluations/<uuid:pk>/pairs/file",
        pair_files.EvaluationPairsFileView.as_view(),
        name="evaluation_pairs_file",
    ),
    path(
        "galleries/<uuid:pk>/threshold/reset/",
        evaluations.ThresholdResetView.as_view(),
        name="gallery_threshold_reset",
    ),
    path("datasets/", datasets.DatasetsView.as_view(), name="datasets"),
    path("datasets/new/", datasets.DatasetNewView.as_view(), name="dataset_new"),
    path("datasets/<uuid:pk>/", datasets.DatasetView.as_view(), name="dataset"),
    path("datasets/<uuid:pk>/delete/", datasets.DatasetDeleteView.as_view(), name="dataset_delete"),
    path(
        "datasets/<uuid:pk>/manifest.csv",
        datasets.ManifestCsvView.as_view(),
        name="dataset_manifest_csv",
    ),
    path(
        "datasets/<uuid:pk>/manifest.parquet",
        datasets.ManifestParquetView.as_view(),
        name="dataset_manifest_parquet",
    ),
]
