"""What is refused about a request before its body is read."""

import re

from rest_framework.request import Request

from faceplatform.core.errors import DomainError

_SECRET_NAMES = frozenset(
    {"key", "apikey", "xapikey", "token", "accesstoken", "bearer", "authorization", "secret"}
)
_SECRET_VALUE = re.compile(r"fp_[0-9a-f]{8}_")
_BODY_METHODS = frozenset({"POST", "PUT", "PATCH", "DELETE"})


def check_url(request: Request) -> None:
    """Refuse a key in the URL: addresses end up in logs, histories and Referer headers.

    Raises DomainError `key_in_url`. Whoever sent it should revoke that key.
    """
    for name, values in request.query_params.lists():
        if re.sub(r"[^a-z]", "", name.lower()) in _SECRET_NAMES or any(
            _SECRET_VALUE.match(value) for value in values
        ):
            raise DomainError(
                "key_in_url", "Send keys in a header, never in the URL; replace this key."
            )


def check_body(request: Request, *, most: int) -> None:
    """Refuse a body by its headers.

    Raises DomainError 411 `length_required` for a body of unknown length, 413 `body_too_large`
    above `most` bytes, 415 `unsupported_encoding` for a compressed one, 400 `bad_length`.
    """
    if request.method not in _BODY_METHODS:
        return
    if request.headers.get("Transfer-Encoding"):
        raise DomainError("length_required", "Send the body with Content-Length.", status=411)
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise DomainError("unsupported_encoding", "Send the body uncompressed.", status=415)
    length = request.headers.get("Content-Length") or "0"
    if not re.fullmatch(r"[0-9]{1,18}", length):
        raise DomainError("bad_length", "Content-Length is not a number.")
    if int(length) > most:
        raise DomainError("body_too_large", f"The body has more than {most:,} bytes.", status=413)
