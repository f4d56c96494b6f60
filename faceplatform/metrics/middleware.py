"""Every request counted, timed and, where machines read the log, written down."""

import logging
import time
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from faceplatform.core.metrics import Counter, Histogram

logger = logging.getLogger("faceplatform.requests")

REQUESTS = Counter(
    "faceplatform_http_requests",
    "Requests by name of the route, method and status.",
    ("route", "method", "status"),
)
REQUEST_SECONDS = Histogram(
    "faceplatform_http_request_duration_seconds",
    "Time from a request to the first byte of its answer.",
    ("route", "method"),
    bounds=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0),
)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class RequestsMiddleware:
    """Names the route, never the path: paths hold ids and secrets and have no end."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        started = time.perf_counter()
        response = self.get_response(request)
        seconds = time.perf_counter() - started
        method = request.method if request.method in _METHODS else "other"
        route, status = route_of(request), response.status_code
        REQUESTS.add(route=route, method=method, status=str(status))
        REQUEST_SECONDS.observe(seconds, route=route, method=method)
        milliseconds = round(seconds * 1000, 1)
        logger.info(
            "%s %s %d",
            method,
            route,
            status,
            extra={
                "facts": {"method": method, "route": route, "status": status, "ms": milliseconds}
            },
        )
        return response


def route_of(request: HttpRequest) -> str:
    """Return the name of the request's route, `static` for files, `unknown` for no route."""
    match = request.resolver_match
    if match is not None:
        return match.view_name or match.route
    static = request.path.startswith(str(settings.STATIC_URL))
    return "static" if static else "unknown"
