"""Small programs in place of the platform's processes, and a run of the supervisor."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from faceplatform.stack.layout import Layout
from tests.stack.conftest import PROJECT, clean_environment
from tests.stack.test_processes import until

# Notes when it starts and ends, with a child of its own as Celery's pool has one.
WORKER = """
import os, signal, subprocess, sys, time
name, notes = sys.argv[1:3]
def note(what):
    with open(notes, "a") as file:
        file.write(f"{time.monotonic()} {name} {what} {os.getpid()}\\n")
def end(*_):
    note("stopped")
    child.kill(); child.wait()
    sys.exit(0)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
signal.signal(signal.SIGTERM, end)
note("started")
print(f"{name} is ready", flush=True)
while True:
    time.sleep(0.1)
"""
STUBBORN = """
import signal, time
for number in (signal.SIGTERM, signal.SIGQUIT, signal.SIGINT):
    signal.signal(number, signal.SIG_IGN)
print("deaf", flush=True)
while True:
    time.sleep(1)
"""
WEB = """
import os, signal, sys
from http.server import BaseHTTPRequestHandler, HTTPServer
class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers()
    def log_message(self, *_): pass
server = HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
print("listening", flush=True)
server.serve_forever()
"""
RUN = """
import json, sys
from pathlib import Path
from faceplatform.stack.errors import StackError
from faceplatform.stack.layout import Layout
from faceplatform.stack.parts import Backoff
from faceplatform.stack.plan import Plan
from faceplatform.stack.public_url import PublicUrl
from faceplatform.stack.supervisor import Supervisor
Backoff.FIRST = 0.1
given = json.loads(sys.argv[1])
url = PublicUrl.parse(f"http://127.0.0.1:{given.pop('port')}")
servers = tuple(given.pop("servers"))
try:
    plan = Plan(public_url=url, bind=url.bind, servers=servers, **given)
    Supervisor(Layout.current(), plan).run()
except StackError as error:
    sys.exit(f"error: {error}")
"""


def worker(name: str, notes: Path) -> list[str]:
    return ["python", "-c", WORKER, name, str(notes)]


class Run:
    """A supervisor in a process of its own."""

    def __init__(
        self, layout: Layout, output: Path, given: Mapping[str, Any], **environment: str
    ) -> None:
        self.layout = layout
        self.output = output
        with output.open("ab") as file:
            self.child = subprocess.Popen(
                [sys.executable, "-c", RUN, json.dumps(given)],
                cwd=PROJECT,
                env=clean_environment(FACEPLATFORM_VAR=str(layout.var), **environment),
                stdout=file,
                stderr=file,
            )

    @property
    def text(self) -> str:
        return self.output.read_text()

    def wait_for(self, text: str, *, count: int = 1, seconds: float = 60.0) -> None:
        until(
            lambda: self.text.count(text) >= count or self.child.poll() is not None,
            seconds,
        )
        assert self.text.count(text) >= count, self.text

    def stop(self, number: signal.Signals = signal.SIGINT) -> float:
        """Ask it to stop and return how long that took, in seconds."""
        begun = time.monotonic()
        self.child.send_signal(number)
        self.child.wait(timeout=30)
        return time.monotonic() - begun

    def pid(self, name: str) -> int:
        state = json.loads(self.layout.state_file(name).read_text())
        return int(state["pid"])

    def kill(self, name: str) -> int:
        number = self.pid(name)
        os.kill(number, signal.SIGKILL)
        return number


@contextmanager
def supervisor(
    layout: Layout,
    output: Path,
    *,
    processes: Mapping[str, Sequence[str]],
    servers: Sequence[str] = (),
    preparations: Mapping[str, Sequence[str]] | None = None,
    setup_link: Sequence[str] | None = None,
    port: int = 8000,
    **environment: str,
) -> Iterator[Run]:
    run = Run(
        layout,
        output,
        {
            "processes": processes,
            "servers": servers,
            "preparations": preparations or {},
            "setup_link": setup_link,
            "port": port,
        },
        **environment,
    )
    try:
        yield run
    finally:
        if run.child.poll() is None:
            run.stop()
