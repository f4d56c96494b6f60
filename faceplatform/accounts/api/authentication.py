"""Who calls the API: a key in a header, or a logged-in person."""

from typing import Any

from rest_framework import authentication, exceptions
from rest_framework.request import Request

from faceplatform.accounts.sessions import principal_of
from faceplatform.accounts.principal import Principal, principal_of_key
from faceplatform.accounts.services.keys import find_usable_key


class ApiKeyAuthentication(authentication.BaseAuthentication):
    """`Authorization: Bearer fp_...` or `X-Api-Key: fp_...`; never in a URL."""

    def authenticate(self, request: Request) -> tuple[Any, Principal] | None:
        """Return the key's principal, None without a key; raise for a key that does not work."""
        secret = self._secret(request)
        if secret is None:
            return None
        key = find_usable_key(secret)
        if key is None:
            raise exceptions.AuthenticationFailed("The key is unknown, expired or revoked.")
        return None, principal_of_key(key)

    def authenticate_header(self, request: Request) -> str:
        """Name the scheme in 401 answers."""
        return 'Bearer realm="api"'

    @staticmethod
    def _secret(request: Request) -> str | None:
        header = request.headers.get("Authorization", "")
        scheme, _, value = header.partition(" ")
        if scheme.lower() == "bearer" and value.strip():
            return value.strip()
        return request.headers.get("X-Api-Key") or None


class SessionAuthentication(authentication.SessionAuthentication):
    """A person logged in on the pages; writes need the CSRF token."""

    def authenticate(self, request: Request) -> tuple[Any, Principal] | None:
        """Return the person's principal, or None when nobody is logged in."""
        found = super().authenticate(request)
        if found is None:
            return None
        return found[0], principal_of(request._request)
