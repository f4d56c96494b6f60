"""Addresses of database and broker, and the secret key. Cheap to import, no Django.

`DATABASE_URL`, `REDIS_URL` and `SECRET_KEY` win. Without them the answers lead to the
embedded servers and are the same in every process of one installation.
"""

import os
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from faceplatform.stack import secret_files
from faceplatform.stack.errors import StackError
from faceplatform.stack.layout import Layout

_ROLE = "faceplatform"
_SHORTEST_KEY = 50  # as Django's own deployment check
_FEWEST_CHARACTERS = 5
_SCHEMES = ("postgres", "postgresql", "postgis")


def uses_embedded_database() -> bool:
    """Whether the database is the platform's own server."""
    return not os.environ.get("DATABASE_URL")


def uses_embedded_broker() -> bool:
    """Whether the broker is the platform's own server."""
    return not os.environ.get("REDIS_URL")


def database_url(layout: Layout | None = None) -> str:
    """Return the database as a URL that libpq and psycopg read."""
    return os.environ.get("DATABASE_URL") or embedded_database_url(layout)


def embedded_database_url(layout: Layout | None = None) -> str:
    """Return the embedded database as a URL, whatever the environment says."""
    here = layout or Layout.current()
    password = secret_files.read_or_create(here, secret_files.DATABASE_PASSWORD)
    host = quote(str(here.sockets), safe="")
    return (
        f"postgresql://{_ROLE}:{quote(password, safe='')}@/{_ROLE}"
        f"?host={host}&require_auth=scram-sha-256"
    )


def redis_url(layout: Layout | None = None) -> str:
    """Return the broker as a URL that redis-py reads."""
    return os.environ.get("REDIS_URL") or embedded_redis_url(layout)


def embedded_redis_url(layout: Layout | None = None) -> str:
    """Return the embedded broker as a URL, whatever the environment says."""
    here = layout or Layout.current()
    password = secret_files.read_or_create(here, secret_files.BROKER_PASSWORD)
    return f"unix://:{quote(password, safe='')}@{quote(str(here.valkey_socket))}?db=0"


def broker_url(layout: Layout | None = None) -> str:
    """Return the broker as a URL that Celery reads; it spells unix sockets in its own way."""
    url = redis_url(layout)
    parts = urlsplit(url)
    if parts.scheme != "unix":
        return url
    database = dict(parse_qsl(parts.query)).get("db", "0")
    return f"redis+socket://{parts.netloc}{parts.path}?virtual_host={database}"


def django_database(
    layout: Layout | None = None, *, application_name: str = "faceplatform", url: str = ""
) -> dict[str, Any]:
    """Return `DATABASES["default"]`, or the entry for another server's `url`.

    Connections are kept for a minute and checked before each request, so a restarted
    server costs one reconnect and no error page.
    """
    options, fields = _parse(url or database_url(layout))
    options.setdefault("connect_timeout", 5)
    options.setdefault("application_name", application_name)
    return {
        "ENGINE": "django.db.backends.postgresql",
        **fields,
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": options,
    }


def _parse(url: str) -> tuple[dict[str, Any], dict[str, str]]:
    """Split a URL into libpq options and Django's fields; raise StackError without secrets."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise StackError("DATABASE_URL holds a host or port that is not valid") from None
    if parts.scheme not in _SCHEMES:
        raise StackError(
            f"DATABASE_URL must begin with postgresql://, not {parts.scheme or 'nothing'}://"
        )
    options: dict[str, Any] = dict(parse_qsl(parts.query))
    fields = {
        "NAME": unquote(parts.path.lstrip("/")) or str(options.pop("dbname", "")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or "") or str(options.pop("host", "")),
        "PORT": str(port or options.pop("port", "")),
    }
    if not fields["NAME"]:
        raise StackError("DATABASE_URL names no database")
    return options, fields


def secret_key(layout: Layout | None = None) -> str:
    """Return the key that signs sessions and links; refuse a weak one from the environment."""
    given = os.environ.get("SECRET_KEY")
    if given is None:
        return secret_files.read_or_create(layout or Layout.current(), secret_files.SECRET_KEY)
    weak = len(given) < _SHORTEST_KEY or len(set(given)) < _FEWEST_CHARACTERS
    if weak or given.startswith("django-insecure-"):
        raise StackError(
            f"SECRET_KEY is too weak: at least {_SHORTEST_KEY} random characters, for example "
            "from `openssl rand -hex 32`; or leave it unset"
        )
    return given
