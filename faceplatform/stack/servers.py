"""Life of an embedded server that several processes share.

Every user of a server holds a shared lock. Whoever finishes and finds no other holder
stops the server. The kernel drops the lock of a process that dies, so a crash can leave
a server behind but never a wrong count; the next user finds it and goes on with it.
"""

import enum
import os
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import psutil

from faceplatform.stack import processes
from faceplatform.stack.errors import StackError
from faceplatform.stack.home import Home, prepare_home, prepare_var
from faceplatform.stack.layout import SUPERVISED_VARIABLE, Layout
from faceplatform.stack.locks import FileLock, alone, no_tick
from faceplatform.stack.logs import rotate
from faceplatform.stack.processes import ProcessIdentity

Tick = Callable[[], None]
_STOP_SECONDS = 30.0
_GIVE_UP_SECONDS = 6.0
_SILENCE = 60.0  # seconds a living server may give no answer at all


class Readiness(enum.Enum):
    """What a server answers."""

    READY = "ready"
    STARTING = "starting"  # it answers that it is not ready yet, such as during recovery
    SILENT = "silent"


class EmbeddedServer(ABC):
    """One server under `var/servers`. Creating the object touches nothing."""

    name: ClassVar[str]
    title: ClassVar[str]

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        # Kept so that the child is reaped, and not reported as forgotten, when it ends.
        self.child: subprocess.Popen[bytes] | None = None

    @property
    @abstractmethod
    def data(self) -> Path:
        """Folder of its data and working folder of its processes."""

    @property
    def log(self) -> Path:
        return self.layout.log_file(self.name)

    @abstractmethod
    def prepare(self, home: Home) -> list[str]:
        """Create data and settings, and return the command that runs the server."""

    @abstractmethod
    def probe(self) -> Readiness:
        """Ask the server once."""

    @abstractmethod
    def stop_steps(self, seconds: float) -> processes.StopSteps:
        """Return the signals that stop it, and how long each may take, in about `seconds`."""

    @abstractmethod
    def settle(self) -> None:
        """Bring a ready server to the wanted state; safe to repeat."""

    def mend(self) -> bool:
        """Clear away what would keep it from starting, if the log names it; say whether."""
        return False

    def find(self) -> ProcessIdentity | None:
        """Return the running main process, also when its run state was lost."""
        state = self.layout.state_file(self.name)
        known = processes.recall(state)
        if known is not None:
            return known
        for stray in self.strays():
            if self.is_main(stray):
                processes.remember(state, stray)
                return stray
        return None

    def is_main(self, identity: ProcessIdentity) -> bool:
        """Return whether one of the server's processes is the one to signal."""
        return identity.pid > 0

    def strays(self) -> list[ProcessIdentity]:
        """Return every living process that works in the data folder."""
        real = str(self.data.resolve())
        places = {real, f"{real} (deleted)"}

        def works_here(process: psutil.Process) -> bool:
            return process.pid != os.getpid() and process.cwd() in places

        return processes.matching(works_here)

    def spawn(self) -> ProcessIdentity:
        """Start the server after clearing away what a killed one left; do not wait for it."""
        try:
            home = prepare_home(self.layout)
            rotate(self.log)
            for stray in self.strays():
                processes.stop(stray, processes.AT_ONCE)
            self.mend()
            argv = self.prepare(home)
            env = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}  # PG* variables must not reach it
            cwd = self.data.resolve()
            self.child = processes.spawn(argv, env=env, log=self.log, cwd=cwd, user=home.user)
        except OSError as error:
            raise StackError(f"{self.title} cannot be started: {error}") from error
        identity = ProcessIdentity.of(self.child.pid)
        if identity is None:
            raise self.start_error()
        processes.remember(self.layout.state_file(self.name), identity)
        return identity

    def wait_ready(self, identity: ProcessIdentity, tick: Tick) -> None:
        """Wait until the server answers, as long as it says that it is coming."""
        deadline = time.monotonic() + _SILENCE
        while True:
            readiness = self.probe()
            if readiness is Readiness.READY:
                return
            if readiness is Readiness.STARTING:
                deadline = time.monotonic() + _SILENCE
            if not identity.alive:
                raise self.start_error()
            if time.monotonic() > deadline:
                raise StackError(f"{self.title} gives no answer; see {self.log}")
            tick()
            time.sleep(0.05)

    def stop(self, seconds: float = _STOP_SECONDS) -> None:
        """Stop the server in good order, then by force, with everything it left."""
        identity = self.find()
        if identity is not None:
            processes.stop(identity, self.stop_steps(seconds))
        for stray in self.strays():
            processes.stop(stray, processes.AT_ONCE)
        if self.child is not None:
            processes.reap(self.child)
            self.child = None
        self.layout.state_file(self.name).unlink(missing_ok=True)

    def start_error(self) -> StackError:
        """Return an error with the last lines of the server's log."""
        lines = self.log.read_text(errors="replace").splitlines()[-6:] if self.log.exists() else []
        tail = "".join(f"\n    {line}" for line in lines)
        return StackError(f"{self.title} stopped while starting; the end of {self.log}:{tail}")


class Lease:
    """The right to use a server; it runs as long as somebody holds one."""

    def __init__(self, server: EmbeddedServer) -> None:
        self.server = server
        self._users = FileLock(server.layout.lock_file(f"{server.name}.users"))
        self._change = server.layout.lock_file(f"{server.name}.change")

    def acquire(self, tick: Tick = no_tick, *, fresh: bool = False) -> bool:
        """Make the server run and ready; return whether it had to be started.

        `fresh` stops a server that nobody uses and starts it with today's settings.
        """
        prepare_var(self.server.layout)
        with alone(self._change, tick):
            if fresh and self._users.try_exclusive():
                self.server.stop()
            self._users.shared()
            done = False
            try:
                found = self.server.find()
                self._make_ready(found, tick)
                done = True
            finally:
                if not done:
                    self._leave(_GIVE_UP_SECONDS)
        return found is None

    def _make_ready(self, found: ProcessIdentity | None, tick: Tick) -> None:
        try:
            self.server.wait_ready(found or self.server.spawn(), tick)
        except StackError:
            if found is not None or not self.server.mend():
                raise
            self.server.wait_ready(self.server.spawn(), tick)
        self.server.settle()

    def respawn(self, tick: Tick = no_tick) -> ProcessIdentity:
        """Start a server that died although it is in use; do not wait for it."""
        with alone(self._change, tick):
            return self.server.find() or self.server.spawn()

    def release(
        self, *, seconds: float = _STOP_SECONDS, then: Callable[[], None] = no_tick
    ) -> bool:
        """Give the right back; stop the server and call `then` when nobody else uses it.

        Returns whether it was stopped, which takes about `seconds` at most.
        """
        with alone(self._change):
            return self._leave(seconds, then)

    def _leave(self, seconds: float = _STOP_SECONDS, then: Callable[[], None] = no_tick) -> bool:
        self._users.release()
        if not self._users.try_exclusive():
            return False
        try:
            if self._needed_by_orphans():
                return False
            self.server.stop(seconds)
            then()
        finally:
            self._users.release()
        return True

    def _needed_by_orphans(self) -> bool:
        """Return whether processes of an `up` that was killed still work with the server."""
        key = self.server.layout.key
        return bool(processes.carrying(SUPERVISED_VARIABLE, key))
