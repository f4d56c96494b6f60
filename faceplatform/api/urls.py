"""Addresses of the API that belong to no app, and the health checks."""

from django.urls import path

from faceplatform.api.docs import DocsView, SchemaView
from faceplatform.api.health import HealthzView, ReadyzView
from faceplatform.api.jobs import JobCancelView, JobLogView, JobsView, JobView
from faceplatform.api.me import MeView
from faceplatform.metrics.views import MetricsView

urlpatterns = [
    path("healthz", HealthzView.as_view(), name="healthz"),
    path("readyz", ReadyzView.as_view(), name="readyz"),
    path("metrics", MetricsView.as_view(), name="metrics"),
    path("api/schema", SchemaView.as_view(), name="api_schema"),
    path("api/docs", DocsView.as_view(), name="api_docs"),
    path("api/v1/me", MeView.as_view(), name="api_me"),
    path("api/v1/jobs", JobsView.as_view(), name="api_jobs"),
    path("api/v1/jobs/<uuid:job_id>", JobView.as_view(), name="api_job"),
    path("api/v1/jobs/<uuid:job_id>/log", JobLogView.as_view(), name="api_job_log"),
    path("api/v1/jobs/<uuid:job_id>/cancel", JobCancelView.as_view(), name="api_job_cancel"),
]
