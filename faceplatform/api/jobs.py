"""Jobs: how far they are, what they said, stopping them."""

from typing import ClassVar
from uuid import UUID

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from faceplatform.accounts.access import PathModels
from faceplatform.accounts.api.views import ApiView
from faceplatform.accounts.policy import Action
from faceplatform.core.api.jobs import JobSerializer
from faceplatform.core.api.pagination import IdCursorPagination, OldestFirst
from faceplatform.core.api.query import StrictQuery
from faceplatform.core.jobs import cancel
from faceplatform.core.models import Job, JobLogLine, JobState


class JobQuery(StrictQuery):
    """Which jobs to list."""

    state = serializers.ChoiceField(choices=JobState.choices, required=False)
    kind = serializers.CharField(max_length=64, required=False)


class LogLineSerializer(serializers.Serializer[JobLogLine]):
    """One line of a job's log."""

    id = serializers.IntegerField()
    at = serializers.DateTimeField()
    level = serializers.ChoiceField(choices=["info", "warning", "error"])
    message = serializers.CharField()


class JobsView(ApiView):
    """The organization's jobs."""

    actions = {"GET": Action.JOB_VIEW}
    query_serializer_class = JobQuery
    pagination_class = IdCursorPagination

    @extend_schema(responses=JobSerializer(many=True))
    def get(self, request: Request) -> Response:
        """List jobs, newest first."""
        return self.page(JobSerializer, self._jobs().filter(**self.query))

    def _jobs(self) -> QuerySet[Job]:
        return Job.objects.visible_to(self.principal)


class _OneJobView(ApiView):
    """Base of the addresses below one job."""

    path_models: ClassVar[PathModels] = {"job_id": Job}

    def job(self, job_id: UUID) -> Job:
        """Return the job, 404 for another organization's."""
        return get_object_or_404(Job.objects.visible_to(self.principal), pk=job_id)


class JobView(_OneJobView):
    """One job."""

    actions = {"GET": Action.JOB_VIEW}

    @extend_schema(responses=JobSerializer)
    def get(self, request: Request, job_id: UUID) -> Response:
        """Show a job with its progress."""
        return self.answer(JobSerializer, self.job(job_id))


class JobLogView(_OneJobView):
    """The log of one job."""

    actions = {"GET": Action.JOB_VIEW}
    pagination_class = OldestFirst

    @extend_schema(responses=LogLineSerializer(many=True))
    def get(self, request: Request, job_id: UUID) -> Response:
        """List what the job said, oldest first."""
        return self.page(LogLineSerializer, JobLogLine.objects.filter(job=self.job(job_id)))


class JobCancelView(_OneJobView):
    """Stopping one job."""

    actions = {"POST": Action.JOB_CANCEL}

    @extend_schema(operation_id="job_cancel", request=None, responses={200: JobSerializer})
    def post(self, request: Request, job_id: UUID) -> Response:
        """Cancel a job: a waiting one at once, a running one at its next step.

        What it finished before stays. A job that has ended answers 409 `job_ended`.
        """
        job = self.job(job_id)
        cancel(job, actor=self.principal.actor)
        job.refresh_from_db()
        return self.answer(JobSerializer, job)
