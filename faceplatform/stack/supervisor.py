"""`manage.py up`: start every part, keep it running, stop it in order."""

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from types import FrameType

from faceplatform.stack import commands, health, processes
from faceplatform.stack.errors import AlreadyRunningError, StackError
from faceplatform.stack.folders import write_atomically
from faceplatform.stack.home import prepare_var
from faceplatform.stack.journal import Journal, Repeated
from faceplatform.stack.layout import SUPERVISED_VARIABLE, Layout
from faceplatform.stack.locks import FileLock
from faceplatform.stack.logs import Console
from faceplatform.stack.parts import Part, ProcessPart, ServerPart, stop_steps
from faceplatform.stack.plan import Plan, child_environment
from faceplatform.stack.ports import check_free
from faceplatform.stack.processes import ProcessIdentity

STOP_SECONDS = 8.0  # of the ten that are promised; a busy machine needs the rest
_OTHER_SECONDS = 0.5
_LEFTOVER_SECONDS = 3.0
_PAUSE = 0.1
_EXTERNAL_SECONDS = 30.0


class StopRequested(Exception):
    """A signal arrived while something was being waited for."""


class Supervisor:
    """One run of the platform on one `var`."""

    def __init__(self, layout: Layout, plan: Plan, console: Console | None = None) -> None:
        self.layout = layout
        self.plan = plan
        self.parts: dict[str, Part] = {}
        self._journal = Journal(layout, console or Console())
        self._say = self._journal.say
        self._signals: list[int] = []
        self._stopping = False

    def run(self) -> None:
        """Run until SIGINT, SIGTERM or SIGHUP. Raises StackError when it cannot start."""
        prepare_var(self.layout)
        with self._only_one(), self._watched_signals():
            try:
                self._start()
                while True:
                    self._look_after()
                    self._pause(_PAUSE)
            except StopRequested:
                self._say(f"{signal.Signals(self._signals[0]).name}: stopping")
            finally:
                self._stop()

    # --- starting

    def _start(self) -> None:
        begun = time.monotonic()
        self._say(f"data in {self.layout.var}")
        self._clear_leftovers()
        if "web" in self.plan.processes:
            check_free(self.plan.bind)
        for name in self.plan.servers:
            self._start_server(ServerPart(name, self.layout))
        self._wait_for_own_servers()
        self._prepare()
        for name, argv in self.plan.processes.items():
            self._add_process(name, argv).start(self._tick)
        self._wait_for_web()
        self._welcome(time.monotonic() - begun)

    def _clear_leftovers(self) -> None:
        """Stop the processes of a run that was killed; the servers are looked at later."""
        recorded = [processes.recall(self.layout.state_file(name)) for name in self.plan.processes]
        left = {identity for identity in recorded if identity is not None}
        left |= set(processes.carrying(SUPERVISED_VARIABLE, self.layout.key))
        if left:
            self._say(f"stopping {len(left)} processes that an earlier run left behind")
            first = sorted(left, key=lambda one: one.pid)
            processes.stop_all(first, stop_steps(_LEFTOVER_SECONDS), self._tick)

    def _start_server(self, part: ServerPart) -> None:
        self._journal.follow(part.name, part.log)
        self.parts[part.name] = part
        title = part.server.title
        waiting = Repeated(lambda waited: self._say(f"{title} is starting, {waited:.0f} s"))

        def tick() -> None:
            self._tick()
            waiting()

        new = part.acquire(tick)
        how = "is ready" if new else "runs already for another command; going on with it"
        self._say(f"{title} {how} ({part.number})")

    def _wait_for_own_servers(self) -> None:
        """Wait half a minute for a database or broker that the user provides."""
        own = {
            "postgres": ("DATABASE_URL", health.probe_database),
            "valkey": ("REDIS_URL", health.probe_broker),
        }
        for name, (variable, probe) in own.items():
            if name in self.plan.servers or variable not in os.environ:
                continue
            deadline = time.monotonic() + _EXTERNAL_SECONDS
            answer = probe()
            while not answer.ok:
                if time.monotonic() > deadline:
                    raise StackError(f"{variable} gives no answer: {answer.detail}")
                self._pause(0.5)
                answer = probe()
            self._say(f"{variable}: {answer.detail}")

    def _prepare(self) -> None:
        """Run the preparations side by side; raise StackError when one fails."""
        running = [self._add_process(*item) for item in self.plan.preparations.items()]
        for part in running:
            part.start(self._tick)
        for part in running:
            how = part.ended()
            while how is None:
                self._pause(0.05)
                how = part.ended()
            self._tick()
            del self.parts[part.name]
            if how != "exit code 0":
                raise StackError(f"{part.name} failed ({how}); see {part.log}")

    def _add_process(self, name: str, argv: Sequence[str]) -> ProcessPart:
        part = ProcessPart(name, self.layout, argv, child_environment(self.layout))
        self._journal.follow(name, part.log)
        self.parts[name] = part
        return part

    def _wait_for_web(self) -> None:
        if "web" not in self.plan.processes:
            return
        while not health.probe_web(self.plan.bind, self.plan.public_url.host, timeout=1.0).ok:
            self._look_after()
            self._pause(0.2)

    def _welcome(self, seconds: float) -> None:
        base = self.plan.public_url.base
        self._journal.record(f"serves at {base} after {seconds:.1f} s")
        self._journal.show(f"\n  The platform serves at {base}  (Ctrl-C stops it)\n")
        link = self._setup_link()
        if link:
            lines = ["  This link makes the first administrator, once:", *link]
            self._journal.show("\n  ".join([*lines, ""]))

    def _setup_link(self) -> list[str]:
        """Return what the set-up command prints; the one-time link goes into no log file."""
        if self.plan.setup_link is None:
            return []
        child = subprocess.Popen(
            commands.runnable(self.plan.setup_link),
            env=child_environment(self.layout),
            cwd=self.layout.project_root,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            text=True,
        )
        try:
            while child.poll() is None:
                self._look_after()
                self._pause(0.05)
        finally:
            child.kill()
            output, errors = child.communicate()
        if child.returncode:
            reason = (errors.strip().splitlines() or [f"exit code {child.returncode}"])[-1]
            self._say(f"no set-up link: {reason}")
            return []
        return output.strip().splitlines()

    # --- watching

    def _look_after(self) -> None:
        for part in self.parts.values():
            if part.due is None:
                how = part.ended()
                if how is not None:
                    self._say(f"{part.name} ended ({how}); again in {part.schedule():.1f} s")
            elif time.monotonic() >= part.due:
                self._start_again(part)

    def _start_again(self, part: Part) -> None:
        try:
            part.start(self._tick)
        except (StackError, OSError) as error:
            self._say(f"{part.name} does not start: {error}; again in {part.schedule():.1f} s")
        else:
            self._say(f"{part.name} started again ({part.number})")

    def _tick(self) -> None:
        """Show new log lines; leave what is being done when a signal arrived."""
        self._journal.pump()
        if self._signals and not self._stopping:
            raise StopRequested

    def _pause(self, seconds: float) -> None:
        self._tick()
        time.sleep(seconds)

    # --- stopping

    def _stop(self) -> None:
        """Stop every part in order within ten seconds; a second signal hurries."""
        self._stopping = True
        begun = time.monotonic()
        deadline = begun + STOP_SECONDS
        limit = begun
        known = {name for names, _ in commands.STOP_ORDER for name in names}
        others = tuple(name for name in self.parts if name not in known)
        for names, seconds in ((others, _OTHER_SECONDS), *commands.STOP_ORDER):
            chosen = [self.parts[name] for name in names if name in self.parts]
            limit += seconds
            self._stop_processes(
                [part for part in chosen if isinstance(part, ProcessPart)],
                limit - time.monotonic(),
            )
        for name in commands.SERVERS_STOP_ORDER:
            part = self.parts.get(name)
            if isinstance(part, ServerPart):
                self._stop_server(part, deadline - time.monotonic())
        self._tick()
        if self.parts:
            self._say(f"stopped in {time.monotonic() - begun:.1f} s")

    def _stop_processes(self, parts: Sequence[ProcessPart], seconds: float) -> None:
        running = [part for part in parts if part.identity and part.identity.alive]
        if running:
            self._say(f"stopping {', '.join(part.name for part in running)}")
            hurry = len(self._signals) > 1 or seconds <= 0
            steps = processes.AT_ONCE if hurry else stop_steps(seconds)
            identities = [part.identity for part in running if part.identity]
            processes.stop_all(identities, steps, self._tick)
        for part in parts:
            part.clear()

    def _stop_server(self, part: ServerPart, seconds: float) -> None:
        title = part.server.title
        self._say(f"stopping {title}")
        try:
            stopped = part.lease.release(seconds=max(1.0, seconds))
        except OSError as error:
            self._say(f"{title} could not be stopped: {error}")
            return
        if not stopped:
            self._say(f"{title} goes on for another command, which stops it when it ends")

    # --- one run at a time

    @contextlib.contextmanager
    def _only_one(self) -> Iterator[None]:
        state = self.layout.state_file("up")
        with FileLock(self.layout.lock_file("up")) as lock:
            if not lock.try_exclusive():
                raise AlreadyRunningError(_runs_already(self.layout))
            own = ProcessIdentity.of(os.getpid())
            facts = (asdict(own) if own else {}) | {"url": self.plan.public_url.base}
            write_atomically(state, json.dumps(facts) + "\n")
            try:
                yield
            finally:
                state.unlink(missing_ok=True)

    @contextlib.contextmanager
    def _watched_signals(self) -> Iterator[None]:
        def note(number: int, _frame: FrameType | None) -> None:
            self._signals.append(number)

        watched = [signal.SIGINT, signal.SIGTERM]
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup
            watched.append(signal.SIGHUP)
        before = {number: signal.signal(number, note) for number in watched}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _runs_already(layout: Layout) -> str:
    try:
        facts = json.loads(layout.state_file("up").read_text())
        who = f" (process {facts['pid']}) and serves at {facts['url']}"
    except (FileNotFoundError, ValueError, KeyError):
        who = ""
    return f"the platform runs already on {layout.var}{who}"
