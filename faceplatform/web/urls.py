"""Addresses of the pages that belong to no app."""

from django.urls import path

from faceplatform.web import design, home, jobs, status

urlpatterns = [
    path("", home.HomeView.as_view(), name="home"),
    path("jobs/", jobs.JobsView.as_view(), name="jobs"),
    path("jobs/<uuid:pk>/", jobs.JobView.as_view(), name="job"),
    path("jobs/<uuid:pk>/live/", jobs.JobLiveView.as_view(), name="job_live"),
    path("jobs/<uuid:pk>/cancel/", jobs.JobCancelView.as_view(), name="job_cancel"),
    path("settings/status/", status.StatusView.as_view(), name="settings_status"),
    path("design/", design.DesignView.as_view(), name="design"),
]
