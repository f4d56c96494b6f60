"""What a program sees of the platform: answers, or a connection that broke."""

import http.client
import json
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

BROKEN = (OSError, http.client.HTTPException)
"""Raised by `Client.ask` when there was no answer: nobody was promised anything."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer and the seconds it took."""

    status: int
    body: Any
    headers: Mapping[str, str]
    seconds: float

    @property
    def code(self) -> str:
        """The machine code of a refusal."""
        return str(self.body.get("code", "")) if isinstance(self.body, dict) else ""


@dataclass(frozen=True, slots=True)
class Client:
    """Asks a web server under a key or a session; each request has its own connection."""

    port: int
    headers: Mapping[str, str]
    timeout: float = 60.0

    def ask(
        self, method: str, path: str, body: bytes | None = None, kind: str = "application/json"
    ) -> Answer:
        """Send one request. Raises one of `BROKEN` when no whole answer came."""
        begun = time.monotonic()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=self.timeout)
        headers = dict(self.headers) | {"Connection": "close"}
        if body is not None:
            headers["Content-Type"] = kind
        try:
            connection.request(method, path, body=body, headers=headers)
            response = connection.getresponse()
            data = response.read()
        finally:
            connection.close()
        parsed = json.loads(data) if "json" in response.headers.get("Content-Type", "") else None
        return Answer(
            response.status, parsed, dict(response.headers.items()), time.monotonic() - begun
        )

    def get(self, path: str) -> Answer:
        return self.ask("GET", path)

    def post(self, path: str, **fields: str) -> Answer:
        """Send JSON."""
        return self.ask("POST", path, json.dumps(fields).encode())

    def upload(self, path: str, field: str, name: str, data: bytes) -> Answer:
        """Send one file as a form."""
        mark = uuid.uuid4().hex
        head = (
            f'--{mark}\r\nContent-Disposition: form-data; name="{field}"; filename="{name}"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n"
        )
        body = head.encode() + data + f"\r\n--{mark}--\r\n".encode()
        return self.ask("POST", path, body, f"multipart/form-data; boundary={mark}")
