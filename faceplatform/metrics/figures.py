"""What the platform holds at this moment, read when somebody asks."""

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import metadata
from itertools import pairwise
from platform import python_version
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Count, Min
from django.db.models.functions import Now

from faceplatform.core.metrics import ProcessMemory, processes, valkey
from faceplatform.core.models import Job, JobState
from faceplatform.stack.commands import PROCESSES
from recognition.models import ModelVersion

_PACKAGES = {
    "Django": "django",
    "Celery": "celery",
    "gunicorn": "gunicorn",
    "OpenVINO": "openvino",
    "PyTorch": "torch",
}


@dataclass(frozen=True, slots=True)
class QueueFigures:
    """Jobs of one queue: how many in each state, and the age in seconds of the oldest waiting."""

    queue: str
    states: dict[JobState, int]
    oldest_waiting: float

    @property
    def waiting(self) -> int:
        """Jobs that no worker has begun."""
        return self.states[JobState.QUEUED]

    @property
    def running(self) -> int:
        """Jobs that a worker holds."""
        return self.states[JobState.RUNNING]

    @property
    def failed(self) -> int:
        """Jobs that ended with an error and are still listed."""
        return self.states[JobState.FAILED]


@dataclass(frozen=True, slots=True)
class ServingModel:
    """A model version that galleries use."""

    backbone: str
    digest: str
    dimension: int
    galleries: int


@dataclass(frozen=True, slots=True)
class DiskFigures:
    """Space in bytes."""

    total: int
    free: int


@dataclass(frozen=True, slots=True)
class ValkeyFigures:
    """What Valkey tells; messages by queue."""

    version: str
    messages: dict[str, int]
    processes: list[ProcessMemory]

    @property
    def waiting(self) -> int:
        """Messages of all queues."""
        return sum(self.messages.values())


def queue_names() -> tuple[str, ...]:
    """Return the queues that the platform's workers listen to."""
    return tuple(
        name
        for argv in PROCESSES.values()
        for option, value in pairwise(argv)
        if option == "-Q"
        for name in value.split(",")
    )


def queue_figures() -> list[QueueFigures]:
    """Return the jobs of all organizations by queue, ages by the database's clock."""
    rows: Iterable[dict[str, Any]] = (
        Job.objects.order_by()
        .values("queue", "state")
        .annotate(number=Count("pk"), age=Now() - Min("created_at"))
    )
    states = {name: dict.fromkeys(JobState, 0) for name in queue_names()}
    ages = dict.fromkeys(states, 0.0)
    for row in rows:
        queue, state = row["queue"], JobState(row["state"])
        states.setdefault(queue, dict.fromkeys(JobState, 0))[state] = row["number"]
        if state == JobState.QUEUED:
            ages[queue] = row["age"].total_seconds()
    return [QueueFigures(name, found, ages.get(name, 0.0)) for name, found in states.items()]


def serving_models() -> list[ServingModel]:
    """Return the model versions that galleries use, the most used first."""
    rows = (
        ModelVersion.objects.annotate(used=Count("galleries"))
        .filter(used__gt=0)
        .order_by("-used", "digest")
        .values_list("backbone", "digest", "dimension", "used")
    )
    return [ServingModel(*row) for row in rows]


def disk() -> DiskFigures:
    """Return the space on the disk of `var/`; photos may lie elsewhere."""
    usage = shutil.disk_usage(settings.VAR)
    return DiskFigures(total=usage.total, free=usage.free)


def valkey_figures() -> ValkeyFigures:
    """Ask Valkey. Raises redis.RedisError while it is away."""
    names = queue_names()
    with valkey().pipeline(transaction=False) as pipeline:
        pipeline.info("server")
        for name in names:
            pipeline.llen(name)
        facts, *lengths = pipeline.execute()
    return ValkeyFigures(
        version=str(facts.get("valkey_version") or facts["redis_version"]),
        messages=dict(zip(names, lengths, strict=True)),
        processes=processes(),
    )


def software() -> dict[str, str]:
    """Return the versions of what runs, by name."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        postgres = cursor.fetchone()
        cursor.execute("SELECT extversion FROM pg_extension WHERE extname = 'vector'")
        vector = cursor.fetchone()
    return {
        "Python": python_version(),
        "PostgreSQL": str(postgres[0]) if postgres else "unknown",
        "pgvector": str(vector[0]) if vector else "missing",
    } | {title: metadata.version(name) for title, name in _PACKAGES.items()}
