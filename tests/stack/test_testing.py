import os
from pathlib import Path

import psycopg
import pytest
import redis

from faceplatform.stack import testing
from faceplatform.stack.layout import Layout
from faceplatform.stack.servers import Lease
from tests.stack.conftest import PROJECT


def test_servers_for_tests_are_quick_capable_and_disposable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[Lease] = []
    monkeypatch.setattr(testing, "_held", held)  # the servers of this very run are not touched
    monkeypatch.setattr("atexit.register", lambda _: None)
    environment = testing.start(tmp_path / "var")
    layout = Layout(project_root=PROJECT, var=tmp_path.resolve() / "var")
    with psycopg.connect(environment["DATABASE_URL"], autocommit=True) as connection:
        assert connection.execute("SHOW fsync").fetchone() == ("off",)
        connection.execute("CREATE DATABASE test_something")
        for forbidden in ("ALTER ROLE faceplatform SUPERUSER", "CREATE ROLE another"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(forbidden.encode())
    with redis.Redis.from_url(environment["REDIS_URL"]) as client:
        assert client.config_get("appendonly") == {"appendonly": "no"}
    data = layout.servers.resolve()
    assert data.is_dir()
    testing.stop()
    assert not data.exists()
    assert not layout.sockets.exists()
    assert not os.path.lexists(layout.servers)
    assert held == []
