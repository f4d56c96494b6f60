"""Kinds of jobs that a real worker runs in tests; loaded with `celery --include`."""

import os
import signal
import time

from faceplatform.core.jobs import JobContext, job_kind


@job_kind("test.steps", queue="default")
def steps(context: JobContext) -> dict[str, str]:
    """Write ten log lines, each under the token, skipping those of an earlier attempt."""
    from faceplatform.core.models import JobLogLine

    written = JobLogLine.objects.filter(job_id=context.job_id, level="step").count()
    for step in range(written, 10):
        with context.writing():
            context.log(f"step {step}", level="step")
        context.progress(step + 1, 10)
        time.sleep(float(context.payload.get("seconds", 0)))
    return {"sentence": "Ten steps."}


@job_kind("test.poison", queue="default")
def poison(context: JobContext) -> None:
    """Kill the process that runs this job."""
    os.kill(os.getpid(), signal.SIGKILL)
