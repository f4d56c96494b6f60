"""The one message that workers take."""

import uuid

from celery import shared_task

from faceplatform.core.jobs.runner import run_here


@shared_task(name="core.run_job", ignore_result=True)
def run_job(job_id: str) -> None:
    """Run the job of this row.

    Safe to deliver any number of times: only the delivery that claims the row works. It is
    acknowledged early on purpose: a lost worker is noticed by the row's lease, not by the broker.
    """
    run_here(uuid.UUID(job_id))
