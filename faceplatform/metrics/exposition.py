"""Everything that Prometheus is told, gathered at the moment it asks."""

from collections.abc import Iterator
from contextlib import suppress

from django.conf import settings
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector
from redis.exceptions import RedisError

from faceplatform.api.health import Report, report
from faceplatform.core import metrics
from faceplatform.core.metrics import ProcessMemory
from faceplatform.metrics import figures


class Platform(Collector):
    """Yields what can be known: figures of a server that is away are missing, and `up` says so."""

    def collect(self) -> Iterator[Metric]:
        """Yield every family of metrics."""
        now = report()
        yield _parts(now)
        yield from _disk()
        if any(part.ok for part in now.parts if part.name == "database"):
            yield from _jobs()
            yield _models()
        with suppress(RedisError):
            of_valkey = figures.valkey_figures()
            yield _messages(of_valkey.messages)
            yield _memory(of_valkey.processes)
            yield from metrics.families()


def _parts(now: Report) -> Metric:
    family = GaugeMetricFamily(
        "faceplatform_up", "Whether a part of the platform works (1) or not (0).", labels=["part"]
    )
    for part in now.parts:
        family.add_metric([part.name], float(part.ok))
    return family


def _disk() -> Iterator[Metric]:
    usage = figures.disk()
    yield GaugeMetricFamily(
        "faceplatform_disk_free_bytes", "Free space where the data lie.", value=usage.free
    )
    yield GaugeMetricFamily(
        "faceplatform_disk_size_bytes", "Size of the disk where the data lie.", value=usage.total
    )


def _jobs() -> Iterator[Metric]:
    jobs = GaugeMetricFamily(
        "faceplatform_jobs", "Jobs by queue and state.", labels=["queue", "state"]
    )
    oldest = GaugeMetricFamily(
        "faceplatform_jobs_oldest_waiting_seconds",
        "Age of the oldest job that no worker has begun, 0 without one.",
        labels=["queue"],
    )
    for queue in figures.queue_figures():
        for state, number in queue.states.items():
            jobs.add_metric([queue.queue, state.value], number)
        oldest.add_metric([queue.queue], queue.oldest_waiting)
    yield jobs
    yield oldest


def _models() -> Metric:
    family = InfoMetricFamily(
        "faceplatform_model",
        "Model versions that galleries use.",
        labels=["model", "version", "engine"],
    )
    for model in figures.serving_models():
        family.add_metric(
            [model.backbone, model.digest[:12], settings.INFERENCE_ENGINE],
            {"dimension": str(model.dimension)},
        )
    return family


def _messages(messages: dict[str, int]) -> Metric:
    family = GaugeMetricFamily(
        "faceplatform_queue_messages", "Messages that wait in Valkey.", labels=["queue"]
    )
    for queue, number in messages.items():
        family.add_metric([queue], number)
    return family


def _memory(processes: list[ProcessMemory]) -> Metric:
    family = GaugeMetricFamily(
        "faceplatform_process_resident_bytes",
        "Memory of web processes and workers that reported in the last 30 s.",
        labels=["process", "host", "pid"],
    )
    for one in processes:
        family.add_metric([one.process, one.host, str(one.pid)], one.resident)
    return family
