"""How the platform is doing, for administrators: parts, jobs, models, machine."""

from typing import Any, ClassVar

from django.conf import settings
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from redis.exceptions import RedisError

from faceplatform.accounts.access import PolicyView
from faceplatform.accounts.policy import Action
from faceplatform.api.health import report
from faceplatform.metrics import figures
from faceplatform.metrics.figures import ValkeyFigures
from recognition.models import ModelVersion


class StatusView(PolicyView):
    """Renews itself; jobs and parts are those of all organizations, models one's own."""

    actions: ClassVar[dict[str, Action]] = {"GET": Action.HEALTH_DETAIL}

    def get(self, request: HttpRequest) -> HttpResponse:
        now = report()
        queues = figures.queue_figures()
        context: dict[str, Any] = {
            "state": now.state.value,
            "parts": now.parts,
            "queues": queues,
            "waiting": sum(queue.waiting for queue in queues),
            "running": sum(queue.running for queue in queues),
            "failed": sum(queue.failed for queue in queues),
            "oldest": max((queue.oldest_waiting for queue in queues), default=0.0),
            "valkey": _valkey(),
            "models": self._models(),
            "default_backbone": settings.DEFAULT_BACKBONE,
            "disk": figures.disk(),
            "software": figures.software(),
        }
        part = request.headers.get("HX-Target") == "status"
        return render(request, "web/parts/status.html" if part else "web/status.html", context)

    def _models(self) -> list[ModelVersion]:
        own = Q(galleries__organization_id=self.principal.organization_id)
        versions = ModelVersion.objects.visible_to(self.principal)
        return list(versions.annotate(used=Count("galleries", filter=own)).order_by("-used", "pk"))


def _valkey() -> ValkeyFigures | None:
    """Return what Valkey tells, None while it is away: then this page matters most."""
    try:
        return figures.valkey_figures()
    except RedisError:
        return None
