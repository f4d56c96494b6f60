"""Real servers for a test suite, quick and disposable.

At the top of `tests/conftest.py`, before anything reads Django's settings:

    if "DATABASE_URL" not in os.environ:
        os.environ.update(testing.start(ROOT / "var" / "test"))

    def pytest_unconfigure(config):
        testing.stop()

Workers of pytest-xdist inherit the variables from the process that started them and so
share its servers. Test runs at the same time share one pair of servers too; the last one
stops them and removes their data.
"""

import atexit
import shutil
from functools import partial
from pathlib import Path

from faceplatform.stack import endpoints
from faceplatform.stack.layout import Layout
from faceplatform.stack.postgres import PostgresOptions, PostgresServer
from faceplatform.stack.servers import EmbeddedServer, Lease
from faceplatform.stack.valkey import ValkeyServer

_held: list[Lease] = []


def start(var: Path) -> dict[str, str]:
    """Run PostgreSQL and Valkey under `var` and return their environment.

    `DATABASE_URL` has a role that may create databases, in which pgvector is present.
    Nothing waits for the disk, so the data are not for keeping.
    """
    layout = Layout(project_root=var.resolve().parent, var=var.resolve())
    servers: tuple[EmbeddedServer, ...] = (
        PostgresServer(layout, PostgresOptions(durable=False, create_databases=True)),
        ValkeyServer(layout, durable=False),
    )
    atexit.register(stop)
    for server in servers:
        lease = Lease(server)
        lease.acquire()
        _held.append(lease)
    return {
        "DATABASE_URL": endpoints.embedded_database_url(layout),
        "REDIS_URL": endpoints.embedded_redis_url(layout),
    }


def stop() -> None:
    """Give the servers back; the last user stops them and removes their data."""
    while _held:
        lease = _held.pop()
        if isinstance(lease.server, PostgresServer):
            # Released last: whoever uses the broker holds the database as well.
            lease.release(then=partial(_remove_data, lease.server.layout))
        else:
            lease.release()


def _remove_data(layout: Layout) -> None:
    shutil.rmtree(layout.servers.resolve())
    shutil.rmtree(layout.sockets, ignore_errors=True)
    if layout.servers.is_symlink():
        layout.servers.unlink()
