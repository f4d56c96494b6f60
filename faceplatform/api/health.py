"""Whether the platform works: one word for everybody, reasons for administrators."""

import shutil
import threading
import time
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse

from faceplatform.accounts.access import PolicyView
from faceplatform.accounts.policy import Action, allows
from faceplatform.stack.health import probe_broker, probe_workers
from recognition.selectors.models import model_states
from recognition.services.pipelines import pipelines

FRESH_SECONDS = 3.0
FEWEST_FREE_BYTES = 2 * 1024**3
LEAST_FREE_SHARE = 0.05


class State(StrEnum):
    """`degraded` still answers people; `down` does not."""

    OK = "ok"
    DEGRADED = "degraded"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class Part:
    """One part. Without a `vital` one nothing can be served."""

    name: str
    ok: bool
    detail: str
    vital: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """All parts at one moment, in seconds of the monotonic clock."""

    parts: tuple[Part, ...]
    at: float

    @property
    def state(self) -> State:
        """The word for the whole."""
        if any(part.vital and not part.ok for part in self.parts):
            return State.DOWN
        return State.OK if all(part.ok for part in self.parts) else State.DEGRADED


_latest: Report | None = None
_lock = threading.Lock()


def report() -> Report:
    """Return the state of every part, at most three seconds old.

    Asking costs connections and a round to the workers, and anybody may ask: so one thread per
    process does it for all.
    """
    global _latest  # noqa: PLW0603
    with _lock:
        if _latest is None or time.monotonic() - _latest.at > FRESH_SECONDS:
            _latest = Report(parts=tuple(_parts()), at=time.monotonic())
        return _latest


def _parts() -> list[Part]:
    database = _database()
    broker = probe_broker()
    parts = [database, Part("broker", broker.ok, broker.detail), _disk()]
    if broker.ok:
        answers = probe_workers()
        parts += [Part(f"worker {name}", a.ok, a.detail) for name, a in answers.items()]
    if database.ok:
        parts += [_migrations()]
        parts += _models()
    return parts


def _database() -> Part:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return Part("database", False, "does not answer", vital=True)
    return Part("database", True, "answers", vital=True)


def _migrations() -> Part:
    executor = MigrationExecutor(connection)
    missing = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    detail = f"{missing} missing" if missing else "complete"
    return Part("migrations", not missing, detail, vital=True)


def _models() -> list[Part]:
    """Return the networks; what this process is preparing now is not ready yet."""
    states, preparing = model_states(), pipelines.preparing
    return [
        Part(f"model {m.name}", False, "preparing")
        if m.name in preparing or (preparing and not m.ready)
        else Part(f"model {m.name}", m.ready, m.detail)
        for m in states
    ]


def _disk() -> Part:
    usage = shutil.disk_usage(settings.VAR)
    enough = usage.free >= FEWEST_FREE_BYTES and usage.free >= usage.total * LEAST_FREE_SHARE
    return Part("disk", enough, f"{usage.free / 1024**3:.1f} GB free")


class HealthzView(PolicyView):
    """Whether this process answers at all; asks nothing else."""

    actions = {"GET": Action.PUBLIC}

    def get(self, request: HttpRequest) -> JsonResponse:
        """Answer 200."""
        return JsonResponse({"state": State.OK})


class ReadyzView(PolicyView):
    """Whether the platform can serve: 200 for `ok` and `degraded`, 503 for `down`.

    The parts are told to administrators only. They are read from the session, which needs the
    database: while that is away, `manage.py up --check` tells.
    """

    actions = {"GET": Action.PUBLIC}

    def get(self, request: HttpRequest) -> JsonResponse:
        """Answer the word, and for administrators the parts."""
        now = report()
        body: dict[str, Any] = {"state": now.state}
        if now.state != State.DOWN and allows(self.principal, Action.HEALTH_DETAIL):
            body["parts"] = {p.name: {"ok": p.ok, "detail": p.detail} for p in now.parts}
        response = JsonResponse(body, status=503 if now.state == State.DOWN else 200)
        response["Cache-Control"] = "no-store"
        return response
