"""Who calls the API: a key in a header, or a logged-in person."""

from typing import Any

from rest_framework import authentication, exceptions
from rest_framework.request import Request

from faceplatform.accounts.principal import Principal, principal_of_key
from faceplatform.accounts.services.keys import find_usable_key
from faceplatform.accounts.sessions import principal_of
from faceplatform.core.errors import DomainError

KEY_HEADER = "X-Api-Key"


class ApiKeyAuthentication(authentication.BaseAuthentication):
    """`Authorization: Bearer fp_...` or `X-Api-Key: fp_...`; never in a URL."""

    def authenticate(self, request: Request) -> tuple[Any, Principal] | None:
        """Return the key's principal, None without a key; raise for a key that does not work."""
        secret = self._secret(request)
        if secret is None:
            return None
        usable = find_usable_key(secret)
        if usable is None:
            raise exceptions.AuthenticationFailed("The key is unknown, expired or revoked.")
        return None, principal_of_key(usable.key, usable.maker)

    def authenticate_header(self, request: Request) -> str:
        """Name the scheme in 401 answers."""
        return 'Bearer realm="api"'

    @staticmethod
    def _secret(request: Request) -> str | None:
        scheme, _, value = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return value.strip()
        return request.headers.get(KEY_HEADER)


class SessionAuthentication(authentication.SessionAuthentication):
    """A person logged in on the pages; writes need the CSRF token."""

    def authenticate(self, request: Request) -> tuple[Any, Principal] | None:
        """Return the person's principal, or None when nobody is logged in."""
        found = super().authenticate(request)
        if found is None:
            return None
        return found[0], principal_of(request._request)

    def enforce_csrf(self, request: Request) -> None:
        """Refuse a write without the CSRF token of the session's cookie."""
        try:
            super().enforce_csrf(request)
        except exceptions.PermissionDenied as error:
            raise DomainError(
                "csrf_failed",
                "Send the CSRF token of your session in X-CSRFToken, or use a key.",
                status=403,
            ) from error
