"""Figures that every process counts, added up in Valkey.

The platform is several processes, maybe on several machines, and each may end at any time. So a
process keeps what it counted for some seconds and then adds it to one hash in Valkey, where every
web process reads the sum. Counting asks nobody and cannot fail. While Valkey is away the figures
wait; what a killed process had not reported is lost.

Only processes that called `start_reporting` report: web processes and workers, not commands.
"""

import atexit
import functools
import json
import os
import socket
import threading
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import accumulate
from time import perf_counter, sleep

import psutil
import redis
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric

from faceplatform.stack import endpoints

KEY = "metrics"
REPORT_SECONDS = 5.0
_FORGET_SECONDS = 30  # a process that was silent for this long is gone
_INFINITY = float("inf")

# Name, part ("" for a counter; "sum" or the upper bound of a bucket) and label values.
Field = tuple[str, ...]
Amounts = Mapping[Field, float]

_lock = threading.Lock()
_pending: dict[Field, float] = {}
_instruments: dict[str, "Counter | Histogram"] = {}


class _Instrument:
    """A name with its labels. Label values must be few: never ids, names or paths."""

    def __init__(self, name: str, documentation: str, labels: tuple[str, ...] = ()) -> None:
        if name in _instruments:
            raise ValueError(f"{name} is counted already")
        self.name = name
        self.documentation = documentation
        self.labels = labels

    def values(self, labels: Mapping[str, str]) -> tuple[str, ...]:
        """Return label values in order; KeyError or ValueError for other labels than declared."""
        if len(labels) != len(self.labels):
            raise ValueError(f"{self.name} has the labels {self.labels}")
        return tuple(labels[label] for label in self.labels)

    def parts_of(self, amounts: Amounts) -> dict[tuple[str, ...], dict[str, float]]:
        """Return this instrument's amounts by label values, then by part."""
        found: dict[tuple[str, ...], dict[str, float]] = {}
        for (name, part, *values), amount in sorted(amounts.items()):
            if name == self.name and len(values) == len(self.labels):
                found.setdefault(tuple(values), {})[part] = amount
        return found


class Counter(_Instrument):
    """Something that happens; shown as `<name>_total`."""

    def __init__(self, name: str, documentation: str, labels: tuple[str, ...] = ()) -> None:
        super().__init__(name, documentation, labels)
        _instruments[name] = self

    def add(self, amount: float = 1, **labels: str) -> None:
        """Count `amount` more of it."""
        values = self.values(labels)
        with _lock:
            _add((self.name, "", *values), amount)

    def family(self, amounts: Amounts) -> Metric:
        """Return the sum per label values in Prometheus' form."""
        family = CounterMetricFamily(self.name, self.documentation, labels=self.labels)
        for values, parts in self.parts_of(amounts).items():
            family.add_metric(values, parts[""])
        return family


class Histogram(_Instrument):
    """How long something takes, in seconds; `bounds` are upper bounds, rising."""

    def __init__(
        self,
        name: str,
        documentation: str,
        labels: tuple[str, ...] = (),
        *,
        bounds: tuple[float, ...],
    ) -> None:
        super().__init__(name, documentation, labels)
        self.bounds = (*bounds, _INFINITY)
        _instruments[name] = self

    def observe(self, seconds: float, **labels: str) -> None:
        """Count one that took so long."""
        values = self.values(labels)
        bound = self.bounds[bisect_left(self.bounds, seconds)]
        with _lock:
            _add((self.name, str(bound), *values), 1)
            _add((self.name, "sum", *values), seconds)

    @contextmanager
    def time(self, **labels: str) -> Iterator[None]:
        """Observe how long the block takes, unless it raises."""
        started = perf_counter()
        yield
        self.observe(perf_counter() - started, **labels)

    def family(self, amounts: Amounts) -> Metric:
        """Return buckets that include all smaller ones, as Prometheus wants them."""
        family = HistogramMetricFamily(self.name, self.documentation, labels=self.labels)
        for values, parts in self.parts_of(amounts).items():
            counts = accumulate(parts.get(str(bound), 0.0) for bound in self.bounds)
            names = ("+Inf" if bound == _INFINITY else str(bound) for bound in self.bounds)
            buckets = list(zip(names, counts, strict=True))
            family.add_metric(values, buckets=buckets, sum_value=parts.get("sum", 0.0))
        return family


@dataclass(frozen=True, slots=True)
class ProcessMemory:
    """Resident memory of a process that reported lately, in bytes."""

    process: str
    host: str
    pid: int
    resident: int


def start_reporting(process: str) -> None:
    """Report every few seconds from now on, and once more at the end. Call it after forking."""
    atexit.register(report)

    def loop() -> None:
        while True:
            _report_memory(process)
            sleep(REPORT_SECONDS)
            report()

    threading.Thread(target=loop, name="metrics", daemon=True).start()


def report() -> bool:
    """Add what this process counted since its last report; False while Valkey is away."""
    with _lock:
        taken = dict(_pending)
        _pending.clear()
    if not taken:
        return True
    try:
        with valkey().pipeline() as pipeline:
            for field, amount in taken.items():
                pipeline.hincrbyfloat(KEY, json.dumps(field), amount)
            pipeline.execute()
    except redis.RedisError:
        with _lock:
            for field, amount in taken.items():
                _add(field, amount)
        return False
    return True


def families() -> Iterator[Metric]:
    """Yield the sums of all processes. Raises redis.RedisError while Valkey is away."""
    report()
    stored: dict[bytes, bytes] = valkey().hgetall(KEY)  # type: ignore[assignment]
    amounts = {tuple(json.loads(field)): float(amount) for field, amount in stored.items()}
    for instrument in _instruments.values():
        yield instrument.family(amounts)


def processes() -> list[ProcessMemory]:
    """Return the processes that reported lately. Raises redis.RedisError while Valkey is away."""
    keys = sorted(valkey().scan_iter(match=f"{KEY}:process:*", count=1000))
    values = valkey().mget(keys) if keys else []
    return [ProcessMemory(**json.loads(value)) for value in values if value is not None]  # type: ignore[union-attr]


def _add(field: Field, amount: float) -> None:
    """Add to what is not reported yet; the lock is held."""
    _pending[field] = _pending.get(field, 0.0) + amount


def _report_memory(process: str) -> None:
    host, pid = socket.gethostname(), os.getpid()
    resident = psutil.Process().memory_info().rss
    facts = {"process": process, "host": host, "pid": pid, "resident": resident}
    with suppress(redis.RedisError):  # told again in a few seconds
        valkey().set(f"{KEY}:process:{process}:{host}:{pid}", json.dumps(facts), ex=_FORGET_SECONDS)


@functools.cache
def valkey() -> redis.Redis:
    """Return this process's client of Valkey; it gives up after two seconds."""
    return redis.Redis.from_url(
        endpoints.redis_url(), socket_timeout=2.0, socket_connect_timeout=2.0
    )
