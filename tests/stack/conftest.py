"""Installations of their own: nothing here touches the servers that the other tests use."""

import io
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from faceplatform.stack.layout import SUPERVISED_VARIABLE, Layout
from faceplatform.stack.logs import Console
from faceplatform.stack.postgres import PostgresServer
from faceplatform.stack.servers import Lease
from faceplatform.stack.valkey import ValkeyServer

PROJECT = Path(__file__).resolve().parents[2]
OWN_SERVERS = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "FACEPLATFORM_VAR", SUPERVISED_VARIABLE)


@pytest.fixture(autouse=True)
def no_servers_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*OWN_SERVERS, "PUBLIC_URL", "WEB_BIND", "WEB_WORKERS", "WEB_THREADS"):
        monkeypatch.delenv(name, raising=False)


def remove(layout: Layout) -> None:
    """Stop what still runs on a layout and remove what lies outside its var."""
    for server in (ValkeyServer(layout), PostgresServer(layout)):
        server.stop(2.0)
    shutil.rmtree(layout.sockets, ignore_errors=True)
    if layout.as_root:
        for folder in layout.system_data.parent.glob(f"{layout.key}*"):
            shutil.rmtree(folder)


@pytest.fixture
def layout(tmp_path: Path) -> Iterator[Layout]:
    """A new installation, cleaned up afterwards."""
    made = Layout(project_root=PROJECT, var=tmp_path.resolve() / "var")
    yield made
    remove(made)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Layout]:
    """An installation whose servers run for all tests of a module."""
    made = Layout(project_root=PROJECT, var=tmp_path_factory.mktemp("running").resolve() / "var")
    leases = [Lease(PostgresServer(made)), Lease(ValkeyServer(made))]
    for lease in leases:
        lease.acquire()
    yield made
    for lease in leases:
        lease.release()
    remove(made)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Layout]:
    """An installation whose data are made once for a module; nothing runs in it."""
    made = Layout(project_root=PROJECT, var=tmp_path_factory.mktemp("kept").resolve() / "var")
    yield made
    remove(made)


@pytest.fixture
def reused(kept: Layout) -> Iterator[Layout]:
    """The installation of the module, with empty logs; stopped afterwards."""
    shutil.rmtree(kept.log, ignore_errors=True)
    yield kept
    for server in (ValkeyServer(kept), PostgresServer(kept)):
        server.stop(2.0)


class Screen(Console):
    """A terminal that can be read."""

    def __init__(self) -> None:
        self.buffer = io.StringIO()
        super().__init__(self.buffer, colour=False)

    @property
    def text(self) -> str:
        return self.buffer.getvalue()


@pytest.fixture
def screen() -> Screen:
    return Screen()


def clean_environment(**extra: str) -> dict[str, str]:
    """Return the environment for a command on an installation of its own."""
    kept = {name: value for name, value in os.environ.items() if name not in OWN_SERVERS}
    return kept | {"DJANGO_SETTINGS_MODULE": "faceplatform.settings"} | extra
