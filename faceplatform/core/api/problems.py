"""Every error of the API as application/problem+json (RFC 9457)."""

from typing import Any

from django.core.exceptions import (
    BadRequest,
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
    TooManyFieldsSent,
    TooManyFilesSent,
)
from django.db import InterfaceError, OperationalError
from django.http import Http404, JsonResponse
from django.http.request import UnreadablePostError
from rest_framework import exceptions
from rest_framework.response import Response

from faceplatform.core.errors import DomainError, FieldError
from faceplatform.core.request_id import current_request_id

CONTENT_TYPE = "application/problem+json"
_RETRY_SECONDS = 5
_TITLES = {
    400: "The request is wrong",
    401: "Not logged in",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    406: "Not acceptable",
    409: "Conflict",
    410: "Gone",
    411: "Length required",
    413: "Too large",
    415: "Unsupported media",
    422: "Cannot be used",
    429: "Too many requests",
    500: "Internal error",
    503: "Try again later",
    507: "Storage full",
}
_API_CODES: dict[type[exceptions.APIException], str] = {
    exceptions.ParseError: "malformed",
    exceptions.NotAuthenticated: "not_authenticated",
    exceptions.AuthenticationFailed: "key_invalid",
    exceptions.MethodNotAllowed: "method_not_allowed",
    exceptions.NotAcceptable: "not_acceptable",
    exceptions.UnsupportedMediaType: "unsupported_media",
    exceptions.Throttled: "too_many_requests",
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
    response = JsonResponse(body, status=error.status, content_type=CONTENT_TYPE)
    if error.status == 503:
        response["Retry-After"] = str(_RETRY_SECONDS)
    return response


def problem_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """Translate what a view raised; unexpected errors go on to Django's 500 handler."""
    translated = translate(error)
    if translated is None:
        return None
    body = problem(translated.status, translated.code, translated.detail, translated.errors)
    response = Response(body, status=translated.status, content_type=CONTENT_TYPE)
    challenge = getattr(error, "auth_header", None)
    if challenge:
        response["WWW-Authenticate"] = challenge
    wait = getattr(error, "wait", None) or (_RETRY_SECONDS if translated.status == 503 else None)
    if wait:
        response["Retry-After"] = str(int(wait))
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
            return _of_validation(error)
        case exceptions.APIException():
            code = next((c for kind, c in _API_CODES.items() if isinstance(error, kind)), "error")
            return DomainError(code, str(error.detail), status=error.status_code)
        case OperationalError() | InterfaceError():
            return DomainError("database_unavailable", "The database is away.", status=503)
    return _of_bad_request(error)


def _of_bad_request(error: Exception) -> DomainError | None:
    """Translate what Django raises while it reads a request."""
    match error:
        case RequestDataTooBig():
            return DomainError("body_too_large", "The body is too large.", status=413)
        case TooManyFieldsSent() | TooManyFilesSent():
            return DomainError("too_many_parts", "The form has too many fields or files.")
        case UnreadablePostError():
            return DomainError("body_unreadable", "The body broke off.")
        case SuspiciousOperation() | BadRequest():
            return DomainError("bad_request", "The request is wrong.")
    return None


def _of_validation(error: exceptions.ValidationError) -> DomainError:
    """Name the field's own code at the top where only one thing is wrong."""
    fields = _fields(error.detail)
    codes = {field.code for field in fields}
    generic = {"invalid", "required", "blank", "null"}
    code = codes.pop() if len(codes) == 1 and not codes & generic else "invalid"
    detail = (
        "Some fields are wrong." if len(fields) != 1 else f"{fields[0].field}: {fields[0].detail}"
    )
    return DomainError(code, detail, errors=fields)


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
