"""`manage.py up` and other commands as a person uses them: real processes, a copy of the project.

As root the whole is run a second time as an ordinary user, with the system's own Python.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest

from faceplatform.stack import endpoints, processes
from faceplatform.stack.commands import PROCESSES
from faceplatform.stack.health import platform_report
from faceplatform.stack.layout import SUPERVISED_VARIABLE, Layout
from faceplatform.stack.postgres import PostgresServer
from faceplatform.stack.public_url import PublicUrl
from faceplatform.stack.valkey import ValkeyServer
from tests.stack.conftest import PROJECT, clean_environment, remove
from tests.stack.test_processes import until

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.timeout(600)]

SYSTEM_PYTHON = "/usr/bin/python3"
NOBODY = 65534
PATIENCE = 180.0
SOURCES = ("faceplatform", "recognition", "training", "templates", "static", "manage.py")


@dataclass
class Installation:
    """A copy of the project under a long path, and who runs it."""

    layout: Layout
    python: str
    user: int | None
    environment: dict[str, str]
    children: list[subprocess.Popen[str]] = field(default_factory=list)

    def start(self, *arguments: str, output: int | None = subprocess.PIPE) -> subprocess.Popen[str]:
        child = subprocess.Popen(
            [self.python, "manage.py", *arguments],
            cwd=self.layout.project_root,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT if output is None else subprocess.PIPE,
            text=True,
            user=self.user,
            group=self.user,
            extra_groups=None if self.user is None else [],
        )
        self.children.append(child)
        return child

    def end(self) -> None:
        """Stop what a failed test left."""
        for child in self.children:
            if child.poll() is None:
                child.terminate()
                child.wait(timeout=30)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        with self.start(*arguments) as child:
            output, errors = child.communicate(timeout=PATIENCE)
        return subprocess.CompletedProcess(arguments, child.returncode, output, errors)

    def left(self) -> list[processes.ProcessIdentity]:
        return [
            *processes.carrying(SUPERVISED_VARIABLE, self.layout.key),
            *PostgresServer(self.layout).strays(),
            *ValkeyServer(self.layout).strays(),
        ]

    def said(self) -> str:
        file = self.layout.log_file("up")
        return file.read_text() if file.exists() else ""

    def pid(self, name: str) -> int:
        return int(json.loads(self.layout.state_file(name).read_text())["pid"])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def copy_project(top: Path) -> Path:
    """Copy the project to a path of at least 150 characters."""
    project = top
    while len(str(project)) < 150:
        project /= "folder-with-a-rather-long-name"
    project.mkdir(parents=True)
    for name in SOURCES:
        source = PROJECT / name
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__", "var")
            shutil.copytree(source, project / name, ignore=ignored)
        elif source.exists():
            shutil.copy(source, project / name)
    return project


def give_away(top: Path, user: int) -> None:
    for folder, _, files in os.walk(top):
        for name in ("", *files):
            os.chown(Path(folder) / name, user, user)


def ordinary(environment: dict[str, str]) -> str:
    """Return the interpreter of an ordinary user; skip when there is none that can run this."""
    if os.geteuid() != 0:
        pytest.skip("runs as an ordinary user already")
    test = (
        "import celery, django, gunicorn, psycopg, redis, sys\n"
        "sys.exit(sys.version_info[:2] != (3, 11))"
    )
    try:
        done = subprocess.run(
            [SYSTEM_PYTHON, "-c", test],
            env=environment,
            cwd="/",
            user=NOBODY,
            group=NOBODY,
            extra_groups=[],
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError as error:
        pytest.skip(f"no {SYSTEM_PYTHON} for an ordinary user: {error}")
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["it is not Python 3.11"])[-1]
        pytest.skip(f"{SYSTEM_PYTHON} cannot run the platform as an ordinary user: {reason}")
    return SYSTEM_PYTHON


@pytest.fixture(params=["this user", "an ordinary user"])
def installation(request: pytest.FixtureRequest) -> Iterator[Installation]:
    top = Path(tempfile.mkdtemp(prefix="faces-", dir="/tmp")).resolve()
    environment = clean_environment(
        PUBLIC_URL=f"http://127.0.0.1:{free_port()}",
        PYTHONPATH=sysconfig.get_path("purelib"),
        PYTHONDONTWRITEBYTECODE="1",
        HOME=str(top),
    )
    try:
        python, user = sys.executable, None
        if request.param == "an ordinary user":
            python, user = ordinary(environment), NOBODY
        project = copy_project(top)
        if user is not None:
            give_away(top, user)
        layout = Layout(
            project_root=project,
            var=project / "var",
            uid=os.geteuid() if user is None else user,
        )
        made = Installation(layout, python, user, environment)
        yield made
        made.end()
        remove(layout)
    finally:
        shutil.rmtree(top)


def start_up(installation: Installation) -> tuple[subprocess.Popen[str], float]:
    """Start `up`, wait until it serves; return it and the seconds that took."""
    before = installation.said().count("serves at")
    begun = time.monotonic()
    child = installation.start("up", output=None)
    until(
        lambda: installation.said().count("serves at") > before or child.poll() is not None,
        PATIENCE,
    )
    assert child.poll() is None, installation.said()
    return child, time.monotonic() - begun


def check(installation: Installation) -> dict[str, dict[str, object]]:
    """Return what `up --check --json` says of each part."""
    done = installation.run("up", "--check", "--json")
    report = json.loads(done.stdout)
    assert (done.returncode == 0) == report["ok"]
    parts: dict[str, dict[str, object]] = report["parts"]
    return parts


def all_well(installation: Installation) -> bool:
    url = PublicUrl.parse(installation.environment["PUBLIC_URL"])
    report = platform_report(installation.layout, bind=url.bind, host=url.host)
    return all(probe.ok for probe in report.values())


def test_the_whole_life_of_an_installation(installation: Installation) -> None:
    layout = installation.layout
    assert len(str(layout.project_root)) >= 150
    modes = {folder: folder.stat().st_mode for folder in layout.var.parents}
    assert not any(part["ok"] for part in check(installation).values())

    first, cold = start_up(installation)
    until(lambda: all_well(installation), PATIENCE)
    report = check(installation)
    assert set(report) == {"postgres", "valkey", *PROCESSES}
    assert all(part["ok"] for part in report.values())

    second = installation.run("up")
    assert second.returncode == 3
    assert f"runs already on {layout.var} (process {first.pid})" in second.stderr

    for name in (*PROCESSES, "valkey", "postgres"):
        again = installation.said().count(f"{name} started again")
        os.kill(installation.pid(name), signal.SIGKILL)
        until(lambda: installation.said().count(f"{name} started again") > again, PATIENCE)  # noqa: B023
    until(lambda: all_well(installation), PATIENCE)

    orphans = {name: installation.pid(name) for name in (*PROCESSES, "valkey", "postgres")}
    first.kill()
    first.wait()
    third, warm = start_up(installation)
    until(lambda: all_well(installation), PATIENCE)
    assert not {one.pid for one in installation.left()} & set(orphans.values())

    begun = time.monotonic()
    third.send_signal(signal.SIGINT)
    assert third.wait(timeout=60) == 0
    stopping = time.monotonic() - begun
    assert installation.left() == []
    assert {folder: folder.stat().st_mode for folder in layout.var.parents} == modes
    sys.stdout.write(f"serves after {cold:.1f} s, after SIGKILL of up after {warm:.1f} s; ")
    sys.stdout.write(f"stops in {stopping:.1f} s\n")


def test_commands_work_alone_and_together(installation: Installation) -> None:
    ask = (
        "shell",
        "--no-imports",
        "-c",
        "from django.contrib.auth import get_user_model as u;print('users:', u().objects.count())",
    )
    with installation.start(*ask) as one, installation.start(*ask) as two:
        for child in (one, two):
            output, errors = child.communicate(timeout=PATIENCE)
            assert child.returncode == 0, errors
            assert "users: 0" in output
    assert installation.left() == []
    again = installation.run(*ask)
    assert (again.returncode, again.stdout.strip()) == (0, "users: 0")
    assert "preparing the database" not in again.stderr
    assert installation.run("migrate", "--check").returncode == 0
    assert installation.left() == []


def test_a_database_of_ones_own_is_not_migrated_by_the_way(
    installation: Installation, running: Layout
) -> None:
    installation.environment |= {"DATABASE_URL": endpoints.database_url(running)}
    if installation.user is not None:
        pytest.skip("the database of the test belongs to another user")
    tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
    done = installation.run("showmigrations", "sessions")
    assert "[ ] 0001_initial" in done.stdout
    done = installation.run("clearsessions")
    assert done.returncode == 1
    with psycopg.connect(endpoints.database_url(running)) as connection:
        assert connection.execute(tables).fetchone() == (0,)
    assert not installation.layout.servers.exists()


def test_mistakes_are_one_line(installation: Installation) -> None:
    installation.environment |= {"PUBLIC_URL": "https://faces.example.org/app"}
    done = installation.run("check")
    assert done.returncode == 1
    assert done.stderr.startswith("error: PUBLIC_URL 'https://faces.example.org/app' is refused")
    assert "Traceback" not in done.stderr
    assert not installation.layout.servers.exists()
