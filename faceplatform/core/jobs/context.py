"""What a running handler holds: progress, log, cancel and writes under the token."""

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

from django.conf import settings
from django.db import DatabaseError, connection, transaction

from faceplatform.core.actors import Actor
from faceplatform.core.jobs import barriers, lease
from faceplatform.core.models import Job, JobState

Listener = Callable[[int, int | None, str], None]


class JobCancelled(Exception):
    """Somebody cancelled the job; what is committed stays."""


class LeaseLost(Exception):
    """Another worker owns the job now; this one must not write."""


class JobContext:
    """One attempt at a job.

    A thread renews the lease while the handler works. Handlers call `progress` often: it is
    cheap, written at most twice a second, and raises `JobCancelled` or `LeaseLost`.
    """

    def __init__(self, job: Job, held: lease.Claim, *, listener: Listener | None = None) -> None:
        self.job_id: uuid.UUID = job.pk
        self.organization_id: uuid.UUID = job.organization_id
        self.payload: dict[str, Any] = job.payload
        self.attempt = held.attempt
        self.actor = Actor(
            label=job.created_label, user_id=job.created_by_id, api_key_id=job.created_key_id
        )
        self._held = held
        self._listener = listener
        self._lost = threading.Event()
        self._cancelled = threading.Event()
        self._stop = threading.Event()
        self._endings: list[Callable[[], None]] = []
        self._written_at = 0.0
        self._thread = threading.Thread(target=self._beat, name=f"lease-{job.pk}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join(timeout=5)

    def check(self) -> None:
        """Raise `JobCancelled` or `LeaseLost` if the handler should stop."""
        if self._lost.is_set():
            raise LeaseLost(str(self.job_id))
        if self._cancelled.is_set():
            raise JobCancelled(str(self.job_id))

    def progress(
        self, done: int, total: int | None = None, note: str = "", *, force: bool = False
    ) -> None:
        """Say how far the work is: items done, of how many, and what it is doing now."""
        self.check()
        now = time.monotonic()
        if not force and now - self._written_at < settings.JOB_PROGRESS_SECONDS:
            return
        self._written_at = now
        row = Job.objects.filter(pk=self.job_id, token=self._held.token, state=JobState.RUNNING)
        if not row.update(done=done, total=total, note=note[:255]):
            self._lost.set()
        elif row.filter(cancel_requested=True).exists():
            self._cancelled.set()
        if self._listener is not None:
            self._listener(done, total, note)
        self.check()

    def at_end(self, action: Callable[[], None]) -> None:
        """Have `action()` called once this attempt has ended the job for good.

        For what a further attempt would still need, such as an uploaded archive: it is called
        after the commit that ends the job, so a worker killed before it leaves the thing behind,
        never a job without it.
        """
        self._endings.append(action)

    def end(self) -> None:
        """Call what handlers gave to `at_end`; the runner does this."""
        for action in self._endings:
            action()

    def log(self, message: str, *, level: str = "info") -> None:
        """Add a line to the job's log."""
        lease.log(self.job_id, message, level=level)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Open the transaction in which results are written.

        It locks the job's row first and raises `LeaseLost` when the token is no longer ours, so
        nothing of a late worker is ever committed.
        """
        self.check()
        barriers.reach("before_commit")
        with transaction.atomic():
            owned = (
                Job.objects.select_for_update()
                .filter(pk=self.job_id, token=self._held.token, state=JobState.RUNNING)
                .exists()
            )
            if not owned:
                self._lost.set()
                raise LeaseLost(str(self.job_id))
            yield
        barriers.reach("after_commit")

    def _beat(self) -> None:
        """Renew the lease until told to stop; a database that is away is tried again."""
        try:
            while not self._stop.wait(settings.JOB_HEARTBEAT_SECONDS):
                try:
                    cancelled = lease.renew(self._held)
                except DatabaseError:
                    connection.close()
                    continue
                if cancelled is None:
                    self._lost.set()
                    return
                if cancelled:
                    self._cancelled.set()
        finally:
            connection.close()
