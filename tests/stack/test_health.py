import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing

import pytest
from celery import Celery
from celery.contrib.testing.worker import start_worker

from faceplatform.celery import app as platform
from faceplatform.stack import endpoints, health, processes
from faceplatform.stack.health import Probe
from faceplatform.stack.layout import Layout
from faceplatform.stack.processes import ProcessIdentity
from faceplatform.stack.servers import Lease
from faceplatform.stack.valkey import ValkeyServer
from tests.stack.fakes import WEB


@pytest.fixture
def nothing_there() -> str:
    """An address on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


@pytest.fixture
def silent() -> Iterator[str]:
    """An address that accepts and never answers."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(8)
        yield f"127.0.0.1:{listener.getsockname()[1]}"


def test_running_servers_are_well(running: Layout) -> None:
    database = health.probe_database(endpoints.database_url(running))
    assert database.ok
    assert database.detail.startswith("PostgreSQL 18.")
    assert health.probe_broker(endpoints.redis_url(running)) == Probe(
        True,
        "answers",
        pytest.approx(0, abs=2000),  # type: ignore[arg-type]
    )


def test_servers_that_are_not_there_are_named_without_secrets(nothing_there: str) -> None:
    database = health.probe_database(f"postgresql://u:hidden@{nothing_there}/d")
    broker = health.probe_broker(f"redis://:hidden@{nothing_there}/0")
    for probe in (database, broker):
        assert not probe.ok
        assert "refused" in probe.detail
        assert "hidden" not in probe.detail
        assert "\n" not in probe.detail


def test_a_server_that_never_answers_costs_the_time_limit_only(silent: str) -> None:
    # libpq raises every limit to two seconds.
    database = health.probe_database(f"postgresql://u:p@{silent}/d", timeout=2)
    broker = health.probe_broker(f"redis://{silent}/0", timeout=0.3)
    web = health.probe_web(silent, "faces.example.org", timeout=0.3)
    for probe in (database, broker, web):
        assert not probe.ok
        assert probe.ms < 4000


@pytest.mark.parametrize("url", ["nonsense", "http://faces.example.org"])
def test_a_wrong_address_is_an_answer_not_an_error(url: str) -> None:
    assert not health.probe_broker(url).ok
    assert not health.probe_database(url).ok


def test_a_web_server_that_answers_is_well(nothing_there: str) -> None:
    argv = [sys.executable, "-c", WEB, nothing_there.rpartition(":")[2]]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as web:
        assert web.stdout is not None
        web.stdout.readline()
        assert health.probe_web(nothing_there, "faces.example.org").ok
        web.kill()
    assert "refused" in health.probe_web(nothing_there, "faces.example.org").detail


@pytest.fixture
def celery_restored() -> Iterator[None]:
    """Celery's test worker makes its application the process's own; give the platform's back."""
    yield
    platform.set_default()
    platform.set_current()


@pytest.mark.usefixtures("celery_restored")
def test_workers_are_told_apart_by_name(running: Layout) -> None:
    url = endpoints.broker_url(running)
    app = Celery("tester", broker=url, set_as_current=False, fixups=[])
    with (
        closing(app),
        start_worker(
            app,
            pool="solo",
            perform_ping_check=False,
            hostname="inference@tester",
            loglevel="ERROR",
        ),
    ):
        found = health.probe_workers(url, expected=("inference", "training"))
        assert found["inference"].ok
        assert found["training"] == Probe(False, "no answer", found["training"].ms)
        alone = health.probe_workers(url, expected=("inference",), timeout=5)
        assert alone["inference"].ok
        assert alone["inference"].ms < 4000, "it does not wait when all have answered"


@pytest.mark.usefixtures("celery_restored")
def test_workers_answer_again_after_the_broker_was_away(reused: Layout) -> None:
    url = endpoints.broker_url(reused)
    lease = Lease(ValkeyServer(reused))
    for _ in range(2):
        lease.acquire()
        app = Celery("tester", broker=url, set_as_current=False, fixups=[])
        with (
            closing(app),
            start_worker(
                app,
                pool="solo",
                perform_ping_check=False,
                hostname="inference@tester",
                loglevel="ERROR",
            ),
        ):
            assert health.probe_workers(url, expected=("inference",), timeout=5)["inference"].ok
        lease.release()
        gone = health.probe_workers(url, expected=("inference",))
        assert "broker unreachable" in gone["inference"].detail


def test_without_a_broker_no_worker_answers(nothing_there: str) -> None:
    found = health.probe_workers(f"redis://{nothing_there}/0", expected=("inference",))
    assert not found["inference"].ok
    assert "broker" in found["inference"].detail


def test_a_recorded_process_must_live(layout: Layout) -> None:
    layout.run.mkdir(parents=True)
    state = layout.state_file("beat")
    assert health.probe_process(layout, "beat").detail == "not running"
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as child:
        identity = ProcessIdentity.of(child.pid)
        assert identity is not None
        processes.remember(state, identity)
        assert health.probe_process(layout, "beat").detail == f"process {child.pid}"
        child.kill()
    assert not health.probe_process(layout, "beat").ok


def test_a_report_is_as_good_as_its_worst_part() -> None:
    good, bad = Probe(True, "answers", 1.0), Probe(False, "gone", 2.0)
    assert health.as_json({"web": good})["ok"] is True
    found = health.as_json({"web": good, "beat": bad})
    assert found["ok"] is False
    assert found["parts"]["beat"] == {"ok": False, "detail": "gone", "ms": 2.0}
