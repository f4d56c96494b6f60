"""Every error of the API as application/problem+json (RFC 9457)."""

from typing import Any

from django.core.exceptions import (
    PermissionDenied,
    RequestDataTooBig,
    TooManyFieldsSent,
    TooManyFilesSent,
)
from django.db import InterfaceError, OperationalError
from django.http import Http404, JsonResponse
from rest_framework import exceptions
from rest_framework.response import Response

from faceplatform.core.errors import DomainError, FieldError
from faceplatform.core.request_id import current_request_id

CONTENT_TYPE = "application/problem+json"
_TITLES = {
    400: "The request is wrong",
    401: "Not logged in",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    406: "Not acceptable",
    409: "Conflict",
    410: "Gone",
    413: "Too large",
    415: "Unsupported media",
    422: "Cannot be used",
    429: "Too many requests",
    500: "Internal error",
    503: "Try again later",
    507: "Storage full",
}


def problem(
    status: int, code: str, detail: str, errors: tuple[FieldError, ...] = ()
) -> dict[str, Any]:
    """Return the body of an error answer."""
    return {
        "type": f"urn:faceplatform:problem:{code}",
        "title": _TITLES.get(status, "Error"),
        "status": status,
        "code": code,
        "detail": detail,
        "request_id": current_request_id(),
        "errors": [{"field": e.field, "code": e.code, "detail": e.detail} for e in errors],
    }


def problem_response(error: DomainError) -> JsonResponse:
    """Return a plain Django answer for a refusal."""
    body = problem(error.status, error.code, error.detail, error.errors)
    return JsonResponse(body, status=error.status, content_type=CONTENT_TYPE)


def problem_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """Translate what a view raised; unexpected errors go on to Django's 500 handler."""
    translated = translate(error)
    if translated is None:
        return None
    body = problem(translated.status, translated.code, translated.detail, translated.errors)
    response = Response(body, status=translated.status, content_type=CONTENT_TYPE)
    if isinstance(error, exceptions.APIException):
        for header in ("WWW-Authenticate", "Retry-After"):
            value = getattr(error, "auth_header" if header.startswith("WWW") else "wait", None)
            if value:
                response[header] = str(value)
    if translated.status == 503:
        response["Retry-After"] = "5"
    return response


def translate(error: Exception) -> DomainError | None:
    """Return the refusal that an exception stands for, or None for an unexpected one."""
    match error:
        case DomainError():
            return error
        case Http404() | exceptions.NotFound():
            return DomainError("not_found", "There is no such thing here.", status=404)
        case PermissionDenied() | exceptions.PermissionDenied():
            return DomainError("not_allowed", "You may not do this.", status=403)
        case exceptions.ValidationError():
            return DomainError("invalid", "Some fields are wrong.", errors=_fields(error.detail))
        case exceptions.APIException():
            return _of_api_exception(error)
        case RequestDataTooBig():
            return DomainError("body_too_large", "The body is too large.", status=413)
        case TooManyFieldsSent() | TooManyFilesSent():
            return DomainError("too_many_parts", "The form has too many fields or files.")
        case OperationalError() | InterfaceError():
            return DomainError("database_unavailable", "The database is away.", status=503)
        case RecursionError():
            return DomainError("malformed", "The body is nested too deeply.")
    return None


def _of_api_exception(error: exceptions.APIException) -> DomainError:
    codes = {
        exceptions.ParseError: "malformed",
        exceptions.NotAuthenticated: "not_authenticated",
        exceptions.AuthenticationFailed: "key_invalid",
        exceptions.MethodNotAllowed: "method_not_allowed",
        exceptions.NotAcceptable: "not_acceptable",
        exceptions.UnsupportedMediaType: "unsupported_media",
        exceptions.Throttled: "too_many_requests",
    }
    code = next((c for kind, c in codes.items() if isinstance(error, kind)), "error")
    return DomainError(code, str(error.detail), status=error.status_code)


def _fields(detail: Any, prefix: str = "") -> tuple[FieldError, ...]:
    """Flatten DRF's nested details to one row per message."""
    if isinstance(detail, dict):
        nested = (
            _fields(value, f"{prefix}.{key}" if prefix else str(key))
            for key, value in detail.items()
        )
        return tuple(row for rows in nested for row in rows)
    if isinstance(detail, list):
        return tuple(row for value in detail for row in _fields(value, prefix))
    return (FieldError(prefix or "body", str(getattr(detail, "code", "invalid")), str(detail)),)
