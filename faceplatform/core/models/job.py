"""The table of record of every long task."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from faceplatform.core.ids import uuid7
from faceplatform.core.models.scoped import ScopedQuerySet


class JobState(models.TextChoices):
    """queued -> running -> succeeded | failed | cancelled; running -> queued when a lease ends."""

    QUEUED = "queued", "Waiting"
    RUNNING = "running", "Running"
    SUCCEEDED = "succeeded", "Done"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"


ACTIVE_STATES = (JobState.QUEUED, JobState.RUNNING)


class Job(models.Model):
    """One long task. The row is the queue; the broker only rings the bell.

    A worker owns the job while `lease_until` lies ahead and `token` is the number it claimed
    with. Every claim raises `token` and `attempt`, so a worker that was thought dead can no
    longer write. `published_at` is the outbox: a queued row that nobody claimed is rung again.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(
        "accounts.Organization", on_delete=models.CASCADE, related_name="jobs"
    )
    kind = models.CharField(max_length=64)
    queue = models.CharField(max_length=32)
    title = models.CharField(max_length=255)
    payload = models.JSONField(default=dict)
    dedupe_key = models.CharField(max_length=128, blank=True)

    state = models.CharField(max_length=16, choices=JobState.choices, default=JobState.QUEUED)
    attempt = models.PositiveSmallIntegerField(default=0)
    token = models.PositiveIntegerField(default=0)
    worker = models.CharField(max_length=128, blank=True)
    lease_until = models.DateTimeField(null=True)
    heartbeat_at = models.DateTimeField(null=True)
    not_before = models.DateTimeField(null=True)
    published_at = models.DateTimeField(null=True)
    cancel_requested = models.BooleanField(default=False)

    done = models.PositiveIntegerField(default=0)
    done_before = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(null=True)
    note = models.CharField(max_length=255, blank=True)
    result = models.JSONField(default=dict)
    error_code = models.CharField(max_length=64, blank=True)
    error_detail = models.TextField(blank=True)

    created_by = models.ForeignKey(
        "accounts.User", null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_key = models.ForeignKey(
        "accounts.ApiKey", null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_label = models.CharField(max_length=255, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["organization", "-id"], name="job_by_organization"),
            models.Index(
                fields=["state", "lease_until"],
                name="job_active",
                condition=Q(state__in=["queued", "running"]),
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "dedupe_key"],
                name="job_one_active_per_key",
                condition=Q(state__in=["queued", "running"]) & ~Q(dedupe_key=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.title} ({self.state})"

    @property
    def is_active(self) -> bool:
        """Whether the job still waits or runs."""
        return self.state in ACTIVE_STATES

    @property
    def fraction(self) -> float | None:
        """Share of the work that is done, 0 to 1, or None where the total is unknown."""
        if self.total is None:
            return None
        return min(1.0, self.done / self.total) if self.total else 1.0

    @property
    def rate(self) -> float | None:
        """Items per second since this attempt began."""
        if self.started_at is None or not self.done:
            return None
        end = self.finished_at or timezone.now()
        seconds = (end - self.started_at).total_seconds()
        fresh = self.done - self.done_before
        return fresh / seconds if seconds > 0 and fresh > 0 else None

    @property
    def eta_seconds(self) -> float | None:
        """Expected seconds to the end, at the rate so far."""
        if self.state != JobState.RUNNING or self.total is None or not self.rate:
            return None
        return max(0, self.total - self.done) / self.rate


class JobLogLine(models.Model):
    """One line of a job's log, oldest first by id."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="log")
    at = models.DateTimeField(auto_now_add=True)
    level = models.CharField(max_length=8, default="info")
    message = models.TextField()

    class Meta:
        indexes = [models.Index(fields=["job", "id"], name="job_log_order")]

    def __str__(self) -> str:
        return self.message
