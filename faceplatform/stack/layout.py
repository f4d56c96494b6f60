"""Where everything lies. Pure paths; nothing here creates a file."""

import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path

VAR_VARIABLE = "FACEPLATFORM_VAR"
# Marks the processes of a run by the layout's key: they find their servers running, and a
# later run finds them when this one was killed.
SUPERVISED_VARIABLE = "FACEPLATFORM_SUPERVISED"
# As root the servers' data leave the project: their user cannot reach into a home folder.
SYSTEM_DATA = Path("/var/lib/faceplatform")
SYSTEM_SOCKETS = Path("/run/faceplatform")
# sun_path holds 108 bytes with the final zero; "/.s.PGSQL.5432" takes 14 of them.
_LONGEST_SOCKET_FOLDER = 108 - 1 - len("/.s.PGSQL.5432")


@dataclass(frozen=True, slots=True)
class Layout:
    """Every path of one installation.

    `project_root` and `var` are absolute and free of symbolic links. `uid` is the user
    that runs the commands; 0 moves the servers' data to `/var/lib/faceplatform`.
    """

    project_root: Path
    var: Path
    uid: int = field(default_factory=os.geteuid)

    @classmethod
    def of(cls, project_root: Path) -> "Layout":
        """Return the layout of a project: `FACEPLATFORM_VAR`, else `<project>/var`.

        A relative `FACEPLATFORM_VAR` counts from the project, not from the current folder,
        so that every process finds the same data.
        """
        root = project_root.resolve()
        var = Path(os.environ.get(VAR_VARIABLE) or "var").expanduser()
        return cls(project_root=root, var=(root / var).resolve())

    @classmethod
    def current(cls) -> "Layout":
        """Return the layout of the project this package belongs to."""
        return cls.of(Path(__file__).resolve().parents[2])

    @property
    def key(self) -> str:
        """Twelve hexadecimal digits that stand for this `var`."""
        return hashlib.sha256(os.fsencode(self.var)).hexdigest()[:12]

    @property
    def as_root(self) -> bool:
        return self.uid == 0

    @property
    def secrets(self) -> Path:
        return self.var / "secrets"

    @property
    def log(self) -> Path:
        return self.var / "log"

    @property
    def run(self) -> Path:
        """State of running processes and the lock files."""
        return self.var / "run"

    @property
    def servers(self) -> Path:
        """Data of both servers; a link to `system_data` when run as root."""
        return self.var / "servers"

    @property
    def system_data(self) -> Path:
        """Where the data really lie when run as root."""
        return SYSTEM_DATA / self.key

    @property
    def postgres_data(self) -> Path:
        return self.servers / "postgres"

    @property
    def valkey_data(self) -> Path:
        return self.servers / "valkey"

    @property
    def beat_schedule(self) -> Path:
        return self.run / "beat-schedule"

    @property
    def sockets(self) -> Path:
        """Folder of both servers' sockets, short enough for `sun_path`.

        It must not depend on the session: `XDG_RUNTIME_DIR` is unset in cron and removed
        at log-out, and two commands would then look for the same server in two places.
        """
        if self.as_root:
            return SYSTEM_SOCKETS / self.key
        inside = self.run / "sockets"
        if len(os.fsencode(inside)) <= _LONGEST_SOCKET_FOLDER:
            return inside
        return Path("/tmp") / f"faceplatform-{self.uid}-{self.key}"  # noqa: S108 (owner checked)

    @property
    def valkey_socket(self) -> Path:
        return self.sockets / "valkey.sock"

    def log_file(self, name: str) -> Path:
        return self.log / f"{name}.log"

    def state_file(self, name: str) -> Path:
        return self.run / f"{name}.json"

    def lock_file(self, name: str) -> Path:
        return self.run / f"{name}.lock"
