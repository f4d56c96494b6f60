"""Who owns a running job: conditional updates on its row, timed by the database's clock."""

import logging
import uuid
from dataclasses import dataclass

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Now

from faceplatform.core.models import Job, JobLogLine, JobState

logger = logging.getLogger(__name__)

WORKER_LOST = "worker_lost"


@dataclass(frozen=True, slots=True)
class Claim:
    """What a claim won: the fencing token and the number of this attempt."""

    job_id: uuid.UUID
    token: int
    attempt: int


def claim(job_id: uuid.UUID, *, worker: str) -> Claim | None:
    """Take the job if it waits or its lease has run out; None if somebody else has it.

    The attempt is counted here, before the work, so that a job that kills its worker ends. The
    count begins anew after an attempt that came further than all before it: a long import outlives
    any number of restarts, a job that always dies at the same place does not.
    """
    sql = """
        UPDATE core_job
           SET state = 'running', token = token + 1, worker = %s,
               attempt = CASE WHEN done > done_before THEN 1 ELSE attempt + 1 END,
               started_at = now(), heartbeat_at = now(), finished_at = NULL,
               lease_until = now() + make_interval(secs => %s),
               done_before = greatest(done_before, done)
         WHERE id = %s AND (attempt < %s OR done > done_before) AND NOT cancel_requested
           AND ((state = 'queued' AND (not_before IS NULL OR not_before <= now()))
                OR (state = 'running' AND lease_until < now()))
     RETURNING token, attempt
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            sql, [worker[:128], settings.JOB_LEASE_SECONDS, job_id, settings.JOB_MAX_ATTEMPTS]
        )
        row = cursor.fetchone()
        if row is None:
            return None
        token, attempt = row
        log(job_id, f"Attempt {attempt} started by {worker}")
    return Claim(job_id=job_id, token=token, attempt=attempt)


def renew(held: Claim) -> bool | None:
    """Extend the lease. Return whether a cancel was asked for, or None if the lease is lost."""
    sql = """
        UPDATE core_job
           SET heartbeat_at = now(), lease_until = now() + make_interval(secs => %s)
         WHERE id = %s AND token = %s AND state = 'running'
     RETURNING cancel_requested
    """
    with connection.cursor() as cursor:
        cursor.execute(sql, [settings.JOB_LEASE_SECONDS, held.job_id, held.token])
        row = cursor.fetchone()
    return None if row is None else bool(row[0])


def finish(held: Claim, state: JobState, **fields: object) -> bool:
    """End the job under its token; False if the lease was lost, then nothing is written."""
    updated = Job.objects.filter(pk=held.job_id, token=held.token, state=JobState.RUNNING).update(
        state=state, finished_at=Now(), lease_until=None, **fields
    )
    return bool(updated)


def used_up(held: Claim) -> bool:
    """Whether this was the last attempt: the third in a row that came no further than before."""
    if held.attempt < settings.JOB_MAX_ATTEMPTS:
        return False
    return not Job.objects.filter(pk=held.job_id, done__gt=F("done_before")).exists()


def requeue(held: Claim, *, delay_seconds: float) -> JobState | None:
    """Give the job back for another attempt after a delay, or end it if it was cancelled.

    Returns the state it is in now, or None if the lease was lost; then nothing is written.
    """
    sql = """
        UPDATE core_job
           SET state = CASE WHEN cancel_requested THEN 'cancelled' ELSE 'queued' END,
               finished_at = CASE WHEN cancel_requested THEN now() END,
               lease_until = NULL, published_at = NULL,
               not_before = now() + make_interval(secs => %s)
         WHERE id = %s AND token = %s AND state = 'running'
     RETURNING state
    """
    with connection.cursor() as cursor:
        cursor.execute(sql, [delay_seconds, held.job_id, held.token])
        row = cursor.fetchone()
    return None if row is None else JobState(row[0])


def reap() -> list[uuid.UUID]:
    """End or re-queue jobs whose worker went silent; return the ids that were touched.

    A job on its last attempt fails with `worker_lost` unless this attempt came further than all
    before it, a cancelled one ends as cancelled, any other waits again.
    """
    sql = """
        WITH silent AS (
            SELECT id, CASE WHEN cancel_requested THEN 'cancelled'
                            WHEN attempt >= %s AND done <= done_before THEN 'failed'
                            ELSE 'queued' END AS now_is
              FROM core_job WHERE state = 'running' AND lease_until < now() FOR UPDATE
        )
        UPDATE core_job job
           SET state = now_is,
               error_code = CASE now_is WHEN 'failed' THEN %s ELSE error_code END,
               error_detail = CASE now_is WHEN 'failed' THEN
                   'The worker stopped without a word in every attempt.' ELSE error_detail END,
               finished_at = CASE WHEN now_is <> 'queued' THEN now() END,
               lease_until = NULL, published_at = NULL
          FROM silent WHERE job.id = silent.id
     RETURNING job.id, job.state
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, [settings.JOB_MAX_ATTEMPTS, WORKER_LOST])
        rows = cursor.fetchall()
        for job_id, state in rows:
            log(job_id, f"The worker went silent; the job is now {state}", level="warning")
    if rows:
        logger.warning("took back %d jobs from silent workers", len(rows))
    return [job_id for job_id, _ in rows]


def log(job_id: uuid.UUID, message: str, *, level: str = "info") -> None:
    """Add a line to the job's log."""
    JobLogLine.objects.create(job_id=job_id, level=level, message=message)
