"""Servers for one command: used when they run, started and stopped again when not."""

import contextlib
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType

from faceplatform.stack import endpoints
from faceplatform.stack.layout import SUPERVISED_VARIABLE, Layout

Announce = Callable[[str], None]


def say(message: str) -> None:
    """Write one line to standard error."""
    sys.stderr.write(f"{message}\n")
    sys.stderr.flush()


class Patience:
    """Says what is waited for after one second, and again every ten."""

    def __init__(self, title: str, announce: Announce) -> None:
        self._title = title
        self._announce = announce
        self._started = time.monotonic()
        self._next = 1.0

    def __call__(self) -> None:
        waited = time.monotonic() - self._started
        if waited < self._next:
            return
        first = self._next <= 1.0
        text = (
            f"starting {self._title} ..."
            if first
            else (
                f"{self._title} is still starting after {waited:.0f} s; "
                "it repairs its files when it was not stopped properly"
            )
        )
        self._announce(text)
        self._next = 10.0 if first else self._next + 10.0


@contextlib.contextmanager
def services(
    *,
    database: bool = True,
    broker: bool = False,
    layout: Layout | None = None,
    announce: Announce = say,
) -> Iterator[None]:
    """Run the block with the embedded servers it needs.

    Servers of your own (`DATABASE_URL`, `REDIS_URL`) are left alone. A server that `up` or
    another command runs is shared; whoever finishes last stops it. Raises StackError.
    """
    here = layout or Layout.current()
    wanted = []
    if os.environ.get(SUPERVISED_VARIABLE) != here.key:
        if database and endpoints.uses_embedded_database():
            wanted.append("postgres")
        if broker and endpoints.uses_embedded_broker():
            wanted.append("valkey")
    with contextlib.ExitStack() as stack:
        if wanted:
            stack.enter_context(_polite_signals())
        for name in wanted:
            _enter(stack, name, here, announce)
        yield


def _enter(stack: contextlib.ExitStack, name: str, layout: Layout, announce: Announce) -> None:
    from faceplatform.stack.registry import embedded_server
    from faceplatform.stack.servers import Lease

    server = embedded_server(name, layout)
    lease = Lease(server)
    lease.acquire(Patience(server.title, announce))
    stack.callback(lease.release)
    if name == "postgres":
        _offer_psql()


def _offer_psql() -> None:
    """Let `manage.py dbshell` find psql where the machine has none of its own."""
    from faceplatform.stack.postgres import client_programs

    if shutil.which("psql") is None:
        os.environ["PATH"] = os.pathsep.join(
            [os.environ.get("PATH", os.defpath), str(client_programs().bin)]
        )


@contextlib.contextmanager
def _polite_signals() -> Iterator[None]:
    """Turn a request to end into SystemExit, so that the servers are stopped as well."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def leave(number: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    changed = [
        number
        for number in (signal.SIGTERM, signal.SIGHUP)
        if signal.getsignal(number) is signal.SIG_DFL
    ]
    for number in changed:
        signal.signal(number, leave)
    try:
        yield
    finally:
        for number in changed:
            signal.signal(number, signal.SIG_DFL)
