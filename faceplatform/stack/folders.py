"""Folders and small files that belong to one user only."""

import os
import stat
from pathlib import Path

from faceplatform.stack.errors import StackError


def private_folder(path: Path, *, owner: int | None = None, group: int | None = None) -> Path:
    """Create `path` with mode 0700, or check that an existing one is a private folder.

    Raises StackError for a link, a file or a folder of another user: in a shared folder
    like `/tmp` somebody else may have made it first. `owner` and `group` are given by root.
    """
    wanted = os.geteuid() if owner is None else owner
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        pass
    else:
        if owner is not None:
            os.chown(path, owner, -1 if group is None else group)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise StackError(f"{path} must be a folder of its own, not a file or link")
    if found.st_uid != wanted:
        raise StackError(
            f"{path} belongs to user {found.st_uid}, expected user {wanted}; "
            "run as that user, or remove the folder if nobody needs it"
        )
    if stat.S_IMODE(found.st_mode) != 0o700:
        path.chmod(0o700)
    return path


def make_closed(path: Path) -> None:
    """Create `path` and its missing parents with mode 0700; leave existing ones as they are."""
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    for folder in reversed(missing):
        folder.mkdir(mode=0o700, exist_ok=True)


def write_atomically(
    path: Path, content: str, *, owner: int | None = None, group: int | None = None
) -> None:
    """Replace `path` by `content` with mode 0600, complete or not at all.

    `owner` and `group` are given by root only.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            if owner is not None:
                os.fchown(handle, owner, -1 if group is None else group)
            file.write(content)
            file.flush()
            os.fsync(handle)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
