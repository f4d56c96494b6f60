"""Long tasks: the row of record, the outbox, leases and the runner.

`enqueue` commits a row and rings the broker. A worker claims the row by lease, runs the
registered handler and writes every result under its token. The dispatcher rings again for rows
that nobody claimed and takes rows back whose worker went silent.
"""

from faceplatform.core.jobs.context import JobCancelled, JobContext, LeaseLost
from faceplatform.core.jobs.outbox import cancel, enqueue
from faceplatform.core.jobs.registry import job_kind
from faceplatform.core.jobs.runner import run_here

__all__ = [
    "JobCancelled",
    "JobContext",
    "LeaseLost",
    "cancel",
    "enqueue",
    "job_kind",
    "run_here",
]
