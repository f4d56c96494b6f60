"""Log lines for people and for machines, with the ids of request and job, without people's data.

Imported by gunicorn before Django is set up.
"""

import contextvars
import datetime as dt
import json
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from faceplatform.core.request_id import current_request_id

_JOB: contextvars.ContextVar[str] = contextvars.ContextVar("job_id", default="")
# PostgreSQL quotes the offending row there: names, paths, embeddings.
_QUOTED_ROWS = re.compile(r"^DETAIL: .*\n?", re.MULTILINE)


@contextmanager
def bound_to_job(job_id: object) -> Iterator[None]:
    """Put the job's id on every line that this thread logs inside."""
    token = _JOB.set(str(job_id))
    try:
        yield
    finally:
        _JOB.reset(token)


class IdsFilter(logging.Filter):
    """Puts the ids of request and job on every record; `origin` is the one that is there."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Add `request_id`, `job_id` and `origin`, `-` where there is neither."""
        request_id, job_id = current_request_id(), _JOB.get()
        record.request_id = request_id
        record.job_id = job_id
        record.origin = request_id or job_id or "-"
        return True


class SecretPathFilter(logging.Filter):
    """Takes the secrets out of paths that Django logs: links to pictures and to the set-up."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Replace text arguments of the route, `/setup/<token>/`; numbers and ids stay."""
        request = getattr(record, "request", None)
        match = getattr(request, "resolver_match", None)
        if request is not None and match is not None and isinstance(record.args, tuple):
            shown = request.path
            for name, value in match.kwargs.items():
                if isinstance(value, str):
                    shown = shown.replace(value, f"<{name}>")
            record.args = tuple(shown if arg == request.path else arg for arg in record.args)
        return True


class LineFormatter(logging.Formatter):
    """One readable line, followed by the traceback where there is one."""

    def __init__(self) -> None:
        super().__init__("{asctime} {levelname} {name} {origin} {message}", style="{")

    def format(self, record: logging.LogRecord) -> str:
        """Return the line without rows that PostgreSQL quotes."""
        return _QUOTED_ROWS.sub("", super().format(record))


class JsonFormatter(logging.Formatter):
    """One JSON object per line: time (UTC), level, logger, message, ids, process.

    `extra={"facts": {...}}` of a log call adds fields, `traceback` an error.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the object without rows that PostgreSQL quotes."""
        moment = dt.datetime.fromtimestamp(record.created, tz=dt.UTC)
        line: dict[str, Any] = {
            "time": moment.isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": _QUOTED_ROWS.sub("", record.getMessage()),
            "pid": record.process,
        }
        for name in ("request_id", "job_id"):
            if value := getattr(record, name, ""):
                line[name] = value
        line |= getattr(record, "facts", {})
        if record.exc_info:
            line["traceback"] = _QUOTED_ROWS.sub("", self.formatException(record.exc_info))
        return json.dumps(line, default=str)


def logging_config(*, as_json: bool, level: str) -> dict[str, Any]:
    """Return the settings of Python's logging: everything to standard error, in one form."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {
            "ids": {"()": "faceplatform.core.logs.IdsFilter"},
            "secret_paths": {"()": "faceplatform.core.logs.SecretPathFilter"},
        },
        "formatters": {
            "line": {"()": "faceplatform.core.logs.LineFormatter"},
            "json": {"()": "faceplatform.core.logs.JsonFormatter"},
        },
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "formatter": "json" if as_json else "line",
                "filters": ["ids"],
            },
        },
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            "django": {"handlers": [], "propagate": True},
            "django.server": {"handlers": [], "propagate": True},
            "django.request": {"filters": ["secret_paths"]},
            # A line per request is for machines; a person at the terminal wants to see the rest.
            "faceplatform.requests": {"level": "INFO" if as_json else "WARNING"},
        },
    }


def gunicorn_logging(*, as_json: bool, level: str) -> dict[str, Any]:
    """Return `logconfig_dict` for gunicorn: empty, which keeps its own form, but for JSON.

    With it gunicorn would write a line per request, with the path and the secrets in it.
    """
    if not as_json:
        return {}
    config = logging_config(as_json=True, level=level)
    own = {"handlers": ["stderr"], "level": level, "propagate": False}
    silent = {"handlers": [], "level": "CRITICAL", "propagate": False}
    return config | {"loggers": {"gunicorn.error": own, "gunicorn.access": silent}}
