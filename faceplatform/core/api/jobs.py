"""How the API shows a job."""

from typing import Any

from django.urls import reverse
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from faceplatform.core.models import Job, JobState


class JobError(serializers.Serializer[Any]):
    """Why a job failed."""

    code = serializers.CharField(source="error_code")
    detail = serializers.CharField(source="error_detail")


class JobSerializer(serializers.Serializer[Job]):
    """A long task: how far it is, and what became of it."""

    id = serializers.UUIDField()
    url = serializers.SerializerMethodField(help_text="Ask here again until `state` is final.")
    kind = serializers.CharField()
    title = serializers.CharField()
    state = serializers.ChoiceField(choices=JobState.choices)
    attempt = serializers.IntegerField(help_text="Attempts so far; at most three are made.")
    done = serializers.IntegerField()
    total = serializers.IntegerField(allow_null=True)
    fraction = serializers.FloatField(allow_null=True, help_text="0 to 1.")
    rate = serializers.FloatField(allow_null=True, help_text="Items per second.")
    eta_seconds = serializers.FloatField(allow_null=True)
    note = serializers.CharField(help_text="What it is doing now.")
    result = serializers.DictField(help_text="Of a finished job: sentence, url, counts.")
    error = serializers.SerializerMethodField()
    cancel_requested = serializers.BooleanField()
    created_by = serializers.CharField(source="created_label")
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)

    def get_url(self, job: Job) -> str:
        """Return the job's address in the API."""
        return reverse("api_job", args=[job.pk])

    @extend_schema_field(JobError(allow_null=True))
    def get_error(self, job: Job) -> dict[str, str] | None:
        """Return the error of a failed job."""
        return dict(JobError(job).data) if job.error_code else None
