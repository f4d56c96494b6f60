"""The system user that PostgreSQL and Valkey run as when the platform is started by root."""

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from faceplatform.stack.errors import StackError
from faceplatform.stack.layout import SYSTEM_DATA
from faceplatform.stack.locks import alone

USER_VARIABLE = "FACEPLATFORM_SERVICE_USER"
DEFAULT_NAME = "faceplatform"


@dataclass(frozen=True, slots=True)
class ServiceUser:
    """A system user by name and numbers."""

    name: str
    uid: int
    gid: int


def service_user() -> ServiceUser:
    """Return the user the servers run as, making it when it does not exist. Root only."""
    wanted = os.environ.get(USER_VARIABLE)
    if wanted:
        found = _look_up(wanted)
        if found is None or found.uid == 0:
            raise StackError(f"{USER_VARIABLE} names {wanted!r}, which is no ordinary user here")
        return found
    return _look_up(DEFAULT_NAME) or _create(DEFAULT_NAME)


def _look_up(name: str) -> ServiceUser | None:
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    return ServiceUser(name=entry.pw_name, uid=entry.pw_uid, gid=entry.pw_gid)


def _create(name: str) -> ServiceUser:
    system_folder(SYSTEM_DATA)
    with alone(SYSTEM_DATA / ".lock"):
        made = _look_up(name) or _useradd(name)
    if made is None:
        raise StackError(
            "PostgreSQL does not run as root and no system user could be made for it. "
            f"Make one named {name}, or name an existing one in {USER_VARIABLE}, "
            "or start the platform as an ordinary user"
        )
    return made


def _useradd(name: str) -> ServiceUser | None:
    program = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
    if program is None:
        return None
    argv = [program, "--system", "--user-group", "--no-create-home"]
    argv += ["--home-dir", str(SYSTEM_DATA), "--shell", "/usr/sbin/nologin", name]
    subprocess.run(argv, capture_output=True, check=False)
    return _look_up(name)


def system_folder(path: Path) -> Path:
    """Create a folder of the whole system that others may pass; never change an existing one."""
    try:
        path.mkdir(parents=True)
    except FileExistsError:
        return path
    path.chmod(0o755)  # the umask of root may be 077
    return path
