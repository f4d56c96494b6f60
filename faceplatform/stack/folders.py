"""Folders and small files that belong to one user only."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
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


def write_atomically(path: Path, content: str, *, mode: int = 0o600) -> None:
    """Replace `path` by `content`, complete or not at all, also after a power cut."""
    with replacement(path, mode=mode) as handle:
        os.write(handle, content.encode())


@contextmanager
def replacement(path: Path, *, mode: int) -> Iterator[int]:
    """Give a file descriptor whose content becomes `path` when the block succeeds."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        try:
            os.fchmod(handle, mode)
            yield handle
            os.fsync(handle)
        finally:
            os.close(handle)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
