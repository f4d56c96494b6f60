"""Jobs on a real database: claims, fencing, retries, cancel, outbox."""

import threading
import uuid
from collections.abc import Iterator

import pytest
from django.db import connection, connections
from django.utils import timezone
from kombu.exceptions import OperationalError

from faceplatform.accounts.models import Organization
from faceplatform.core.actors import SYSTEM, Actor
from faceplatform.core.errors import Conflict, Unprocessable
from faceplatform.core.jobs import (
    JobCancelled,
    JobContext,
    LeaseLost,
    cancel,
    enqueue,
    lease,
    outbox,
    registry,
    run_here,
)
from faceplatform.core.models import AuditEvent, Job, JobState

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def organization() -> Organization:
    return Organization.objects.create(name="team")


@pytest.fixture(autouse=True)
def _forget_kinds() -> Iterator[None]:
    before = dict(registry._KINDS)
    yield
    registry._KINDS.clear()
    registry._KINDS.update(before)


@pytest.fixture
def bell(monkeypatch: pytest.MonkeyPatch) -> list[uuid.UUID]:
    """Record rings instead of sending them."""
    rung: list[uuid.UUID] = []

    def publish(job_id: uuid.UUID, queue: str) -> bool:
        rung.append(job_id)
        Job.objects.filter(pk=job_id).update(published_at=timezone.now())
        return True

    monkeypatch.setattr(outbox, "publish", publish)
    return rung


def make_job(organization: Organization, handler: registry.Handler, **options: object) -> Job:
    name = f"test.{uuid.uuid4().hex}"
    registry.job_kind(name, queue="default")(handler)
    return enqueue(
        kind=name,
        title="test",
        organization_id=organization.pk,
        actor=SYSTEM,
        payload={},
        ring=False,
        **options,  # type: ignore[arg-type]
    )


def expire_lease(job: Job) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE core_job SET lease_until = now() - interval '1 s' WHERE id = %s", [job.pk]
        )


def test_a_job_runs_once_and_keeps_its_result(organization: Organization) -> None:
    calls = []
    job = make_job(organization, lambda context: calls.append(1) or {"sentence": "fine"})
    assert run_here(job.pk)
    assert not run_here(job.pk)
    job.refresh_from_db()
    assert (job.state, job.result, job.attempt, len(calls)) == (
        JobState.SUCCEEDED,
        {"sentence": "fine"},
        1,
        1,
    )


def test_many_claims_at_once_have_one_winner(organization: Organization) -> None:
    job = make_job(organization, lambda context: None)
    claims: list[lease.Claim | None] = []

    def race() -> None:
        claims.append(lease.claim(job.pk, worker="racer"))
        connections.close_all()

    threads = [threading.Thread(target=race) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(claim is not None for claim in claims) == 1
    job.refresh_from_db()
    assert (job.attempt, job.token) == (1, 1)


def test_a_late_worker_cannot_write(organization: Organization) -> None:
    job = make_job(organization, lambda context: None)
    first = lease.claim(job.pk, worker="slow")
    assert first is not None
    expire_lease(job)
    second = lease.claim(job.pk, worker="other")
    assert second is not None and second.token == first.token + 1
    late = JobContext(job, first)
    with pytest.raises(LeaseLost), late.writing():
        Organization.objects.create(name="never")
    assert not Organization.objects.filter(name="never").exists()
    assert lease.finish(first, JobState.SUCCEEDED) is False
    assert lease.renew(first) is None
    assert lease.finish(second, JobState.SUCCEEDED) is True


def test_losing_the_lease_inside_a_handler_leaves_the_row_to_the_other(
    organization: Organization,
) -> None:
    def handler(context: JobContext) -> None:
        expire_lease(job)
        assert lease.claim(job.pk, worker="other") is not None
        with context.writing():
            raise AssertionError("must not be reached")

    job = make_job(organization, handler)
    assert run_here(job.pk)
    job.refresh_from_db()
    assert (job.state, job.worker, job.token) == (JobState.RUNNING, "other", 2)


def test_an_unexpected_error_is_tried_three_times(organization: Organization) -> None:
    def handler(context: JobContext) -> None:
        raise RuntimeError("broken")

    job = make_job(organization, handler)
    assert [run_here(job.pk) for _ in range(4)] == [True, True, True, False]
    job.refresh_from_db()
    assert (job.state, job.error_code, job.attempt) == (JobState.FAILED, "unexpected_error", 3)
    assert "broken" in job.error_detail


def test_attempts_that_come_further_are_not_counted(organization: Organization) -> None:
    reached = iter([4, 9, 20, 31, 42, 42, 42, 42])

    def handler(context: JobContext) -> None:
        context.progress(next(reached), 100, force=True)
        raise RuntimeError("the database restarts")

    job = make_job(organization, handler)
    assert [run_here(job.pk) for _ in range(9)] == [True] * 8 + [False]
    job.refresh_from_db()
    assert (job.state, job.error_code, job.done) == (JobState.FAILED, "unexpected_error", 42)


def test_a_job_that_goes_back_and_forth_ends(organization: Organization) -> None:
    reached = iter([40, 50, 45, 50, 40])

    def handler(context: JobContext) -> None:
        context.progress(next(reached), 100, force=True)
        raise RuntimeError("always about here")

    job = make_job(organization, handler)
    assert [run_here(job.pk) for _ in range(6)] == [True] * 5 + [False]


def test_a_refusal_is_final(organization: Organization) -> None:
    def handler(context: JobContext) -> None:
        raise Unprocessable("archive_empty", "nothing in it")

    job = make_job(organization, handler)
    run_here(job.pk)
    job.refresh_from_db()
    assert (job.state, job.error_code, job.attempt) == (JobState.FAILED, "archive_empty", 1)


def test_the_reaper_counts_attempts_that_come_no_further(organization: Organization) -> None:
    job = make_job(organization, lambda context: None)
    states = []
    for done in (3, 6, 9, 12, 12, 12, 12):
        held = lease.claim(job.pk, worker="killed")
        assert held is not None
        Job.objects.filter(pk=job.pk).update(done=done)
        expire_lease(job)
        lease.reap()
        job.refresh_from_db()
        states.append(job.state)
    assert states == [JobState.QUEUED] * 6 + [JobState.FAILED]
    assert job.error_code == "worker_lost"


def test_the_reaper_requeues_twice_and_then_fails(organization: Organization) -> None:
    job = make_job(organization, lambda context: None)
    states = []
    for _ in range(3):
        assert lease.claim(job.pk, worker="dies") is not None
        assert lease.reap() == []
        expire_lease(job)
        assert lease.reap() == [job.pk]
        job.refresh_from_db()
        states.append(job.state)
    assert states == [JobState.QUEUED, JobState.QUEUED, JobState.FAILED]
    assert job.error_code == lease.WORKER_LOST
    assert job.finished_at is not None


def test_cancel_while_waiting_and_while_running(organization: Organization) -> None:
    waiting = make_job(organization, lambda context: None)
    cancel(waiting, actor=SYSTEM)
    waiting.refresh_from_db()
    assert waiting.state == JobState.CANCELLED
    assert not run_here(waiting.pk)

    def handler(context: JobContext) -> None:
        cancel(running, actor=SYSTEM)
        context.progress(1, 2, force=True)
        raise AssertionError("must not be reached")

    running = make_job(organization, handler)
    run_here(running.pk)
    running.refresh_from_db()
    assert running.state == JobState.CANCELLED
    with pytest.raises(Conflict, match="job_ended"):
        cancel(running, actor=SYSTEM)


def test_a_cancelled_job_of_a_dead_worker_ends_as_cancelled(organization: Organization) -> None:
    job = make_job(organization, lambda context: None)
    assert lease.claim(job.pk, worker="dies") is not None
    cancel(job, actor=SYSTEM)
    expire_lease(job)
    lease.reap()
    job.refresh_from_db()
    assert job.state == JobState.CANCELLED


def test_a_cancelled_job_is_not_tried_again(organization: Organization) -> None:
    def handler(context: JobContext) -> None:
        cancel(job, actor=SYSTEM)
        raise RuntimeError("broken, before it noticed")

    job = make_job(organization, handler)
    assert [run_here(job.pk), run_here(job.pk)] == [True, False]
    job.refresh_from_db()
    assert (job.state, job.attempt) == (JobState.CANCELLED, 1)
    assert job.finished_at is not None


@pytest.mark.parametrize("running", [False, True])
def test_a_cancel_is_on_record_once(organization: Organization, running: bool) -> None:
    job = make_job(organization, lambda context: None)
    if running:
        assert lease.claim(job.pk, worker="busy") is not None
        cancel(job, actor=Actor(label="ann"))
    cancel(job, actor=Actor(label="ann"))
    event = AuditEvent.objects.get(action="job.cancel")
    assert (event.actor_label, event.target_id) == ("ann", str(job.pk))
    assert event.organization_id == organization.pk


@pytest.mark.parametrize(
    ("error", "tidied"),
    [(None, 1), (Unprocessable("archive_empty", "nothing in it"), 1), (JobCancelled(), 1),
     (RuntimeError("tried again"), 0), (LeaseLost(), 0)],
)  # fmt: skip
def test_what_another_attempt_needs_goes_only_when_the_job_has_ended(
    organization: Organization, error: Exception | None, tidied: int
) -> None:
    states = []

    def handler(context: JobContext) -> None:
        context.at_end(lambda: states.append(Job.objects.get(pk=job.pk).is_active))
        if error is not None:
            raise error

    job = make_job(organization, handler)
    run_here(job.pk)
    assert states == [False] * tidied


def test_progress_notices_a_cancel_and_keeps_the_numbers(organization: Organization) -> None:
    seen: list[tuple[int, int | None]] = []

    def handler(context: JobContext) -> None:
        context.progress(3, 10, "third", force=True)
        row = Job.objects.get(pk=context.job_id)
        seen.append((row.done, row.total))
        cancel(row, actor=SYSTEM)
        with pytest.raises(JobCancelled):
            context.progress(4, 10, force=True)
        raise JobCancelled

    job = make_job(organization, handler)
    run_here(job.pk)
    assert seen == [(3, 10)]


def test_the_heartbeat_keeps_a_long_job(organization: Organization, settings: object) -> None:
    settings.JOB_LEASE_SECONDS = 0.6  # type: ignore[attr-defined]
    settings.JOB_HEARTBEAT_SECONDS = 0.1  # type: ignore[attr-defined]
    pause = threading.Event()

    def handler(context: JobContext) -> None:
        pause.wait(1.5)
        assert lease.reap() == []

    job = make_job(organization, handler)
    run_here(job.pk)
    job.refresh_from_db()
    assert job.state == JobState.SUCCEEDED


def test_one_active_job_per_key(organization: Organization) -> None:
    first = make_job(organization, lambda context: None, dedupe_key="reindex")
    with pytest.raises(Conflict, match="already_running"):
        make_job(organization, lambda context: None, dedupe_key="reindex")
    run_here(first.pk)
    make_job(organization, lambda context: None, dedupe_key="reindex")


def test_the_outbox_rings_for_what_nobody_claimed(
    organization: Organization, bell: list[uuid.UUID]
) -> None:
    job = make_job(organization, lambda context: None)
    assert outbox.publish_waiting() == 0, "a job that was just committed rings by itself"
    with connection.cursor() as cursor:
        cursor.execute("UPDATE core_job SET created_at = now() - interval '2 s'")
    assert outbox.publish_waiting() == 1
    assert outbox.publish_waiting() == 0, "rung for and not yet overdue"
    with connection.cursor() as cursor:
        cursor.execute("UPDATE core_job SET published_at = now() - interval '31 s'")
    assert outbox.publish_waiting() == 1
    assert bell == [job.pk, job.pk]
    run_here(job.pk)
    assert outbox.publish_waiting() == 0


def test_a_broker_that_is_away_does_not_lose_the_job(
    organization: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    from faceplatform.core.tasks import run_job

    def away(**kwargs: object) -> None:
        raise OperationalError("no broker")

    monkeypatch.setattr(run_job, "apply_async", away)
    job = make_job(organization, lambda context: None)
    assert outbox.publish(job.pk, job.queue) is False
    job.refresh_from_db()
    assert (job.state, job.published_at) == (JobState.QUEUED, None)


def test_a_kind_that_is_gone_fails_with_a_code(organization: Organization) -> None:
    job = make_job(organization, lambda context: None)
    registry._KINDS.pop(job.kind)
    run_here(job.pk)
    job.refresh_from_db()
    assert (job.state, job.error_code) == (JobState.FAILED, "unknown_kind")
