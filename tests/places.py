"""Another installation, reached as its operator would: an empty database, an empty `var`."""

import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql

from faceplatform.stack.layout import Layout
from tests.stack.conftest import clean_environment, remove

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class Place:
    """Another installation, reached as its operator would."""

    env: dict[str, str]
    var: Path

    def manage(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return self._run("manage.py", *arguments)

    def ask(self, body: str, **values: Any) -> Any:
        """Run statements there; what they put into `answer` comes back. See `_SCRIPT`."""
        given = "".join(f"{name} = {_literal(value)}\n" for name, value in values.items())
        lines = "\n".join(f"    {line}" for line in (given + body).strip().splitlines())
        done = self._run("-c", _SCRIPT.format(body=lines))
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    @property
    def stored(self) -> list[str]:
        folder = self.var / "files"
        return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())

    def _run(self, *argv: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, *argv],
            cwd=ROOT,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )


def _literal(value: Any) -> str:
    return repr(str(value) if isinstance(value, Path) else value)


_SCRIPT = """
import io, json, sys
from faceplatform.stack.session import services
with services(database=True):
    import django
    django.setup()
    from django.core.management import CommandError, call_command
    from django.db import connection
    from faceplatform.accounts.models import ApiKey
    from faceplatform.core.actors import SYSTEM
    from faceplatform.core.models import AuditEvent, Job
    from recognition.models import *
    from recognition.selectors import templates
    from recognition.services.doctor import examine
    from recognition.services.identities import erase_identity
    from tests.fakes import embedding_of

    def restore(path, *arguments):
        out = io.StringIO()
        call_command("restore", str(path), *arguments, stdout=out)
        return out.getvalue()

    def refusal(path, *arguments):
        try:
            return "no refusal: " + restore(path, *arguments)
        except CommandError as error:
            return str(error)

    def clean():
        report = examine(actor=SYSTEM)
        return report.clean or [found.code for found in report.findings]

    def tables():
        connection.close()
        return connection.introspection.table_names()

    def scores():
        found = templates.nearest(Gallery.objects.get(), embedding_of(1, 77), limit=10_000)
        return {{str(match.face_id): match.score.hex() for match in found}}

    def names():
        return sorted(Identity.objects.values_list("name", flat=True))

    answer = None
{body}
sys.stdout.write(json.dumps(answer))
"""


def answer_for(data: bytes) -> list[Any]:
    """Identify a photo of one face in the only gallery; the answer with every digit."""
    from faceplatform.core.actors import SYSTEM
    from recognition.models import Gallery
    from recognition.services.identification import identify

    probe = identify(gallery=Gallery.objects.get(), data=data, name="probe.png", actor=SYSTEM)
    face = probe.faces.get()
    similar = [[str(m.face_id), m.score.hex()] for m in face.matches.filter(similar=True)]
    return [face.decision, face.identity.name, face.score.hex(), sorted(similar)]


def _drop(admin: psycopg.Connection, name: str) -> None:
    """Drop a database, once the server's own vacuum has left it: that one nobody may terminate."""
    statement = sql.SQL("DROP DATABASE {} (FORCE)").format(sql.Identifier(name))
    deadline = time.monotonic() + 60
    while True:
        try:
            admin.execute(statement)
        except psycopg.errors.InsufficientPrivilege:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)
        else:
            return


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """An empty database on the test server, and an empty `var`."""
    base = os.environ["DATABASE_URL"]
    name = f"restore_{uuid.uuid4().hex[:12]}"
    path = urlsplit(base).path
    url = base.replace(f"@{path}", f"@/{name}", 1) if f"@{path}" in base else base
    url = url if url != base else base.replace(path, f"/{name}", 1)
    var = tmp_path / "elsewhere"
    with psycopg.connect(base, autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        yield Place(clean_environment(DATABASE_URL=url, FACEPLATFORM_VAR=str(var)), var)
        _drop(admin, name)


@pytest.fixture
def new_machine(tmp_path: Path) -> Iterator[Place]:
    """A `var` that does not exist yet, with the embedded server."""
    var = tmp_path.resolve() / "var"
    yield Place(clean_environment(FACEPLATFORM_VAR=str(var)), var)
    remove(Layout(project_root=ROOT, var=var))
