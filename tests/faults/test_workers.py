"""Workers that are killed, stopped, poisoned, and rung for too often."""

import hashlib
import os
import signal
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest
import redis
from celery import Celery

from faceplatform.stack import endpoints
from tests.fakes import face_photo
from tests.faults import people
from tests.faults.platform import LEASE, Platform, until
from tests.faults.trials import Outcome, Trials
from tests.faults.up import WORKERS

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.timeout(3600)]

BARRIERS = ("after_claim", "after_decode", "after_embed", "before_commit", "after_commit")
MakeTrials = Callable[[str, str, int], Trials]
_INSERT = """
    INSERT INTO core_job (id, organization_id, kind, queue, title, payload, dedupe_key, state,
                          attempt, token, worker, cancel_requested, done, done_before, note, result,
                          error_code, error_detail, created_label, created_at)
    VALUES (%s, %s, %s, 'default', 'test', '{}', '', 'queued', 0, 0, '', false, 0, 0, '', '{}',
            '', '', 'test', now())
"""


def skip_of(barrier: str) -> int:
    """Let the first batch pass, so that the fault comes with some of the work done."""
    return 0 if barrier == "after_claim" else 1


def whole_worker(pid: int) -> list[psutil.Process]:
    """The main process of a pool's child, with all of its children."""
    main = psutil.Process(pid).parent()
    assert main is not None
    return [main, *main.children(recursive=True)]


def test_f1_the_process_of_a_job_is_killed(
    platform: Platform, archive: bytes, calm: str, trials: MakeTrials
) -> None:
    run = trials("F1", "SIGKILL of the process that runs an import, at barrier after barrier", 10)
    for number in run:
        barrier = BARRIERS[number % len(BARRIERS)]
        platform.orders.clear()
        platform.orders.give(barrier, "kill", skip=skip_of(barrier))
        imported = people.start_import(platform, archive)
        people.wait_for(platform, imported.job)
        (taken,) = platform.orders.taken
        assert people.job_row(platform, imported.job)[1] >= 2
        seconds = people.finished_at(platform, imported.job) - taken.at
        run.passed(people.outcome_of(platform, imported, calm, seconds))


def test_f2_a_whole_worker_is_killed(
    platform: Platform, archive: bytes, calm: str, trials: MakeTrials
) -> None:
    run = trials("F2", "SIGKILL of a whole worker; another takes over, or itself restarts", 8)
    for number in run:
        barrier = BARRIERS[1 + number % 4]
        until(platform.workers_ready, "both workers run")
        platform.orders.clear()
        platform.orders.give(barrier, "hold", skip=1)
        imported = people.start_import(platform, archive)
        until(lambda: platform.orders.taken, "a worker is in the middle")
        killed = whole_worker(platform.orders.taken[0].pid)
        other = next(name for name in WORKERS if platform.pid(name) != killed[0].pid)
        asleep = platform.suspend(other) if number % 2 else []
        begun = time.time()
        for process in killed:
            process.kill()
        try:
            people.wait_for(platform, imported.job)
        finally:
            platform.resume(asleep)
        assert people.job_row(platform, imported.job)[1] >= 2
        seconds = people.finished_at(platform, imported.job) - begun
        run.passed(people.outcome_of(platform, imported, calm, seconds))


def test_f3_a_job_that_kills_its_worker(
    platform: Platform, archive: bytes, calm: str, trials: MakeTrials
) -> None:
    run = trials("F3", "a job that kills its process every time, among others that do not", 5)
    for _ in run:
        until(platform.workers_ready, "both workers run")
        poison = str(uuid.uuid4())
        begun = time.time()
        platform.sql(_INSERT, poison, platform.people["organization"], "test.poison")
        imported = people.start_import(platform, archive)
        until(lambda: people.ended(platform, poison), "the poisoned job ends")  # noqa: B023
        assert people.job_row(platform, poison) == ("failed", 3, "worker_lost")
        people.wait_for(platform, imported.job)
        assert people.finished_at(platform, imported.job) < people.finished_at(platform, poison)
        seconds = people.finished_at(platform, poison) - begun
        run.passed(people.outcome_of(platform, imported, calm, seconds))


def test_f4_a_job_is_rung_for_ten_times(
    platform: Platform, archive: bytes, calm: str, trials: MakeTrials
) -> None:
    bell = bell_of(platform)
    run = trials("F4", "ten more messages for one import, to two workers at once", 10)
    for _ in run:
        until(platform.workers_ready, "both workers run")
        asleep = platform.suspend(*WORKERS)
        try:
            imported = people.start_import(platform, archive)
            for _ in range(10):
                bell.send_task("core.run_job", args=[imported.job], queue="inference")
        finally:
            platform.resume(asleep)
        people.wait_for(platform, imported.job)
        until(lambda: waiting_messages(platform) == 0, "all messages are taken")
        assert people.job_row(platform, imported.job) == ("succeeded", 1, "")
        run.passed(people.outcome_of(platform, imported, calm, None))


def test_f5_a_worker_sleeps_past_its_lease_and_wakes(
    platform: Platform, archive: bytes, calm: str, trials: MakeTrials
) -> None:
    run = trials("F5", "SIGSTOP past the lease, another takes over, SIGCONT", 8)
    for number in run:
        barrier = BARRIERS[1 + number % 4]
        until(platform.workers_ready, "both workers run")
        platform.orders.clear()
        platform.orders.give(barrier, "stop", skip=1)
        imported = people.start_import(platform, archive)
        until(lambda: platform.orders.taken, "a worker sleeps")
        (taken,) = platform.orders.taken
        try:
            people.wait_for(platform, imported.job)
        finally:
            os.kill(taken.pid, signal.SIGCONT)
        seconds = people.finished_at(platform, imported.job) - taken.at
        assert seconds >= LEASE - 1
        time.sleep(1)  # for what the late one would still write
        assert people.job_row(platform, imported.job)[0] == "succeeded"
        run.passed(people.outcome_of(platform, imported, calm, seconds))


def test_f6_many_enroll_the_same_photo(platform: Platform, trials: MakeTrials) -> None:
    run = trials("F6", "32 requests at once enroll the same photo", 10)
    for number in run:
        gallery = people.make_gallery(platform)
        person = people.make_person(platform, gallery, "ann")
        path = f"/api/v1/identities/{person}/images"
        data = face_photo(7, variant=number)
        program = platform.program
        with ThreadPoolExecutor(32) as pool:
            asked = [pool.submit(program.upload, path, "images", "a.png", data) for _ in range(32)]
        answers = sorted((one.result().status, one.result().code) for one in asked)
        assert answers == [(201, ""), *[(409, "duplicate_image")] * 31]
        faces = platform.one(
            "SELECT count(*) FROM recognition_faceimage WHERE gallery_id = %s", gallery
        )
        run.passed(
            Outcome(
                lost=int(faces == 0) + people.damaged_files(platform),
                duplicates=people.duplicates(platform, gallery) + max(0, faces - 1),
            )
        )


def test_f7_enrolling_races_with_erasing(platform: Platform, trials: MakeTrials) -> None:
    run = trials("F7", "eight requests enroll photos of a person who is erased meanwhile", 10)
    for number in run:
        gallery = people.make_gallery(platform)
        person = people.make_person(platform, gallery, "ann")
        path = f"/api/v1/identities/{person}"
        program, administrator = platform.program, platform.administrator
        photos = [face_photo(100 + number, variant=v) for v in range(8)]
        with ThreadPoolExecutor(9) as pool:
            asked = [
                pool.submit(program.upload, f"{path}/images", "images", "a.png", data)
                for data in photos[:4]
            ]
            erased = pool.submit(administrator.ask, "DELETE", path)
            asked += [
                pool.submit(program.upload, f"{path}/images", "images", "a.png", data)
                for data in photos[4:]
            ]
        assert erased.result().status == 204
        answers = {(one.result().status, one.result().code) for one in asked}
        assert answers <= {(201, ""), (409, "identity_gone"), (404, "not_found")}
        assert program.get(path).status == 404
        left = platform.one(
            "SELECT (SELECT count(*) FROM recognition_faceimage WHERE gallery_id = %s)"
            " + (SELECT count(*) FROM recognition_facetemplate WHERE gallery_id = %s)",
            gallery,
            gallery,
        )
        hashes = [hashlib.sha256(data).hexdigest() for data in photos]
        files = [
            path
            for sha256 in hashes
            for path in (platform.layout.var / "files").rglob(sha256)
        ]  # fmt: skip
        assert (left, files) == (0, [])
        run.passed(Outcome(lost=people.damaged_files(platform)))


def bell_of(platform: Platform) -> Celery:
    """Something that sends messages to the workers of a platform."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REDIS_URL", endpoints.embedded_redis_url(platform.layout))
        return Celery("bell", broker=endpoints.broker_url(), set_as_current=False, fixups=[])


def waiting_messages(platform: Platform) -> int:
    """How many messages nobody has taken yet."""
    with redis.Redis.from_url(endpoints.embedded_redis_url(platform.layout)) as broker:
        return sum(int(broker.llen(queue)) for queue in ("inference", "default"))
