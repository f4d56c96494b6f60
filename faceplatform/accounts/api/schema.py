"""How the schema describes the ways to authenticate."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension

from faceplatform.accounts.api.authentication import KEY_HEADER


class ApiKeyScheme(OpenApiAuthenticationExtension):
    """A key, as bearer token or in a header of its own."""

    target_class = "faceplatform.accounts.api.authentication.ApiKeyAuthentication"
    name = ["bearer", "apiKey"]

    def get_security_requirement(self, auto_schema: Any) -> list[dict[str, list[str]]]:
        """One of the two headers is enough."""
        return [{name: []} for name in self.name]

    def get_security_definition(self, auto_schema: Any) -> list[dict[str, str]]:
        return [
            {"type": "http", "scheme": "bearer", "bearerFormat": "fp_..."},
            {"type": "apiKey", "in": "header", "name": KEY_HEADER},
        ]


class SessionScheme(OpenApiAuthenticationExtension):
    """A person logged in on the pages; writes also send X-CSRFToken."""

    target_class = "faceplatform.accounts.api.authentication.SessionAuthentication"
    name = "session"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        # Behind TLS the cookie is called __Host-session; the schema is the same everywhere.
        return {"type": "apiKey", "in": "cookie", "name": "session"}
