"""Running one job to its end: the only place that catches every exception."""

import logging
import os
import socket
import uuid

from django.conf import settings
from django.db import transaction

from faceplatform.core.errors import DomainError
from faceplatform.core.jobs import barriers, lease
from faceplatform.core.jobs.context import JobCancelled, JobContext, LeaseLost, Listener
from faceplatform.core.jobs.registry import JobKind, find_kind
from faceplatform.core.logs import bound_to_job
from faceplatform.core.models import Job, JobState

logger = logging.getLogger(__name__)


def worker_name() -> str:
    """Name this process as owner of jobs: host and process id."""
    return f"{socket.gethostname()}:{os.getpid()}"


def run_here(job_id: uuid.UUID, *, listener: Listener | None = None) -> bool:
    """Claim the job and run it in this process; False if it was not to be had.

    Safe to call any number of times for the same row: only the call that claims it works.
    """
    held = lease.claim(job_id, worker=worker_name())
    if held is None:
        return False
    barriers.reach("after_claim")
    job = Job.objects.get(pk=job_id)
    kind = find_kind(job.kind)
    if kind is None:
        _fail(held, "unknown_kind", f"This version does not know the kind of job {job.kind}.")
        return True
    with bound_to_job(job.pk):
        _run(kind, job, held, listener)
    return True


def _run(kind: JobKind, job: Job, held: lease.Claim, listener: Listener | None) -> None:
    context = JobContext(job, held, listener=listener)
    if _attempt(kind, context, held):
        barriers.reach("after_end")
        context.end()


def _attempt(kind: JobKind, context: JobContext, held: lease.Claim) -> bool:
    """Run the handler and write how it went; return whether that ended the job."""
    try:
        with context:
            result = kind.handler(context) or {}
            context.check()
            barriers.reach("before_end")
    except LeaseLost:
        logger.warning("job %s was taken over; this attempt leaves no trace", held.job_id)
        return False
    except JobCancelled:
        lease.log(held.job_id, "Cancelled; what was finished stays")
        return lease.finish(held, JobState.CANCELLED)
    except DomainError as error:
        return _fail(held, error.code, error.detail)
    except Exception as error:
        logger.exception("job %s failed in attempt %d", held.job_id, held.attempt)
        return _retry_or_fail(held, error)
    return _succeed(held, result)


def _succeed(held: lease.Claim, result: dict[str, object]) -> bool:
    with transaction.atomic():
        ended = lease.finish(held, JobState.SUCCEEDED, result=result, note="")
        if ended:
            lease.log(held.job_id, "Done")
    return ended


def _fail(held: lease.Claim, code: str, detail: str) -> bool:
    with transaction.atomic():
        ended = lease.finish(held, JobState.FAILED, error_code=code, error_detail=detail)
        if ended:
            lease.log(held.job_id, f"{code}: {detail}", level="error")
    return ended


def _retry_or_fail(held: lease.Claim, error: Exception) -> bool:
    """Wait and try again after an unexpected error, until the attempts are used up.

    Returns whether the job has ended, which a cancelled one does at once.
    """
    sentence = f"{type(error).__name__}: {error}"
    if lease.used_up(held):
        return _fail(held, "unexpected_error", sentence)
    line = f"Attempt {held.attempt} failed, trying again: {sentence}"
    lease.log(held.job_id, line, level="error")
    state = lease.requeue(held, delay_seconds=settings.JOB_RETRY_SECONDS * held.attempt)
    return state == JobState.CANCELLED
