"""Putting jobs into the table and ringing the broker for them."""

import logging
import uuid
from typing import Any

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models.functions import Now
from kombu.exceptions import OperationalError

from faceplatform.core import audit
from faceplatform.core.actors import Actor
from faceplatform.core.errors import Conflict
from faceplatform.core.jobs import barriers
from faceplatform.core.jobs.registry import find_kind
from faceplatform.core.models import Job, JobState
from faceplatform.core.models.job import ACTIVE_STATES

logger = logging.getLogger(__name__)


def enqueue(
    *,
    kind: str,
    title: str,
    organization_id: uuid.UUID,
    actor: Actor,
    payload: dict[str, Any],
    dedupe_key: str = "",
    ring: bool = True,
) -> Job:
    """Store a job with the rows it works on, in the caller's transaction.

    After the commit the broker is told; if that fails the dispatcher tells it later. With
    `ring=False` the caller runs the job itself (see `run_here`).
    Raises Conflict `already_running` when an active job has the same `dedupe_key`.
    """
    registered = find_kind(kind)
    if registered is None:
        raise ValueError(f"unknown kind of job: {kind}")
    try:
        with transaction.atomic():
            job = Job.objects.create(
                kind=kind,
                queue=registered.queue,
                title=title[:255],
                organization_id=organization_id,
                payload=payload,
                dedupe_key=dedupe_key,
                created_by_id=actor.user_id,
                created_key_id=actor.api_key_id,
                created_label=actor.label,
            )
    except IntegrityError as error:
        if "job_one_active_per_key" not in str(error):
            raise
        raise Conflict("already_running", "The same work is already waiting or running.") from error
    if ring:
        transaction.on_commit(lambda: publish(job.pk, job.queue))
    return job


def publish(job_id: uuid.UUID, queue: str) -> bool:
    """Ring the broker for one job; False when the broker cannot be reached."""
    from faceplatform.core.tasks import run_job

    barriers.reach("before_publish")
    try:
        run_job.apply_async(args=(str(job_id),), queue=queue, retry=False)
    except OperationalError as error:
        logger.warning("broker unreachable, job %s waits for the dispatcher: %s", job_id, error)
        return False
    Job.objects.filter(pk=job_id, state=JobState.QUEUED).update(published_at=Now())
    return True


def publish_waiting(*, limit: int = 500) -> int:
    """Ring for queued jobs that were never rung for, or rung for and not claimed since."""
    sql = """
        SELECT id, queue FROM core_job
         WHERE state = 'queued' AND (not_before IS NULL OR not_before <= now())
           AND (published_at IS NULL AND created_at < now() - interval '1 second'
                OR published_at < now() - make_interval(secs => %s))
         ORDER BY id LIMIT %s
    """
    with connection.cursor() as cursor:
        cursor.execute(sql, [settings.JOB_REPUBLISH_SECONDS, limit])
        rows = cursor.fetchall()
    rung = 0
    for job_id, queue in rows:
        if not publish(job_id, queue):
            break
        rung += 1
    return rung


def cancel(job: Job, *, actor: Actor) -> None:
    """Cancel a waiting job at once; ask a running one to stop at its next step.

    Asking again changes nothing. Raises Conflict `job_ended`.
    """
    with transaction.atomic():
        held = Job.objects.select_for_update().filter(pk=job.pk, state__in=ACTIVE_STATES).first()
        if held is None:
            raise Conflict("job_ended", "The job has already ended.")
        if held.cancel_requested and held.state == JobState.RUNNING:
            return
        held.cancel_requested = True
        if held.state == JobState.QUEUED:
            held.state = JobState.CANCELLED
            held.finished_at = Now()
        held.save(update_fields=["cancel_requested", "state", "finished_at"])
        audit.record(
            organization_id=held.organization_id,
            actor=actor,
            action="job.cancel",
            target_type="job",
            target_id=held.pk,
            target_label=held.title,
            data={"kind": held.kind},
        )
