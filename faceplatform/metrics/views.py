"""`/metrics`: for Prometheus with the token of the platform, and for administrators."""

from typing import Any, ClassVar

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.crypto import constant_time_compare
from django.views import View
from prometheus_client.exposition import choose_encoder

from faceplatform.accounts.access import PolicyView
from faceplatform.accounts.policy import Action
from faceplatform.metrics.exposition import Platform


class MetricsView(PolicyView):
    """A request that brings a token is judged by the token alone, any other by the policy."""

    actions: ClassVar[dict[str, Action]] = {"GET": Action.HEALTH_DETAIL}

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        given = request.headers.get("Authorization")
        if given is None:
            return super().dispatch(request, *args, **kwargs)
        if _is_scraper(given):
            return View.dispatch(self, request, *args, **kwargs)
        headers = {"WWW-Authenticate": 'Bearer realm="metrics"'}
        return HttpResponse("wrong token\n", content_type="text/plain", status=401, headers=headers)

    def get(self, request: HttpRequest) -> HttpResponse:
        """Answer in the format that the caller accepts."""
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        response = HttpResponse(encode(Platform()), content_type=content_type)
        response["Cache-Control"] = "no-store"
        return response


def _is_scraper(given: str) -> bool:
    """Whether an Authorization header holds `METRICS_TOKEN`; without that setting none does."""
    scheme, _, token = given.partition(" ")
    wanted: str = settings.METRICS_TOKEN
    return bool(wanted) and scheme.lower() == "bearer" and constant_time_compare(token, wanted)
