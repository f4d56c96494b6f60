"""Commands that share servers: the first starts them, the last stops them."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from faceplatform.stack import endpoints
from faceplatform.stack.layout import SUPERVISED_VARIABLE, Layout
from faceplatform.stack.postgres import PostgresServer
from faceplatform.stack.processes import ProcessIdentity
from faceplatform.stack.session import Patience, services
from faceplatform.stack.valkey import ValkeyServer
from tests.stack.conftest import PROJECT, clean_environment
from tests.stack.test_processes import until


@pytest.fixture
def layout(reused: Layout) -> Layout:
    return reused


COMMAND = """
import sys
from faceplatform.stack.session import services
with services(database=True, broker="broker" in sys.argv):
    print("inside", flush=True)
    sys.stdin.readline()
print("done", flush=True)
"""


@contextmanager
def command(layout: Layout, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", COMMAND, *arguments],
        cwd=PROJECT,
        env=clean_environment(FACEPLATFORM_VAR=str(layout.var)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as child:
        try:
            yield child
        finally:
            child.kill()


def line(child: subprocess.Popen[str]) -> str:
    assert child.stdout is not None
    assert child.stderr is not None
    return child.stdout.readline().strip() or child.stderr.read()


def finish(child: subprocess.Popen[str]) -> int:
    child.communicate("\n", timeout=30)
    return child.returncode


def server(layout: Layout) -> ProcessIdentity | None:
    return PostgresServer(layout).find()


def test_a_command_starts_what_it_needs_and_stops_it(layout: Layout) -> None:
    with command(layout) as alone:
        assert line(alone) == "inside"
        assert server(layout) is not None
        assert ValkeyServer(layout).find() is None
        assert finish(alone) == 0
    assert server(layout) is None
    assert PostgresServer(layout).strays() == []


def test_two_that_start_at_once_share_one_server(layout: Layout) -> None:
    with command(layout, "broker") as one, command(layout, "broker") as two:
        assert line(one) == "inside"
        assert line(two) == "inside"
        shared = server(layout)
        assert shared is not None
        assert finish(one) == 0
        assert server(layout) == shared
        with psycopg.connect(endpoints.database_url(layout)) as connection:
            connection.execute("SELECT 1")
        assert finish(two) == 0
    assert server(layout) is None
    assert ValkeyServer(layout).find() is None


def test_a_killed_command_leaves_a_server_that_the_next_takes_over_and_stops(
    layout: Layout,
) -> None:
    with command(layout) as victim:
        assert line(victim) == "inside"
        left = server(layout)
        victim.kill()
        victim.wait()
    assert server(layout) == left
    with command(layout) as following:
        assert line(following) == "inside"
        assert server(layout) == left
        assert finish(following) == 0
    assert server(layout) is None


def test_the_server_is_found_when_its_run_state_was_lost(layout: Layout) -> None:
    with command(layout) as one:
        assert line(one) == "inside"
        known = server(layout)
        layout.state_file("postgres").unlink()
        assert server(layout) == known
        assert finish(one) == 0
    assert PostgresServer(layout).strays() == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_command_that_is_asked_to_end_stops_its_server(
    layout: Layout, number: signal.Signals
) -> None:
    with command(layout) as asked:
        assert line(asked) == "inside"
        asked.send_signal(number)
        assert asked.wait(timeout=30) != 0
    assert server(layout) is None


def test_a_server_killed_between_two_commands_is_started_again(layout: Layout) -> None:
    with command(layout) as one:
        assert line(one) == "inside"
        first = server(layout)
        assert first is not None
        os.kill(first.pid, signal.SIGKILL)
        until(lambda: not first.alive)
        with command(layout) as two:
            assert line(two) == "inside"
            assert server(layout) not in (None, first)
            assert finish(two) == 0
        assert server(layout) is not None  # the first still counts as its user
        assert finish(one) == 0
    assert server(layout) is None


def test_own_servers_and_supervised_processes_start_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layout = Layout(project_root=PROJECT, var=tmp_path / "var")
    monkeypatch.setenv(SUPERVISED_VARIABLE, layout.key)
    with services(database=True, broker=True, layout=layout):
        assert not layout.var.exists()
    monkeypatch.delenv(SUPERVISED_VARIABLE)
    monkeypatch.setenv("DATABASE_URL", "postgresql://db.example/faces")
    monkeypatch.setenv("REDIS_URL", "redis://cache.example")
    with services(database=True, broker=True, layout=layout):
        assert not layout.var.exists()


def test_a_process_of_another_installation_gets_servers_of_its_own(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SUPERVISED_VARIABLE, "another one")
    with services(layout=layout):
        assert server(layout) is not None


def test_psql_is_there_for_dbshell(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with services(layout=layout):
        done = subprocess.run(
            ["psql", endpoints.database_url(layout), "-Atc", "SELECT 41 + 1"],
            capture_output=True,
            text=True,
            check=False,
        )
    assert (done.stdout, done.stderr) == ("42\n", "")


def test_waiting_is_said_after_a_second_and_then_seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("faceplatform.stack.session.time.monotonic", lambda: now)
    said: list[str] = []
    patience = Patience("PostgreSQL", said.append)
    for now in (100.5, 101.5, 102.0, 105.0, 110.5, 112.0):  # noqa: B007
        patience()
    assert len(said) == 2
    assert said[0] == "starting PostgreSQL ..."
    assert "still starting" in said[1]
