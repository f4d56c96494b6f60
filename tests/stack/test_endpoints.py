import subprocess
import sys

import psycopg
import pytest
import redis
from celery import Celery

from faceplatform.stack import endpoints
from faceplatform.stack.errors import StackError
from faceplatform.stack.layout import Layout
from tests.stack.conftest import PROJECT


def test_own_servers_win(monkeypatch: pytest.MonkeyPatch, layout: Layout) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:p@db.example/faces")
    monkeypatch.setenv("REDIS_URL", "redis://cache.example:6379/3")
    assert endpoints.database_url(layout) == "postgresql://u:p@db.example/faces"
    assert endpoints.redis_url(layout) == "redis://cache.example:6379/3"
    assert endpoints.broker_url(layout) == "redis://cache.example:6379/3"
    assert not endpoints.uses_embedded_database()
    assert not endpoints.uses_embedded_broker()
    assert not layout.var.exists()


def test_a_url_becomes_djangos_fields(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(
        "DATABASE_URL", "postgres://us%40er:p%2Fw@db.example:5433/fa%20ces?sslmode=require"
    )
    found = endpoints.django_database()
    assert found["NAME"] == "fa ces"
    assert (found["USER"], found["PASSWORD"]) == ("us@er", "p/w")
    assert (found["HOST"], found["PORT"]) == ("db.example", "5433")
    assert found["OPTIONS"]["sslmode"] == "require"
    assert found["CONN_HEALTH_CHECKS"] is True


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("mysql://u:secret@h/d", "must begin with postgresql"),
        ("nonsense", "must begin with postgresql"),
        ("postgresql://u:secret@h:port/d", "port"),
        ("postgresql://u:secret@h", "names no database"),
    ],
)
def test_a_bad_url_is_refused_without_its_password(
    monkeypatch: pytest.MonkeyPatch, url: str, reason: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    with pytest.raises(StackError, match=reason) as error:
        endpoints.django_database()
    assert "secret" not in str(error.value)


@pytest.mark.parametrize("key", ["", "short", "a" * 60, "django-insecure-" + "abcdefgh" * 8])
def test_a_weak_key_is_refused(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv("SECRET_KEY", key)
    with pytest.raises(StackError, match="too weak"):
        endpoints.secret_key()


def test_a_strong_key_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "0123456789abcdef" * 4)
    assert endpoints.secret_key() == "0123456789abcdef" * 4


def test_importing_costs_no_driver() -> None:
    program = (
        "import sys; import faceplatform.stack.endpoints, faceplatform.stack.public_url\n"
        "print(sorted({'psycopg', 'redis', 'celery', 'django', 'psutil'} & set(sys.modules)))"
    )
    argv = [sys.executable, "-c", program]
    done = subprocess.run(argv, cwd=PROJECT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_addresses_lead_to_the_running_servers(running: Layout) -> None:
    with psycopg.connect(endpoints.database_url(running)) as connection:
        assert connection.execute("SELECT current_user").fetchone() == ("faceplatform",)
    with redis.Redis.from_url(endpoints.redis_url(running)) as client:
        assert client.ping()
    # Not current: the process's own application must stay the one that publishes.
    client_app = Celery(broker=endpoints.broker_url(running), set_as_current=False)
    with client_app.connection_for_write() as broker:
        broker.ensure_connection(max_retries=1)
        assert broker.connected


def test_django_connects_with_what_it_is_given(running: Layout) -> None:
    given = endpoints.django_database(running, application_name="tester")
    with psycopg.connect(
        dbname=given["NAME"],
        user=given["USER"],
        password=given["PASSWORD"],
        host=given["HOST"],
        **given["OPTIONS"],
    ) as connection:
        assert connection.execute("SHOW application_name").fetchone() == ("tester",)
