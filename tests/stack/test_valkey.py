import signal
import stat

import pytest
import redis

from faceplatform.stack import endpoints, processes
from faceplatform.stack.layout import Layout
from faceplatform.stack.servers import Lease
from faceplatform.stack.valkey import ValkeyServer


def client(layout: Layout) -> redis.Redis:
    return redis.Redis.from_url(endpoints.redis_url(layout))


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("appendonly", "yes"),
        ("appendfsync", "everysec"),
        ("maxmemory-policy", "noeviction"),
        ("port", "0"),
    ],
)
def test_it_keeps_messages_and_opens_no_port(running: Layout, setting: str, value: str) -> None:
    with client(running) as connection:
        assert connection.config_get(setting) == {setting: value}


def test_nobody_enters_without_the_password(running: Layout) -> None:
    with (
        redis.Redis(unix_socket_path=str(running.valkey_socket)) as connection,
        pytest.raises(redis.AuthenticationError),
    ):
        connection.ping()
    assert stat.S_IMODE(running.valkey_socket.stat().st_mode) == 0o700


def test_a_killed_broker_comes_back_with_its_messages(reused: Layout) -> None:
    layout = reused
    server = ValkeyServer(layout)
    lease = Lease(server)
    lease.acquire()
    with client(layout) as connection:
        connection.rpush("queue", "one", "two")
    identity = server.find()
    assert identity is not None
    identity.send(signal.SIGKILL)
    assert processes.wait_gone([identity], seconds=5)
    server.wait_ready(lease.respawn(), lambda: None)
    with client(layout) as connection:
        assert connection.lrange("queue", 0, -1) == [b"one", b"two"]
    lease.release()
    assert server.strays() == []


def test_messages_survive_a_stop(reused: Layout) -> None:
    layout = reused
    lease = Lease(ValkeyServer(layout))
    lease.acquire()
    with client(layout) as connection:
        connection.set("key", "value")
    lease.release()
    lease.acquire()
    with client(layout) as connection:
        assert connection.get("key") == b"value"
    lease.release()


def test_a_damaged_file_is_set_aside_once(layout: Layout) -> None:
    lease = Lease(ValkeyServer(layout))
    lease.acquire()
    with client(layout) as connection:
        connection.set("key", "value" * 100)
    lease.release()
    (file,) = layout.valkey_data.glob("appendonlydir/*.incr.aof")
    content = file.read_bytes()
    file.write_bytes(content.replace(b"SET", b"\0\0\0").replace(b"$3", b"%9"))
    lease.acquire()
    with client(layout) as connection:
        assert connection.get("key") is None
        connection.set("key", "new")
    lease.release()
    lease.acquire()
    with client(layout) as connection:
        assert connection.get("key") == b"new"
    lease.release()
    (aside,) = layout.valkey_data.glob("damaged-*")
    assert list(aside.glob("*.incr.aof"))
