"""Who asks, from the session of a request."""

from django.http import HttpRequest

from faceplatform.accounts.principal import ANONYMOUS, Principal, principal_of_user

ORGANIZATION_KEY = "organization"


def principal_of(request: HttpRequest) -> Principal:
    """Return who asks on the pages, read from the session on first use.

    Roles are read from the database in every request, so a change is effective at the next one.
    """
    cached: Principal | None = getattr(request, "_principal", None)
    if cached is None:
        cached = _from_session(request)
        request._principal = cached  # type: ignore[attr-defined]
    return cached


def _from_session(request: HttpRequest) -> Principal:
    if not request.user.is_authenticated:
        return ANONYMOUS
    return principal_of_user(request.user, request.session.get(ORGANIZATION_KEY))
