"""Questions to each part of the platform. No Django; every answer within its time limit."""

import http.client
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from faceplatform.stack import endpoints, processes
from faceplatform.stack.commands import PROCESSES, WORKERS
from faceplatform.stack.layout import Layout

_PROCESS_ONLY = tuple(name for name in PROCESSES if name not in WORKERS and name != "web")


class Probe(NamedTuple):
    """One answer: whether the part works, a few words, and how long the answer took."""

    ok: bool
    detail: str
    ms: float


def probe_database(url: str | None = None, *, timeout: int = 3) -> Probe:
    """Connect and run `SELECT 1`."""
    import psycopg

    def ask() -> tuple[bool, str]:
        try:
            with psycopg.connect(
                url or endpoints.database_url(), connect_timeout=timeout
            ) as connection:
                connection.execute("SELECT 1")
                version = connection.info.server_version
        except (psycopg.Error, UnicodeError) as error:
            return False, _first_line(error)
        return True, f"PostgreSQL {version // 10000}.{version % 10000}"

    return _timed(ask)


def probe_broker(url: str | None = None, *, timeout: float = 3.0) -> Probe:
    """Connect and send PING."""
    import redis

    def ask() -> tuple[bool, str]:
        try:
            with redis.Redis.from_url(
                url or endpoints.redis_url(), socket_timeout=timeout, socket_connect_timeout=timeout
            ) as client:
                client.ping()
        except (redis.RedisError, ValueError, OSError) as error:
            return False, _first_line(error)
        return True, "answers"

    return _timed(ask)


def probe_web(bind: str, host: str, *, path: str = "/healthz", timeout: float = 3.0) -> Probe:
    """Ask the web server for `path`; any answer below 500 means that it serves.

    `bind` is its own address with port, `host` the public name for the Host header.
    """

    def ask() -> tuple[bool, str]:
        address, _, port = bind.rpartition(":")
        reachable = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}.get(address, address)  # noqa: S104
        connection = http.client.HTTPConnection(reachable.strip("[]"), int(port), timeout=timeout)
        try:
            connection.request("GET", path, headers={"Host": host, "Connection": "close"})
            status = connection.getresponse().status
        except (OSError, http.client.HTTPException) as error:
            return False, _first_line(error)
        finally:
            connection.close()
        return status < 500, f"answers {status} on {bind}"

    return _timed(ask)


def probe_workers(
    url: str | None = None,
    *,
    expected: Sequence[str] = tuple(WORKERS.values()),
    timeout: float = 1.0,
) -> dict[str, Probe]:
    """Ping the Celery workers; return one answer per expected name (without the host).

    Returns as soon as as many workers answered as are expected. A worker in the middle of
    a task answers as well: its main process does nothing but talk.
    """
    from celery import Celery
    from kombu.exceptions import OperationalError
    from redis import RedisError

    app = Celery("probe", broker=url or endpoints.broker_url(), set_as_current=False, fixups=[])
    app.conf.broker_connection_timeout = timeout
    started = time.perf_counter()
    names: set[str] = set()
    detail = "no answer"
    try:
        for limit in (len(expected), None):
            if not names.issuperset(expected):
                names |= _ping(app, timeout=timeout, limit=limit)
    except (OperationalError, RedisError, OSError) as error:
        detail = f"broker unreachable: {_first_line(error)}"
    finally:
        app.close()
    ms = _since(started)
    return {
        name: Probe(name in names, "answers" if name in names else detail, ms) for name in expected
    }


def _ping(app: Any, *, timeout: float, limit: int | None) -> set[str]:
    """Return the names before the @ of the workers that answered."""
    # A connection of its own: those of Celery's pool may be from before the broker's restart.
    with app.connection_for_write() as connection:
        replies = app.control.broadcast(
            "ping", reply=True, timeout=timeout, limit=limit, connection=connection
        )
    return {str(worker).partition("@")[0] for reply in replies or [] for worker in reply}


def probe_process(layout: Layout, name: str) -> Probe:
    """Look whether the process that `up` recorded under this name lives."""

    def ask() -> tuple[bool, str]:
        identity = processes.recall(layout.state_file(name))
        return (False, "not running") if identity is None else (True, f"process {identity.pid}")

    return _timed(ask)


def platform_report(layout: Layout, *, bind: str, host: str) -> dict[str, Probe]:
    """Return the state of every part that `up` runs on this machine, in starting order."""
    report = {
        "postgres": probe_database(endpoints.database_url(layout)),
        "valkey": probe_broker(endpoints.redis_url(layout)),
    }
    own = {
        "postgres": endpoints.uses_embedded_database(),
        "valkey": endpoints.uses_embedded_broker(),
    }
    for name, probe in report.items():
        if own[name] and not probe.ok and not probe_process(layout, name).ok:
            report[name] = Probe(False, "not running", probe.ms)
    pings = probe_workers(endpoints.broker_url(layout)) if report["valkey"].ok else {}
    for part, name in WORKERS.items():
        process = probe_process(layout, part)
        ping = pings.get(name, Probe(False, "broker unreachable", 0.0))
        report[part] = process if not process.ok or ping.ok else ping
    for part in _PROCESS_ONLY:
        report[part] = probe_process(layout, part)
    report["web"] = probe_web(bind, host)
    return report


def as_json(report: Mapping[str, Probe]) -> dict[str, Any]:
    """Return a report as plain data: `ok` for the whole, then one entry per part."""
    return {
        "ok": all(probe.ok for probe in report.values()),
        "parts": {name: probe._asdict() for name, probe in report.items()},
    }


def _timed(ask: Callable[[], tuple[bool, str]]) -> Probe:
    started = time.perf_counter()
    ok, detail = ask()
    return Probe(ok, detail, _since(started))


def _since(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 1)


def _first_line(error: BaseException) -> str:
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__
