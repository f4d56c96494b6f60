"""Secrets of this installation: made at random on first use, one file each, mode 0600."""

import secrets
import stat
from pathlib import Path

from faceplatform.stack.errors import StackError
from faceplatform.stack.folders import make_closed, private_folder, write_atomically
from faceplatform.stack.layout import Layout
from faceplatform.stack.locks import alone

SECRET_KEY = "secret_key"  # noqa: S105 (names of files)
DATABASE_PASSWORD = "postgres_password"  # noqa: S105
ADMIN_PASSWORD = "postgres_admin_password"  # noqa: S105
BROKER_PASSWORD = "valkey_password"  # noqa: S105
_SHORTEST = 32


def read_or_create(layout: Layout, name: str) -> str:
    """Return the secret `name`; the first caller of all processes makes it.

    The text is URL-safe, 64 characters long when made here.
    """
    path = layout.secrets / name
    try:
        return _read(path)
    except FileNotFoundError:
        make_closed(layout.var)
        private_folder(layout.secrets)
    with alone(layout.secrets / ".lock"):
        if not path.exists():
            write_atomically(path, secrets.token_urlsafe(48) + "\n")
    return _read(path)


def _read(path: Path) -> str:
    try:
        value = path.read_text().strip()
    except PermissionError:
        raise StackError(
            f"{path} is not readable: these data belong to another user; run as that user"
        ) from None
    if len(value) < _SHORTEST:
        raise StackError(f"{path} is damaged (too short); restore it from a backup")
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        path.chmod(0o600)
    return value
