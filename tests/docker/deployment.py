"""A deployment without containers: servers that are not embedded, and roles as processes.

PostgreSQL is prepared by the script that compose gives to PostgreSQL's image; a role is stopped as
Docker stops it: SIGTERM, ten seconds, SIGKILL.
"""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg

from faceplatform.stack import secret_files
from faceplatform.stack.layout import Layout
from faceplatform.stack.postgres import ADMIN, client_programs

ROOT = Path(__file__).resolve().parents[2]
STOP_SECONDS = 10.0
PASSWORD = "d" * 64
TOKEN = "m" * 64
ENQUEUE = """
import os
from django.db import transaction
from faceplatform.accounts.models import Organization
from faceplatform.core import jobs
from faceplatform.core.actors import SYSTEM
from tests.core import worker_kinds
team, _ = Organization.objects.get_or_create(name="team")
with transaction.atomic():
    job = jobs.enqueue(
        kind="test.steps", title="steps", organization_id=team.pk, actor=SYSTEM,
        payload={"seconds": float(os.environ["STEP_SECONDS"])}, ring=os.environ["RING"] == "yes",
    )
print(job.pk)
"""


@dataclass
class Container:
    """One role as a process that leads a session of its own."""

    role: str
    process: subprocess.Popen[bytes]
    log: Path

    def stop(self) -> float:
        """Send SIGTERM to the first process alone; return the seconds until it ended."""
        begun = time.monotonic()
        self.process.terminate()
        self.process.wait(timeout=STOP_SECONDS)
        return time.monotonic() - begun

    def kill(self) -> None:
        """Kill everything inside."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


class Deployment:
    """Servers, a data folder and the roles that run."""

    def __init__(self, folder: Path, database_url: str, redis_url: str) -> None:
        self.folder = folder
        self.port = _free_port()
        self.database_url = database_url
        self.env = {
            "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "SECRET_KEY": uuid.uuid4().hex * 2,
            "PUBLIC_URL": "https://faces.example.org",
            "WEB_BIND": f"127.0.0.1:{self.port}",
            "FACEPLATFORM_VAR": str(folder / "data"),
            "LOG_FORMAT": "json",
            "METRICS_TOKEN": TOKEN,
            "MODEL_DOWNLOADS": "no",
            # Said where tests run as root; containers do not.
            "PYTHONWARNINGS": "ignore:You're running the worker with superuser privileges",
            "JOB_LEASE_SECONDS": "3",
            "JOB_HEARTBEAT_SECONDS": "0.5",
            "JOB_DISPATCH_SECONDS": "0.2",
            "DJANGO_SETTINGS_MODULE": "tests.docker.platform_settings",
        }

    def run(self, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        """Run a role to its end, as `docker compose run` does."""
        return subprocess.run(
            [str(ROOT / "docker" / "entrypoint.sh"), *arguments],
            env=self.env | env, cwd="/", capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip

    @contextmanager
    def running(self, role: str) -> Iterator[Container]:
        """Run a role in the background."""
        log = self.folder / f"{role}.log"
        with log.open("ab") as output:
            process = subprocess.Popen(
                [str(ROOT / "docker" / "entrypoint.sh"), role],
                env=self.env, cwd="/", stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                start_new_session=True,
            )  # fmt: skip
        container = Container(role, process, log)
        try:
            yield container
        finally:
            if process.poll() is None:
                container.kill()

    def get(self, path: str, **headers: str) -> tuple[int, str]:
        """Ask web as the proxy before it does."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        host = {"Host": "faces.example.org", "X-Forwarded-Proto": "https"}
        try:
            connection.request("GET", path, headers=host | headers)
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def enqueue(self, *, ring: bool = True, step_seconds: float = 0) -> str:
        """Make a job of ten steps and return its id."""
        done = self.run(
            "manage", "shell", "-v0", "-c", ENQUEUE,
            RING="yes" if ring else "no", STEP_SECONDS=str(step_seconds),
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout.split()[-1]

    def query(self, sql: str, *values: str) -> Any:
        with psycopg.connect(self.database_url) as connection:
            return connection.execute(sql.encode(), values).fetchone()

    def job(self, pk: str) -> tuple[str, int]:
        """The state, and how often the job was claimed."""
        state, claims = self.query("SELECT state, token FROM core_job WHERE id = %s", pk)
        return state, claims

    def steps(self, pk: str) -> int:
        sql = "SELECT count(*) FROM core_joblogline WHERE job_id = %s AND level = 'step'"
        return int(self.query(sql, pk)[0])


def wait_for(condition: Callable[[], bool], *, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


def prepare_postgres(layout: Layout) -> str:
    """Empty the embedded server and let compose's script fill it; return the role's address."""
    password = secret_files.read_or_create(layout, secret_files.ADMIN_PASSWORD)
    host = str(layout.sockets)
    with psycopg.connect(
        host=host, user=ADMIN, password=password, dbname="postgres", autocommit=True
    ) as connection:
        connection.execute("DROP DATABASE faceplatform")
        connection.execute("DROP ROLE faceplatform")
    with psycopg.connect(
        host=host, user=ADMIN, password=password, dbname="template1", autocommit=True
    ) as connection:
        connection.execute("DROP EXTENSION vector")
    env = {"PATH": f"{client_programs().bin}:/usr/bin:/bin", "PGHOST": host, "PGPASSWORD": password}
    env |= {"POSTGRES_USER": ADMIN, "FACEPLATFORM_PASSWORD": PASSWORD}
    subprocess.run([str(ROOT / "docker" / "postgres-init.sh")], env=env, check=True)
    return f"postgresql://faceplatform:{PASSWORD}@/faceplatform?host={quote(host, safe='')}"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
