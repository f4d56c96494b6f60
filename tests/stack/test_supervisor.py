"""The supervisor with small processes in place of the platform's, and with the real servers."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from faceplatform.stack import endpoints, processes
from faceplatform.stack.layout import SUPERVISED_VARIABLE, Layout
from faceplatform.stack.parts import Backoff, describe
from faceplatform.stack.postgres import PostgresServer
from faceplatform.stack.session import services
from faceplatform.stack.valkey import ValkeyServer
from tests.stack.conftest import PROJECT
from tests.stack.fakes import STUBBORN, WEB, supervisor, worker
from tests.stack.test_processes import until

SERVERS = ("postgres", "valkey")


@pytest.fixture
def layout(reused: Layout) -> Layout:
    return reused


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "output"


def all_parts(notes: Path, port: int) -> dict[str, list[str]]:
    names = ("inference-worker", "training-worker", "beat", "dispatcher")
    return {name: worker(name, notes) for name in names} | {"web": ["python", "-c", WEB, str(port)]}


def left(layout: Layout) -> list[processes.ProcessIdentity]:
    return [
        *processes.carrying(SUPERVISED_VARIABLE, layout.key),
        *PostgresServer(layout).strays(),
        *ValkeyServer(layout).strays(),
    ]


@pytest.mark.stack
def test_everything_runs_and_stops_in_order(
    layout: Layout, output: Path, tmp_path: Path, port: int
) -> None:
    notes = tmp_path / "notes"
    parts = all_parts(notes, port)
    prepare = {"migrate": ["python", "-c", "print('prepared')"]}
    link = ["python", "-c", "print('http://somewhere/once')"]
    with supervisor(
        layout,
        output,
        processes=parts,
        servers=SERVERS,
        preparations=prepare,
        setup_link=link,
        port=port,
    ) as run:
        run.wait_for(f"serves at http://127.0.0.1:{port}")
        run.wait_for("http://somewhere/once")
        with psycopg.connect(endpoints.database_url(layout)) as connection:
            connection.execute("SELECT 1")
        assert redis.Redis.from_url(endpoints.redis_url(layout)).ping()
        assert run.stop() < 10
        assert run.child.returncode == 0
    assert "This link makes the first administrator, once:\n  http://somewhere/once" in run.text
    words = [
        *("PostgreSQL is ready", "Valkey is ready", "prepared", "serves at", "SIGINT: stopping"),
        *("stopping web", "stopping inference-worker, training-worker", "stopping beat"),
        *("stopping dispatcher", "stopping Valkey", "stopping PostgreSQL", "stopped in"),
    ]
    places = [run.text.index(word) for word in words]
    assert places == sorted(places), run.text
    stopped = [line.split()[1] for line in notes.read_text().splitlines() if "stopped" in line]
    assert set(stopped[:2]) == {"inference-worker", "training-worker"}
    assert stopped[2:] == ["beat", "dispatcher"]
    assert left(layout) == []
    assert "database system is shut down" in layout.log_file("postgres").read_text()
    assert "http://somewhere/once" not in "".join(
        file.read_text() for file in layout.log.iterdir()
    ), "the one-time link is a secret"


@pytest.mark.stack
def test_each_killed_part_comes_back(
    layout: Layout, output: Path, tmp_path: Path, port: int
) -> None:
    parts = all_parts(tmp_path / "notes", port)
    with supervisor(layout, output, processes=parts, servers=SERVERS, port=port) as run:
        run.wait_for("serves at")
        with psycopg.connect(endpoints.database_url(layout)) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 1 AS n")
        for name in (*parts, *SERVERS):
            killed = run.kill(name)
            run.wait_for(f"{name} ended (killed by SIGKILL); again in")
            run.wait_for(f"{name} started again (process ")
            assert run.pid(name) != killed
            assert processes.in_session(killed) == []
        until(lambda: PostgresServer(layout).probe().value == "ready")
        with psycopg.connect(endpoints.database_url(layout)) as connection:
            assert connection.execute("SELECT n FROM kept").fetchone() == (1,)
        until(lambda: redis.Redis.from_url(endpoints.redis_url(layout)).ping())
    assert left(layout) == []


@pytest.mark.stack
def test_a_killed_supervisor_leaves_orphans_that_the_next_one_clears(
    layout: Layout, output: Path, tmp_path: Path, port: int
) -> None:
    parts = all_parts(tmp_path / "notes", port)
    with supervisor(layout, output, processes=parts, servers=SERVERS, port=port) as first:
        first.wait_for("serves at")
        before = {name: first.pid(name) for name in (*parts, *SERVERS)}
        first.child.kill()
        first.child.wait()
        assert all(psutil.pid_exists(number) for number in before.values())
    second_output = tmp_path / "second"
    begun = time.monotonic()
    with supervisor(layout, second_output, processes=parts, servers=SERVERS, port=port) as second:
        second.wait_for("serves at")
        assert time.monotonic() - begun < 30
        assert "processes that an earlier run left behind" in second.text
        for name, number in before.items():
            assert second.pid(name) != number
        running = {one.pid for one in left(layout)}
        assert running.isdisjoint(before.values())
    assert left(layout) == []


@pytest.mark.stack
def test_orphans_keep_their_servers_when_another_command_ends(
    layout: Layout, output: Path, tmp_path: Path
) -> None:
    parts = {"one": worker("one", tmp_path / "notes")}
    with supervisor(layout, output, processes=parts, servers=SERVERS) as run:
        run.wait_for("| one is ready")
        run.child.kill()
        run.child.wait()
    server = PostgresServer(layout).find()
    with services(layout=layout):
        assert PostgresServer(layout).find() == server
    assert PostgresServer(layout).find() == server
    orphans = processes.carrying(SUPERVISED_VARIABLE, layout.key)
    assert processes.stop_all(orphans, processes.AT_ONCE)
    with services(layout=layout):
        pass
    assert PostgresServer(layout).find() is None


def test_a_second_run_on_the_same_data_says_so(
    layout: Layout, output: Path, tmp_path: Path
) -> None:
    parts = {"one": worker("one", tmp_path / "notes")}
    with supervisor(layout, output, processes=parts) as first:
        first.wait_for("serves at")
        with supervisor(layout, tmp_path / "second", processes=parts) as second:
            second.child.wait(timeout=30)
            assert f"runs already on {layout.var} (process {first.child.pid})" in second.text
            assert "http://127.0.0.1:8000" in second.text
            assert second.child.returncode != 0
        assert first.child.poll() is None
        assert psutil.pid_exists(first.pid("one"))


def test_a_taken_port_is_one_line_and_starts_nothing(
    layout: Layout, output: Path, tmp_path: Path, port: int
) -> None:
    program = [sys.executable, "-c", WEB, str(port)]
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as stranger:
        assert stranger.stdout is not None
        stranger.stdout.readline()
        parts = all_parts(tmp_path / "notes", port)
        with supervisor(layout, output, processes=parts, port=port) as run:
            run.child.wait(timeout=30)
        stranger.kill()
    errors = [line for line in run.text.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert f"port {port} on 127.0.0.1 is already in use" in errors[0]
    assert f"(process {stranger.pid})" in errors[0]
    assert "PUBLIC_URL" in errors[0]
    assert "Traceback" not in run.text
    assert not (tmp_path / "notes").exists()


def test_a_preparation_that_fails_ends_the_run(
    layout: Layout, output: Path, tmp_path: Path
) -> None:
    parts = {"one": worker("one", tmp_path / "notes")}
    prepare = {"migrate": ["python", "-c", "import sys; sys.exit('no such table')"]}
    with supervisor(layout, output, processes=parts, preparations=prepare) as run:
        run.child.wait(timeout=30)
    assert "migrate          | no such table" in run.text
    assert "error: migrate failed (exit code 1)" in run.text
    assert run.child.returncode == 1
    assert not (tmp_path / "notes").exists()


def test_a_deaf_process_is_killed_within_the_ten_seconds(layout: Layout, output: Path) -> None:
    names = ("other", "inference-worker", "training-worker", "beat", "dispatcher")
    parts = {name: ["python", "-c", STUBBORN] for name in names}
    with supervisor(layout, output, processes=parts) as run:
        run.wait_for("| deaf", count=len(parts))
        assert run.stop(signal.SIGTERM) < 10
    assert left(layout) == []


def test_a_second_signal_hurries(layout: Layout, output: Path) -> None:
    parts = {"other": ["python", "-c", STUBBORN], "beat": ["python", "-c", STUBBORN]}
    with supervisor(layout, output, processes=parts) as run:
        run.wait_for("| deaf", count=2)
        run.child.send_signal(signal.SIGINT)
        run.wait_for("stopping other")
        assert run.stop() < 6


def test_a_signal_during_the_start_stops_it(layout: Layout, output: Path, tmp_path: Path) -> None:
    parts = {"one": worker("one", tmp_path / "notes")}
    prepare = {
        "migrate": ["python", "-c", "print('slow', flush=True); import time; time.sleep(60)"]
    }
    with supervisor(layout, output, processes=parts, preparations=prepare) as run:
        run.wait_for("| slow")
        assert run.stop(signal.SIGHUP) < 10
        assert run.child.returncode == 0
    assert left(layout) == []
    assert not (tmp_path / "notes").exists()


def test_a_process_that_always_ends_is_tried_more_and_more_seldom(
    layout: Layout, output: Path
) -> None:
    parts = {"one": ["python", "-c", "print('hello'); raise SystemExit(3)"]}
    with supervisor(layout, output, processes=parts) as run:
        run.wait_for("one ended (exit code 3); again in 0.1 s")
        run.wait_for("one ended (exit code 3); again in 0.2 s")
        run.wait_for("one ended (exit code 3); again in 0.4 s")
        run.wait_for("one              | hello", count=3)


@pytest.mark.stack
def test_another_commands_server_is_shared_both_ways(
    layout: Layout, output: Path, tmp_path: Path
) -> None:
    parts = {"one": worker("one", tmp_path / "notes")}
    with services(database=True, layout=layout):
        shared = PostgresServer(layout).find()
        with supervisor(layout, output, processes=parts, servers=SERVERS) as run:
            run.wait_for("PostgreSQL runs already for another command")
            run.wait_for("serves at")
            assert run.stop() < 10
        assert "PostgreSQL goes on for another command" in run.text
        assert PostgresServer(layout).find() == shared
    assert left(layout) == []


@pytest.mark.stack
def test_servers_of_ones_own_are_waited_for_and_left_alone(
    running: Layout, output: Path, tmp_path: Path
) -> None:
    layout = Layout(project_root=PROJECT, var=tmp_path.resolve() / "var")
    parts = {"one": worker("one", tmp_path / "notes")}
    with supervisor(
        layout,
        output,
        processes=parts,
        DATABASE_URL=endpoints.database_url(running),
        REDIS_URL=endpoints.redis_url(running),
    ) as run:
        run.wait_for("serves at")
        run.stop()
    assert "DATABASE_URL: PostgreSQL 18." in run.text
    assert "REDIS_URL: answers" in run.text
    assert not layout.servers.exists()
    assert PostgresServer(running).find() is not None


def test_a_terminal_that_goes_away_does_not_end_the_run(layout: Layout, tmp_path: Path) -> None:
    output = tmp_path / "output"
    os.mkfifo(output)
    reader = os.open(output, os.O_RDONLY | os.O_NONBLOCK)
    parts = {"one": worker("one", tmp_path / "notes")}
    with supervisor(layout, output, processes=parts) as run:
        until(lambda: layout.log_file("up").exists())
        os.close(reader)
        until(lambda: "serves at" in layout.log_file("up").read_text())
        run.kill("one")
        until(lambda: "one started again" in layout.log_file("up").read_text())
        assert run.child.poll() is None


def test_waits_grow_and_start_again_after_a_steady_run() -> None:
    backoff = Backoff()
    assert [backoff.after(1.0) for _ in range(8)] == [0.5, 1, 2, 4, 8, 16, 30, 30]
    assert backoff.after(Backoff.STEADY) == 0.5


@pytest.mark.parametrize(
    ("code", "words"), [(0, "exit code 0"), (3, "exit code 3"), (-9, "killed by SIGKILL")]
)
def test_an_end_in_words(code: int, words: str) -> None:
    assert describe(code) == words
