import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from faceplatform.stack import processes
from faceplatform.stack.processes import ProcessIdentity


def until(test: Callable[[], object], seconds: float = 20.0) -> None:
    """Wait until something holds; fail when it does not in time."""
    deadline = time.monotonic() + seconds
    while not test():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.02)


def sleeper(
    tmp_path: Path, program: str = "import time; time.sleep(60)"
) -> subprocess.Popen[bytes]:
    return processes.spawn(
        [sys.executable, "-c", program],
        env={"PATH": os.environ["PATH"], "MARK": str(tmp_path)},
        log=tmp_path / "log",
        cwd=tmp_path,
    )


def identity_of(child: subprocess.Popen[bytes]) -> ProcessIdentity:
    identity = ProcessIdentity.of(child.pid)
    assert identity is not None
    return identity


def test_a_process_is_recognised_by_number_and_start(tmp_path: Path) -> None:
    child = sleeper(tmp_path)
    identity = identity_of(child)
    state = tmp_path / "state.json"
    processes.remember(state, identity)
    assert processes.recall(state) == identity
    assert processes.stop(identity, processes.AT_ONCE)
    child.wait()
    assert processes.recall(state) is None


def test_a_number_that_was_given_to_another_process_is_not_ours(tmp_path: Path) -> None:
    stranger = sleeper(tmp_path)
    ours = ProcessIdentity(pid=stranger.pid, started="long ago")
    assert not ours.alive
    ours.send(signal.SIGKILL)
    time.sleep(0.2)
    assert stranger.poll() is None
    stranger.kill()
    stranger.wait()


def test_a_zombie_is_gone(tmp_path: Path) -> None:
    child = sleeper(tmp_path)
    identity = identity_of(child)
    os.kill(child.pid, signal.SIGKILL)  # and nobody waits for it
    assert processes.wait_gone([identity], seconds=5)
    child.wait()


@pytest.mark.parametrize("content", ["", "{", "[]", '{"pid": "x", "started": 1}', '{"pid": 1}'])
def test_a_damaged_run_state_names_nobody(tmp_path: Path, content: str) -> None:
    (tmp_path / "state.json").write_text(content)
    assert processes.recall(tmp_path / "state.json") is None


def test_stopping_escalates(tmp_path: Path) -> None:
    program = (
        "import signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: print('asked', flush=True))\n"
        "print('ready', flush=True)\n"
        "while True: time.sleep(1)"
    )
    child = sleeper(tmp_path, program)
    until(lambda: "ready" in (tmp_path / "log").read_text())
    steps = ((signal.SIGTERM, 0.3), (signal.SIGKILL, 5.0))
    assert processes.stop(identity_of(child), steps)
    assert child.wait() == -signal.SIGKILL
    assert "asked" in (tmp_path / "log").read_text()


def test_what_a_killed_process_left_is_found(tmp_path: Path) -> None:
    program = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "print(child.pid, flush=True); time.sleep(60)"
    )
    parent = sleeper(tmp_path, program)
    until(lambda: (tmp_path / "log").read_text().strip())
    grandchild = int((tmp_path / "log").read_text())
    parent.kill()
    parent.wait()
    assert [one.pid for one in processes.in_session(parent.pid)] == [grandchild]
    marked = processes.carrying("MARK", str(tmp_path))
    assert [one.pid for one in marked] == [grandchild]
    assert processes.stop_all(marked, processes.AT_ONCE)
