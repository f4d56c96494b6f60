"""Settings of the web server, read by gunicorn itself.

`WEB_BIND` replaces the address that follows from `PUBLIC_URL` (containers listen on all
interfaces), `WEB_WORKERS` and `WEB_THREADS` the sizes. One process by default: each holds
its own copy of the network.
"""

import os
from typing import Any

from faceplatform.core.logs import gunicorn_logging
from faceplatform.stack.errors import StackError
from faceplatform.stack.public_url import web_bind


def _number(name: str, default: int) -> int:
    text = os.environ.get(name, "").strip()
    if not text:
        return default
    if not text.isdecimal() or int(text) < 1:
        raise StackError(f"{name} must be a whole number of at least 1, not {text!r}")
    return int(text)


bind = web_bind()
workers = _number("WEB_WORKERS", 1)
worker_class = "gthread"
threads = _number("WEB_THREADS", 8)
timeout = 120
graceful_timeout = 30
keepalive = 5
logconfig_dict = gunicorn_logging(
    as_json=os.environ.get("LOG_FORMAT", "").strip() == "json",
    level=os.environ.get("LOG_LEVEL", "").strip() or "INFO",
)
control_socket_disable = True  # it would lie outside var/, one for all installations


def post_worker_init(worker: Any) -> None:
    """Begin with the network when a process is ready to serve, not when somebody asks."""
    from recognition.services.pipelines import serve_requests

    serve_requests()
