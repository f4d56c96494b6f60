"""Web server, broker and database that are killed, stopped and flushed under load."""

import os
import signal
import time
from collections.abc import Callable

import pytest
import redis

from faceplatform.stack import endpoints
from tests.faults import people
from tests.faults.http import BROKEN
from tests.faults.platform import Platform, until
from tests.faults.trials import Outcome, Trials
from tests.faults.up import WORKERS

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.timeout(3600)]

MakeTrials = Callable[[str, str, int], Trials]


def many_imports(platform: Platform, count: int) -> tuple[str, list[people.Import]]:
    """Start imports of one photo each into one gallery."""
    gallery = people.make_gallery(platform)
    files = people.photos(count, person=300)
    return gallery, [
        people.start_import(platform, people.zipped({path: data}), gallery)
        for path, data in files.items()
    ]


def calm_hash(platform: Platform, count: int) -> str:
    """The hash of the same photos, imported one after the other in peace."""
    gallery, imports = many_imports(platform, count)
    people.wait_for(platform, *(one.job for one in imports))
    return people.content_hash(platform, gallery, items=False)


def outcome(
    platform: Platform, gallery: str, count: int, calm: str, seconds: float | None
) -> Outcome:
    query = "SELECT count(*) FROM recognition_faceimage WHERE gallery_id = %s"
    return Outcome(
        seconds=seconds,
        lost=count - platform.one(query, gallery) + people.damaged_files(platform),
        duplicates=people.duplicates(platform, gallery),
        equal=people.content_hash(platform, gallery, items=False) == calm,
    )


def test_f8_the_web_server_dies_between_commit_and_message(
    platform: Platform, archive: bytes, calm: str, trials: MakeTrials
) -> None:
    run = trials("F8", "SIGKILL of the web process between commit and message", 10)
    for _ in run:
        gallery = people.make_gallery(platform)
        platform.orders.clear()
        platform.orders.give("before_publish", "kill")
        with pytest.raises(BROKEN):
            people.start_import(platform, archive, gallery)
        (taken,) = platform.orders.taken
        job = platform.one(
            "SELECT job_id::text FROM recognition_importrun WHERE gallery_id = %s", gallery
        )
        imported = people.Import(gallery, job, 0.0)
        people.wait_for(platform, job)
        seconds = people.finished_at(platform, job) - taken.at
        until(lambda: answers(platform), "the web server answers")
        run.passed(people.outcome_of(platform, imported, calm, seconds))


def test_f9_the_broker_forgets_everything(platform: Platform, trials: MakeTrials) -> None:
    run = trials("F9", "FLUSHALL with imports waiting", 4)
    count = 50 if int(os.environ.get("FAULT_REPEATS", "1")) > 1 else 10
    calm = calm_hash(platform, count)
    for _ in run:
        until(platform.workers_ready, "both workers run")
        asleep = platform.suspend(*WORKERS)
        try:
            gallery, imports = many_imports(platform, count)
            with redis.Redis.from_url(endpoints.embedded_redis_url(platform.layout)) as broker:
                broker.flushall()
            begun = time.time()
        finally:
            platform.resume(asleep)
        jobs = [one.job for one in imports]
        people.wait_for(platform, *jobs)
        seconds = max(people.finished_at(platform, job) for job in jobs) - begun
        run.passed(outcome(platform, gallery, count, calm, seconds))


def test_f10_the_broker_is_killed(platform: Platform, trials: MakeTrials) -> None:
    run = trials("F10", "SIGKILL of the broker while imports come in", 5)
    calm = calm_hash(platform, 10)
    for _ in run:
        until(platform.workers_ready, "both workers run")
        begun = time.time()
        platform.kill("valkey")
        gallery, imports = many_imports(platform, 10)
        assert max(one.seconds for one in imports) < 5, "taken without a broker"
        jobs = [one.job for one in imports]
        people.wait_for(platform, *jobs)
        seconds = max(people.finished_at(platform, job) for job in jobs) - begun
        run.passed(outcome(platform, gallery, 10, calm, seconds))


def test_f10_the_broker_is_stopped(platform: Platform, trials: MakeTrials) -> None:
    run = trials("F10 stop", "the broker does not answer for some seconds", 3)
    calm = calm_hash(platform, 3)
    for _ in run:
        until(platform.workers_ready, "both workers run")
        begun = time.time()
        asleep = platform.suspend("valkey")
        try:
            gallery, imports = many_imports(platform, 3)
            assert max(one.seconds for one in imports) < 5, "taken without a broker"
            assert platform.program.get("/readyz").body == {"state": "degraded"}
        finally:
            platform.resume(asleep)
        jobs = [one.job for one in imports]
        people.wait_for(platform, *jobs)
        seconds = max(people.finished_at(platform, job) for job in jobs) - begun
        run.passed(outcome(platform, gallery, 3, calm, seconds))


@pytest.mark.parametrize(
    ("fault", "name", "number"),
    [
        ("F11", "PostgreSQL is restarted (fast) while photos are enrolled", signal.SIGINT),
        ("F12", "SIGKILL of PostgreSQL while photos are enrolled and imported", signal.SIGKILL),
    ],
)
def test_f11_f12_the_database_goes_away_under_load(
    platform: Platform,
    archive: bytes,
    calm: str,
    trials: MakeTrials,
    fault: str,
    name: str,
    number: signal.Signals,
) -> None:
    run = trials(fault, name, 5)
    for _ in run:
        web = platform.pid("web")
        until(platform.workers_ready, "both workers run")
        with people.Crowd(platform, people.make_gallery(platform)) as crowd:
            imported = people.start_import(platform, archive)
            until(crowd.served, "photos are enrolled")
            until(crowd.served, "photos are enrolled")
            before = platform.said().count("postgres started again")
            begun = time.monotonic()
            os.kill(platform.pid("postgres"), number)
            until(
                lambda: platform.said().count("postgres started again") > before,  # noqa: B023
                "the supervisor starts it again",
            )
            crowd.served()
            until(crowd.served, "photos are enrolled again")
            seconds = time.monotonic() - begun
        assert {one for one in crowd.refused if one[0] != 409} <= {
            (503, "database_unavailable", True)
        }
        assert platform.pid("web") == web, "the web server was not restarted"
        people.wait_for(platform, imported.job)
        assert people.outcome_of(platform, imported, calm, None).good
        run.passed(crowd.outcome(seconds))


def answers(platform: Platform) -> bool:
    try:
        return platform.program.get("/healthz").status == 200
    except BROKEN:
        return False
