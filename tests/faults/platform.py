"""A whole platform under `var` of a test: servers, workers, dispatcher and web server.

What happens to it is done with signals and seen through HTTP and SQL, as by a stranger.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import psycopg

from faceplatform.stack import endpoints, processes
from faceplatform.stack.layout import SUPERVISED_VARIABLE, Layout
from faceplatform.stack.postgres import PostgresServer
from faceplatform.stack.valkey import ValkeyServer
from tests.faults import orders
from tests.faults.http import Client
from tests.faults.up import WORKERS
from tests.stack.conftest import PROJECT, clean_environment, remove

PATIENCE = 300.0
# Seconds; more where the machine is so busy that a healthy worker is silent for that long.
LEASE = float(os.environ.get("FAULT_LEASE", "5"))
_SHORT = {
    "JOB_LEASE_SECONDS": str(LEASE),
    "JOB_HEARTBEAT_SECONDS": "0.5",
    "JOB_DISPATCH_SECONDS": "0.2",
    "JOB_REPUBLISH_SECONDS": "2",
    "JOB_RETRY_SECONDS": "0.5",
}
_PEOPLE = """
from django.test import Client
from faceplatform.accounts.models import Membership, Organization, User
from faceplatform.accounts.roles import Role, Scope
from faceplatform.accounts.services.keys import create_key
from faceplatform.core.actors import Actor
team = Organization.objects.create(name="Team")
ann = User.objects.create_user(email="ann@example.org", password="correct horse battery")
Membership.objects.create(organization=team, user=ann, role=Role.ADMIN)
key = create_key(organization=team, name="test", scopes=list(Scope), expires_at=None,
                 actor=Actor(label="ann", user_id=ann.pk))
client = Client()
client.force_login(ann)
import json
session = client.cookies["session"].value
answer = {"organization": str(team.pk), "key": key.secret, "session": session}
print(json.dumps(answer))
"""
_CSRF = "c" * 32


def until(test: Callable[[], Any], what: str, seconds: float = PATIENCE) -> float:
    """Wait until something holds and return the seconds that took; fail after `seconds`."""
    begun = time.monotonic()
    while not test():
        waited = time.monotonic() - begun
        assert waited < seconds, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.02)
    return time.monotonic() - begun


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Platform:
    """One installation that is started, hurt and started again."""

    var: Path
    extra: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.layout = Layout(project_root=PROJECT, var=self.var.resolve())
        self.port = free_port()
        folder = self.var.parent / "orders"
        folder.mkdir()
        self.orders = orders.Orders(folder)
        self.environment = clean_environment(
            FACEPLATFORM_VAR=str(self.layout.var),
            PUBLIC_URL=f"http://127.0.0.1:{self.port}",
            **{orders.VARIABLE: str(folder)},
            **_SHORT,
            **self.extra,
        )
        self.child: subprocess.Popen[bytes] | None = None
        self._people: dict[str, str] = {}

    # --- its life

    def start(self) -> float:
        """Run `up` and wait until it serves; return the seconds that took."""
        before = self.said().count("serves at")
        self.child = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.up"],
            cwd=PROJECT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        return until(lambda: self._serves(before), "up serves")

    def _serves(self, before: int) -> bool:
        assert self.child is not None and self.child.poll() is None, self.said()[-2000:]
        return self.said().count("serves at") > before

    def end(self) -> None:
        """Stop it in good order and remove what it left outside its `var`."""
        if self.child is not None and self.child.poll() is None:
            self.child.terminate()
            self.child.wait(timeout=60)
        for identity in self.everything():
            processes.stop(identity, processes.AT_ONCE)
        remove(self.layout)

    def said(self) -> str:
        """The supervisor's log."""
        file = self.layout.log_file("up")
        return file.read_text() if file.exists() else ""

    def manage(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run a command as its operator would."""
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=PROJECT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    # --- its processes

    def pid(self, name: str) -> int:
        """The process of a part by its name; fails while it does not run."""
        return int(json.loads(self.layout.state_file(name).read_text())["pid"])

    def tree(self, name: str) -> list[psutil.Process]:
        """A part with all its children."""
        process = psutil.Process(self.pid(name))
        return [process, *process.children(recursive=True)]

    def kill(self, name: str) -> None:
        """SIGKILL the first process of a part; the supervisor starts it again."""
        os.kill(self.pid(name), signal.SIGKILL)

    def suspend(self, *names: str) -> list[psutil.Process]:
        """SIGSTOP parts with all their children; `resume` what this returns."""
        stopped = [process for name in names for process in self.tree(name)]
        for process in stopped:
            process.suspend()
        return stopped

    @staticmethod
    def resume(stopped: list[psutil.Process]) -> None:
        """SIGCONT processes that still live."""
        for process in stopped:
            if process.is_running():
                process.resume()

    def everything(self) -> list[processes.ProcessIdentity]:
        """Every living process of the installation."""
        found = {
            *processes.carrying(SUPERVISED_VARIABLE, self.layout.key),
            *PostgresServer(self.layout).strays(),
            *ValkeyServer(self.layout).strays(),
        }
        if self.child is not None and self.child.poll() is None:
            own = processes.ProcessIdentity.of(self.child.pid)
            found |= {own} if own else set()
        return list(found)

    def power_cut(self) -> None:
        """SIGKILL everything at once, the supervisor first."""
        for identity in sorted(self.everything(), key=lambda one: one.pid != self._own_pid):
            identity.send(signal.SIGKILL)
        if self.child is not None:
            self.child.wait()
        until(lambda: not self.everything(), "all processes are gone")

    @property
    def _own_pid(self) -> int:
        return self.child.pid if self.child is not None else 0

    def workers_ready(self) -> bool:
        """Whether both workers run with a child to work in."""
        try:
            return all(len(psutil.Process(self.pid(name)).children()) > 0 for name in WORKERS)
        except (FileNotFoundError, psutil.NoSuchProcess):
            return False

    # --- its rows and its answers

    def sql(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Run one statement on its database; [] when it returns no rows."""
        url = endpoints.embedded_database_url(self.layout)
        with psycopg.connect(url, autocommit=True, connect_timeout=5) as connection:
            cursor = connection.execute(query, values)
            return cursor.fetchall() if cursor.description else []

    def one(self, query: str, *values: Any) -> Any:
        """Return the only value of the only row."""
        ((value,),) = self.sql(query, *values)
        return value

    @property
    def people(self) -> dict[str, str]:
        """The organization, a key and a session of its administrator, made on first use."""
        if not self._people:
            done = self.manage("shell", "--no-imports", "-c", _PEOPLE)
            assert done.returncode == 0, done.stderr
            self._people = json.loads(done.stdout.splitlines()[-1])
        return self._people

    @property
    def program(self) -> Client:
        """A program with a key of all scopes."""
        return Client(self.port, {"Authorization": f"Bearer {self.people['key']}"})

    @property
    def administrator(self) -> Client:
        """A person who is logged in as administrator."""
        cookie = f"session={self.people['session']}; csrftoken={_CSRF}"
        return Client(self.port, {"Cookie": cookie, "X-CSRFToken": _CSRF})
