"""Jobs with a real Celery worker, a real Valkey and a real dispatcher."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from django.db import connection, transaction

from faceplatform.accounts.models import Organization
from faceplatform.celery import app
from faceplatform.core.actors import SYSTEM
from faceplatform.core.jobs import enqueue
from faceplatform.core.models import Job, JobLogLine, JobState
from faceplatform.core.tasks import run_job
from tests.core import worker_kinds  # noqa: F401

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.stack]

ROOT = Path(__file__).resolve().parent.parent.parent


def wait_for(condition: Callable[[], bool], *, seconds: float = 40) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("it did not happen in time")


def environment() -> dict[str, str]:
    """Return the environment of processes that work on this test's database."""
    name = connection.settings_dict["NAME"]
    head, _, query = os.environ["DATABASE_URL"].partition("?")
    url = f"{head.rpartition('/')[0]}/{name}" + (f"?{query}" if query else "")
    return os.environ | {
        "DATABASE_URL": url,
        "DJANGO_SETTINGS_MODULE": "faceplatform.settings.test",
    }


@pytest.fixture
def organization() -> Organization:
    return Organization.objects.create(name="team")


@pytest.fixture
def worker() -> Iterator[subprocess.Popen[bytes]]:
    app.control.purge()
    command = [
        sys.executable, "-m", "celery", "-A", "faceplatform", "worker", "-Q", "default",
        "--concurrency", "1", "--include", "tests.core.worker_kinds", "--loglevel", "WARNING",
    ]  # fmt: skip
    process = subprocess.Popen(command, cwd=ROOT, env=environment())
    yield process
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(timeout=15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@pytest.fixture
def dispatcher() -> Iterator[None]:
    process = subprocess.Popen(
        [sys.executable, "manage.py", "dispatch"], cwd=ROOT, env=environment()
    )
    yield
    process.terminate()
    process.wait(timeout=15)


def make_job(organization: Organization, kind: str = "test.steps", **payload: float) -> Job:
    with transaction.atomic():
        return enqueue(
            kind=kind, title="test", organization_id=organization.pk, actor=SYSTEM, payload=payload
        )


def state_of(job: Job) -> str:
    job.refresh_from_db()
    return job.state


def steps_of(job: Job) -> list[str]:
    lines = JobLogLine.objects.filter(job=job, level="step").order_by("id")
    return [line.message for line in lines]


def pool_child(worker: subprocess.Popen[bytes]) -> psutil.Process:
    return psutil.Process(worker.pid).children()[0]


ALL_STEPS = [f"step {number}" for number in range(10)]


@pytest.mark.usefixtures("worker")
def test_a_committed_job_reaches_a_worker(organization: Organization) -> None:
    job = make_job(organization)
    wait_for(lambda: state_of(job) == JobState.SUCCEEDED)
    assert steps_of(job) == ALL_STEPS
    assert (job.done, job.total, job.attempt) == (10, 10, 1)
    assert job.result == {"sentence": "Ten steps."}


@pytest.mark.usefixtures("worker")
def test_ten_deliveries_have_one_effect(organization: Organization) -> None:
    job = make_job(organization, seconds=0.02)
    for _ in range(10):
        run_job.apply_async(args=(str(job.pk),), queue="default")
    wait_for(lambda: state_of(job) == JobState.SUCCEEDED)
    marker = make_job(organization)
    wait_for(lambda: state_of(marker) == JobState.SUCCEEDED)
    job.refresh_from_db()
    assert (steps_of(job), job.attempt) == (ALL_STEPS, 1)


@pytest.mark.usefixtures("dispatcher")
def test_a_killed_child_loses_nothing_and_repeats_nothing(
    organization: Organization, worker: subprocess.Popen[bytes]
) -> None:
    job = make_job(organization, seconds=0.2)
    wait_for(lambda: len(steps_of(job)) >= 3)
    pool_child(worker).kill()
    wait_for(lambda: state_of(job) == JobState.SUCCEEDED)
    assert (steps_of(job), job.token) == (ALL_STEPS, 2)


@pytest.mark.usefixtures("dispatcher", "worker")
def test_a_job_that_kills_its_worker_ends_after_three_attempts(
    organization: Organization,
) -> None:
    job = make_job(organization, kind="test.poison")
    wait_for(lambda: state_of(job) == JobState.FAILED)
    assert (job.error_code, job.attempt) == ("worker_lost", 3)
    healthy = make_job(organization)
    wait_for(lambda: state_of(healthy) == JobState.SUCCEEDED)


@pytest.mark.usefixtures("dispatcher", "worker")
def test_a_flushed_broker_is_rung_again(organization: Organization, settings: object) -> None:
    jobs = [make_job(organization, seconds=0.01) for _ in range(8)]
    app.control.purge()
    Job.objects.filter(state=JobState.QUEUED).update(published_at=None)
    wait_for(lambda: all(state_of(job) == JobState.SUCCEEDED for job in jobs))
    assert all(steps_of(job) == ALL_STEPS for job in jobs)


@pytest.mark.usefixtures("dispatcher")
def test_a_stopped_worker_cannot_write_when_it_wakes(
    organization: Organization, worker: subprocess.Popen[bytes]
) -> None:
    job = make_job(organization, seconds=0.2)
    wait_for(lambda: len(steps_of(job)) >= 2)
    sleeper = pool_child(worker)
    sleeper.suspend()
    wait_for(lambda: state_of(job) == JobState.QUEUED, seconds=20)
    from faceplatform.core.jobs import run_here

    assert run_here(job.pk)
    sleeper.resume()
    time.sleep(1)
    job.refresh_from_db()
    assert (job.state, job.token, steps_of(job)) == (JobState.SUCCEEDED, 2, ALL_STEPS)
