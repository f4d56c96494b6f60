"""Jobs and imports that would never end."""

import datetime as dt

from django.conf import settings
from django.core.files.storage import default_storage
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now

from faceplatform.core.jobs.lease import reap
from faceplatform.core.jobs.registry import find_kind
from faceplatform.core.models import Job, JobState
from faceplatform.core.models.job import ACTIVE_STATES
from recognition.models import ImportRun
from recognition.services.doctor_findings import Findings, Progress


def check_jobs(findings: Findings, progress: Progress) -> dict[str, int]:
    """Find active jobs that nobody works on and nobody will take."""
    progress(0, None, "Looking at jobs")
    active = Job.objects.filter(state__in=ACTIVE_STATES)
    _check_silent(findings)
    _check_kinds(findings)
    _check_unclaimable(findings)
    return {"jobs": Job.objects.count(), "active_jobs": active.count()}


def check_imports(findings: Findings, progress: Progress) -> dict[str, int]:
    """Find imports without a job, and waiting ones whose archive is gone."""
    progress(0, None, "Looking at imports")
    for run in ImportRun.objects.filter(job=None, items=None).iterator():
        if findings.repair:
            run.delete()
            if run.archive:
                default_storage.delete(run.archive)
        findings.add("import_without_job", f"import {run.pk}", repaired=findings.repair)
    waiting = ImportRun.objects.filter(job__state=JobState.QUEUED).exclude(archive="")
    for run in waiting.iterator():
        if default_storage.exists(run.archive):
            continue
        ended = findings.repair and _end(
            Job.objects.filter(pk=run.job_id),
            JobState.FAILED,
            "archive_gone",
            "The uploaded archive is no longer there.",
        )
        findings.add("archive_missing", f"import {run.pk}, {run.archive}", repaired=bool(ended))
    return {"imports": ImportRun.objects.count()}


def _check_silent(findings: Findings) -> None:
    """A lease that ran out is taken back by the dispatcher; one without an end by nobody."""
    silent = Job.objects.filter(state=JobState.RUNNING).filter(
        Q(lease_until__lt=Now()) | Q(lease_until=None)
    )
    found = list(silent.values_list("pk", flat=True))
    if findings.repair and found:
        silent.filter(lease_until=None).update(lease_until=Now() - dt.timedelta(seconds=1))
        reap()
    for pk in found:
        findings.add("job_silent", f"job {pk}", repaired=findings.repair)


def _check_kinds(findings: Findings) -> None:
    waiting = Job.objects.filter(state=JobState.QUEUED)
    kinds = waiting.order_by().values_list("kind", flat=True).distinct()
    unknown = [kind for kind in kinds if find_kind(kind) is None]
    for job in waiting.filter(kind__in=unknown):
        ended = findings.repair and _end(
            Job.objects.filter(pk=job.pk),
            JobState.FAILED,
            "unknown_kind",
            f"This version does not know the kind of job {job.kind}.",
        )
        findings.add("job_unknown_kind", f"job {job.pk}, {job.kind}", repaired=bool(ended))


def _check_unclaimable(findings: Findings) -> None:
    """A queued job that was cancelled, or has used up its attempts, is never claimed."""
    used_up = Q(attempt__gte=settings.JOB_MAX_ATTEMPTS, done__lte=F("done_before"))
    stuck = Job.objects.filter(Q(cancel_requested=True) | used_up, state=JobState.QUEUED)
    for job in stuck:
        row = Job.objects.filter(pk=job.pk)
        if not findings.repair:
            ended = 0
        elif job.cancel_requested:
            ended = _end(row, JobState.CANCELLED, "", "")
        else:
            ended = _end(row, JobState.FAILED, "worker_lost", "All attempts are used up.")
        findings.add("job_unclaimable", f"job {job.pk}", repaired=bool(ended))


def _end(row: "QuerySet[Job]", state: JobState, code: str, detail: str) -> int:
    """End a waiting job; 0 if it no longer waits."""
    return row.filter(state=JobState.QUEUED).update(
        state=state, finished_at=Now(), error_code=code, error_detail=detail
    )
