"""Who asks, from the session of a request."""

from django.http import HttpRequest

from faceplatform.accounts.principal import ANONYMOUS, Principal, principal_of_user

ORGANIZATION_KEY = "organization"


def principal_of(request: HttpRequest) -> Principal:
    """Return who asks on the pages, read from the session on first use.

    Roles are read from the database in every request, so a change is effective at the next one.
    Logging in or out in the middle of a request is noticed, and so is a change of organization.
    """
    if not request.user.is_authenticated:
        return ANONYMOUS
    organization_id: str | None = request.session.get(ORGANIZATION_KEY)
    asked = (request.user.pk, organization_id)
    cached: tuple[tuple[int, str | None], Principal] | None = getattr(
        request, "principal_found", None
    )
    if cached is None or cached[0] != asked:
        cached = (asked, principal_of_user(request.user, organization_id))
        request.principal_found = cached  # type: ignore[attr-defined]
    return cached[1]
