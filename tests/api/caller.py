"""A caller of the API, and what every refusal looks like."""

from typing import Any, Self

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from faceplatform.accounts.models import User

FIELDS = {"type", "title", "status", "code", "detail", "request_id", "errors"}
JSON = "application/json"


class Caller:
    """Sends JSON and forms; never raises what the platform would turn into an answer."""

    def __init__(self, **headers: str) -> None:
        self.client = Client(raise_request_exception=False, headers=headers or None)

    @classmethod
    def person(cls, user: User) -> Self:
        """Return somebody who is logged in."""
        caller = cls()
        caller.client.force_login(user)
        return caller

    @classmethod
    def key(cls, secret: str) -> Self:
        """Return a program with a key."""
        return cls(authorization=f"Bearer {secret}")

    def get(self, path: str, **headers: str) -> Any:
        return self.client.get(path, headers=headers or None)

    def post(self, path: str, body: Any = None) -> Any:
        return self.client.post(path, body, content_type=JSON)

    def patch(self, path: str, body: Any) -> Any:
        return self.client.patch(path, body, content_type=JSON)

    def delete(self, path: str) -> Any:
        return self.client.delete(path)

    def form(self, path: str, **fields: Any) -> Any:
        """Send multipart/form-data."""
        return self.client.post(path, fields)

    def raw(self, path: str, body: bytes, content_type: str = JSON, **headers: str) -> Any:
        """Send bytes as they are."""
        return self.client.generic(
            "POST", path, body, content_type=content_type, headers=headers or None
        )


def upload(data: bytes, name: str = "photo.png") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, data, content_type="image/png")


def refused(response: Any, status: int, code: str) -> dict[str, Any]:
    """Assert that the answer is the problem that it should be; return its body."""
    assert response.status_code == status, (response.status_code, response.content[:500])
    assert response["Content-Type"] == "application/problem+json", response["Content-Type"]
    body: dict[str, Any] = response.json()
    assert set(body) == FIELDS
    assert body["code"] == code, body
    assert body["status"] == status
    assert body["type"].endswith(code)
    assert body["detail"]
    assert body["request_id"] == response["X-Request-ID"]
    assert all(set(error) == {"field", "code", "detail"} for error in body["errors"])
    return body
