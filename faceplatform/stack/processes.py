"""Processes by identity: a number alone may belong to somebody else a minute later."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from faceplatform.stack.folders import write_atomically
from faceplatform.stack.locks import no_tick
from faceplatform.stack.service_user import ServiceUser

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
StopSteps = tuple[tuple[signal.Signals, float], ...]
AT_ONCE: StopSteps = ((signal.SIGKILL, 5.0),)


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """A process number with the moment it started."""

    pid: int
    started: str

    @classmethod
    def of(cls, pid: int) -> "ProcessIdentity | None":
        """Return the identity of a living process; None when there is none (or a zombie)."""
        try:
            process = psutil.Process(pid)
            if process.status() == psutil.STATUS_ZOMBIE:
                return None
            return cls(pid=pid, started=_start_mark(process))
        except (psutil.NoSuchProcess, FileNotFoundError, ProcessLookupError):
            return None

    @property
    def alive(self) -> bool:
        return ProcessIdentity.of(self.pid) == self

    def send(self, number: int) -> None:
        """Send a signal to this very process; nothing happens when it is gone."""
        if self.alive:
            try:
                os.kill(self.pid, number)
            except ProcessLookupError:
                return


def _start_mark(process: psutil.Process) -> str:
    """Return when a process started, in a form that a changed clock does not alter.

    psutil derives `create_time` from the wall clock. Linux counts ticks since the boot.
    """
    if not sys.platform.startswith("linux"):
        return repr(process.create_time())
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return f"{_BOOT_ID.read_text().strip()}:{fields[19]}"


def remember(path: Path, identity: ProcessIdentity) -> None:
    """Write the run state of a process.

    Best effort: on a full disk the process must be watched all the same, and a later run
    finds it by its environment or its working folder.
    """
    with contextlib.suppress(OSError):
        write_atomically(path, json.dumps(asdict(identity)) + "\n")


def recall(path: Path) -> ProcessIdentity | None:
    """Return the process that a run-state file names, if it still lives."""
    try:
        content = json.loads(path.read_text())
        identity = ProcessIdentity(pid=int(content["pid"]), started=str(content["started"]))
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
    return identity if identity.alive else None


def spawn(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    log: Path,
    cwd: Path,
    user: ServiceUser | None = None,
) -> subprocess.Popen[bytes]:
    """Start a process in a session of its own, with its output appended to `log`.

    A file and not a pipe: when the starter is killed, the process keeps a place to write.
    A session of its own: Ctrl-C in the terminal reaches the starter only.
    """
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        return subprocess.Popen(
            list(argv),
            env=dict(env),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            umask=0o077,
            user=user.uid if user else None,
            group=user.gid if user else None,
            extra_groups=[] if user else None,
        )
    finally:
        os.close(output)


def matching(test: Callable[[psutil.Process], bool]) -> list[ProcessIdentity]:
    """Return living processes for which `test` holds; those we may not look at are skipped."""
    found = []
    for process in psutil.process_iter():
        try:
            if test(process):
                identity = ProcessIdentity.of(process.pid)
                if identity is not None:
                    found.append(identity)
        except (psutil.Error, OSError):
            continue
    return found


def reap(child: subprocess.Popen[bytes]) -> None:
    """Take note of a child's end; one that even SIGKILL does not end is left to the system."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(timeout=2.0)


def wait_gone(
    identities: Iterable[ProcessIdentity],
    *,
    seconds: float,
    tick: Callable[[], None] = no_tick,
) -> bool:
    """Wait until all are gone; return whether they are."""
    waiting = list(identities)
    deadline = time.monotonic() + seconds
    while True:
        waiting = [identity for identity in waiting if identity.alive]
        if not waiting:
            return True
        if time.monotonic() >= deadline:
            return False
        tick()
        time.sleep(0.02)


def stop(identity: ProcessIdentity, steps: StopSteps) -> bool:
    """Send each signal in turn and wait its seconds; return whether the process is gone."""
    return stop_all([identity], steps)


def stop_all(
    identities: Sequence[ProcessIdentity],
    steps: StopSteps,
    tick: Callable[[], None] = no_tick,
) -> bool:
    """Send each signal in turn to all that still live; return whether all are gone."""
    for number, seconds in steps:
        for identity in identities:
            identity.send(number)
        if wait_gone(identities, seconds=seconds, tick=tick):
            return True
    return False


def carrying(variable: str, value: str) -> list[ProcessIdentity]:
    """Return other living processes that were started with this environment variable."""

    def carries(process: psutil.Process) -> bool:
        return process.pid != os.getpid() and process.environ().get(variable) == value

    return matching(carries)


def in_session(session: int) -> list[ProcessIdentity]:
    """Return the living processes of one session, which `spawn` numbers after its child."""
    return matching(lambda process: os.getsid(process.pid) == session)
