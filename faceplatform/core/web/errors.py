"""Refusals and errors outside DRF: a readable page, or problem+json under /api/."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from faceplatform.core.api.problems import problem_response, translate
from faceplatform.core.errors import DomainError


class DomainErrorMiddleware:
    """Turns exceptions that have a meaning into answers that say it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # No column holds NUL, so PostgreSQL would fail on a search for it. The API names the field.
        if "%00" in request.META.get("QUERY_STRING", "") and not request.path.startswith("/api/"):
            refusal = DomainError("bad_request", "The address holds a character that is none.")
            return refusal_response(request, refusal)
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Answer a refusal; leave what has no meaning to Django."""
        refusal = translate(error)
        return None if refusal is None else refusal_response(request, refusal)


def refusal_response(request: HttpRequest, refusal: DomainError) -> HttpResponse:
    """Return the refusal as problem+json under /api/, as a page elsewhere."""
    if request.path.startswith("/api/"):
        return problem_response(refusal)
    response = render(request, "error.html", {"error": refusal}, status=refusal.status)
    if refusal.status == 503:
        response["Retry-After"] = "5"
    return response


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 400."""
    refusal = translate(exception) or DomainError("bad_request", "The request is wrong.")
    return refusal_response(request, refusal)


def not_allowed(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 403."""
    return refusal_response(request, DomainError("not_allowed", "You may not do this.", status=403))


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 404, the same for what does not exist and what belongs to somebody else."""
    return refusal_response(
        request, DomainError("not_found", "There is no such thing here.", status=404)
    )


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer 500 without telling the insides."""
    return refusal_response(
        request,
        DomainError("internal_error", "Something went wrong here. It was logged.", status=500),
    )
