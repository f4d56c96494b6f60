"""The processes of the platform as data: `manage.py up` and the containers run the same.

Each command is run in the project's folder; `python` stands for the interpreter.
"""

import sys
from collections.abc import Mapping, Sequence
from types import MappingProxyType

_CELERY = ("python", "-m", "celery", "--quiet", "-A", "faceplatform")
_WORKER = (*_CELERY, "worker", "--concurrency", "1", "--loglevel", "INFO")
_ALONE = ("--without-gossip", "--without-mingle")

# In the order they are started.
PROCESSES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "inference-worker": (*_WORKER, "-Q", "default,inference", "-n", "inference@%h", *_ALONE),
        "training-worker": (
            *(*_WORKER, "-Q", "training,evaluation,video", "-n", "training@%h"),
            *_ALONE,
        ),
        "beat": (*_CELERY, "beat", "--loglevel", "INFO"),
        "dispatcher": ("python", "manage.py", "dispatch"),
        "web": (
            *("python", "-m", "gunicorn", "--config", "python:faceplatform.stack.gunicorn_conf"),
            "faceplatform.wsgi",
        ),
    }
)

# Run to their end, side by side, before the processes start.
PREPARATIONS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "migrate": ("python", "manage.py", "migrate", "--noinput"),
        "static": ("python", "manage.py", "collect_changed"),
    }
)

SETUP_LINK = ("python", "manage.py", "setup_link")

# Each group is stopped together, the groups one after the other; then come the servers.
# With each group the seconds it may take before it is killed; it also gets what the groups
# before it did not need.
STOP_ORDER: tuple[tuple[tuple[str, ...], float], ...] = (
    (("web",), 1.6),
    (("inference-worker", "training-worker"), 2.4),
    (("beat",), 0.8),
    (("dispatcher",), 0.8),
)
SERVERS_STOP_ORDER: tuple[str, ...] = ("valkey", "postgres")

# Celery names of the workers above, without the host.
WORKERS: Mapping[str, str] = MappingProxyType(
    {"inference-worker": "inference", "training-worker": "training"}
)


def runnable(argv: Sequence[str]) -> list[str]:
    """Return a command with this interpreter in place of `python`."""
    return [sys.executable if part == "python" else part for part in argv]
