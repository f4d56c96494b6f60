"""The parts that the supervisor watches: processes of the platform and embedded servers."""

import signal
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from faceplatform.stack import processes
from faceplatform.stack.commands import runnable
from faceplatform.stack.layout import Layout
from faceplatform.stack.logs import rotate
from faceplatform.stack.processes import ProcessIdentity
from faceplatform.stack.registry import embedded_server
from faceplatform.stack.servers import Lease

Tick = Callable[[], None]


class Backoff:
    """How long to wait before a part that ended is started again."""

    FIRST = 0.5
    LONGEST = 30.0
    STEADY = 30.0  # a part that ran this long is healthy: the next wait is short again

    def __init__(self) -> None:
        self._next = self.FIRST

    def after(self, ran: float) -> float:
        """Return the seconds to wait after a run of `ran` seconds."""
        if ran >= self.STEADY:
            self._next = self.FIRST
        wait = self._next
        self._next = min(self._next * 2, self.LONGEST)
        return wait


class Part(ABC):
    """One thing that must run."""

    def __init__(self, name: str, layout: Layout) -> None:
        self.name = name
        self.layout = layout
        self.identity: ProcessIdentity | None = None
        self.backoff = Backoff()
        self.due: float | None = None  # when to start it again, on the monotonic clock
        self._started = 0.0

    @property
    def log(self) -> Path:
        return self.layout.log_file(self.name)

    def start(self, tick: Tick) -> None:
        """Start it; raises StackError when that is not possible."""
        self._started = time.monotonic()
        self.due = None
        self.launch(tick)

    @abstractmethod
    def launch(self, tick: Tick) -> None:
        """Start it and set `identity`."""

    @abstractmethod
    def ended(self) -> str | None:
        """Return how it ended, None while it runs."""

    @property
    def number(self) -> str:
        """The process in words."""
        return f"process {self.identity.pid}" if self.identity else "no process"

    def schedule(self) -> float:
        """Plan the next start; return the seconds until then."""
        now = time.monotonic()
        wait = self.backoff.after(now - self._started)
        self.due = now + wait
        return wait


def stop_steps(seconds: float) -> processes.StopSteps:
    """Return the signals that end a process of the platform within about `seconds`.

    Both gunicorn and Celery finish what they do at SIGTERM and drop it at SIGQUIT.
    """
    kill = processes.AT_ONCE
    return ((signal.SIGTERM, seconds * 0.75), (signal.SIGQUIT, seconds * 0.25), *kill)


class ProcessPart(Part):
    """A process of the platform, the leader of its own session."""

    def __init__(
        self, name: str, layout: Layout, argv: Sequence[str], env: Mapping[str, str]
    ) -> None:
        super().__init__(name, layout)
        self._argv = runnable(argv)
        self._env = env
        self.child: subprocess.Popen[bytes] | None = None

    def launch(self, tick: Tick) -> None:
        rotate(self.log)
        self.child = processes.spawn(
            self._argv, env=self._env, log=self.log, cwd=self.layout.project_root
        )
        self.identity = ProcessIdentity.of(self.child.pid)
        if self.identity is not None:
            processes.remember(self.layout.state_file(self.name), self.identity)

    def ended(self) -> str | None:
        code = self.child.poll() if self.child else None
        if code is None:
            return None
        self.clear()
        return describe(code)

    def clear(self) -> None:
        """Kill what the ended process left in its session, such as pool children."""
        if self.child is not None:
            processes.stop_all(processes.in_session(self.child.pid), processes.AT_ONCE)
            processes.reap(self.child)
        self.layout.state_file(self.name).unlink(missing_ok=True)


class ServerPart(Part):
    """An embedded server, which may have been started by another command."""

    def __init__(self, name: str, layout: Layout) -> None:
        super().__init__(name, layout)
        self.server = embedded_server(name, layout)
        self.lease = Lease(self.server)

    def acquire(self, tick: Tick) -> bool:
        """Start it for the first time and wait until it answers; return whether it was new."""
        self._started = time.monotonic()
        new = self.lease.acquire(tick, fresh=True)
        self.identity = self.server.find()
        return new

    def launch(self, tick: Tick) -> None:
        self.identity = self.lease.respawn(tick)
        if self.server.child is not None and self.server.child.pid != self.identity.pid:
            self.server.child = None  # another command was quicker and started its own

    def ended(self) -> str | None:
        if self.server.child is not None:
            code = self.server.child.poll()
            return None if code is None else describe(code)
        alive = self.identity is not None and self.identity.alive
        return None if alive else "no longer there"


def describe(code: int) -> str:
    """Return an exit code of subprocess in words."""
    if code >= 0:
        return f"exit code {code}"
    return f"killed by {signal.Signals(-code).name}"
