"""Faults at named barriers: a test writes an order, the process that reaches the barrier obeys.

An order is one file per barrier in the folder `FAULTS_ORDERS`. Whoever takes it notes it in
`taken.jsonl`, so the test knows which process it was and when.
"""

import fcntl
import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

VARIABLE = "FAULTS_ORDERS"
REAL_NETWORKS = "FAULTS_REAL_NETWORKS"
"""Set: the platform under test uses its networks instead of the stand-in."""
Act = Literal["kill", "stop", "hold"]
_LONGEST_HOLD = 60.0


@dataclass(frozen=True, slots=True)
class Order:
    """What to do at a barrier: `kill` or `stop` this process, or `hold` it until released.

    The first `skip` arrivals pass; then it is obeyed `times` times.
    """

    act: Act
    skip: int = 0
    times: int = 1


@dataclass(frozen=True, slots=True)
class Taken:
    """An order that was obeyed, by which process, at which time of the wall clock."""

    barrier: str
    pid: int
    at: float


class Orders:
    """The folder of orders, as tests and the platform's processes see it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def give(self, barrier: str, act: Act, *, skip: int = 0, times: int = 1) -> None:
        """Have the next process that reaches the barrier obey."""
        with self._alone():
            self._write(barrier, Order(act, skip, times))

    def clear(self) -> None:
        """Forget what was not obeyed and let everybody go who is held."""
        with self._alone():
            for path in self.folder.glob("*.json*"):
                path.unlink()

    @property
    def taken(self) -> list[Taken]:
        """What was obeyed since the last `clear`, oldest first."""
        path = self.folder / "taken.jsonl"
        if not path.exists():
            return []
        return [Taken(**json.loads(line)) for line in path.read_text().splitlines()]

    def obey(self, barrier: str) -> None:
        """Do what is ordered at this barrier, if anything; a hook of `jobs.barriers`."""
        if not (self.folder / f"{barrier}.json").exists():
            return
        order = self._take(barrier)
        if order is None:
            return
        if order.act == "hold":
            self._hold(barrier)
        else:
            os.kill(os.getpid(), signal.SIGKILL if order.act == "kill" else signal.SIGSTOP)

    def release(self, barrier: str) -> None:
        """Let the process go that is held at the barrier."""
        (self.folder / f"{barrier}.jsonheld").unlink(missing_ok=True)

    def _hold(self, barrier: str) -> None:
        deadline = time.monotonic() + _LONGEST_HOLD
        while (self.folder / f"{barrier}.jsonheld").exists() and time.monotonic() < deadline:
            time.sleep(0.02)

    def _take(self, barrier: str) -> Order | None:
        with self._alone():
            path = self.folder / f"{barrier}.json"
            if not path.exists():
                return None
            order = Order(**json.loads(path.read_text()))
            if order.skip:
                self._write(barrier, Order(order.act, order.skip - 1, order.times))
                return None
            if order.times > 1:
                self._write(barrier, Order(order.act, 0, order.times - 1))
            else:
                path.unlink()
            if order.act == "hold":
                (self.folder / f"{barrier}.jsonheld").touch()
            note: dict[str, Any] = asdict(Taken(barrier, os.getpid(), time.time()))
            with (self.folder / "taken.jsonl").open("a") as out:
                out.write(json.dumps(note) + "\n")
        return order

    def _write(self, barrier: str, order: Order) -> None:
        (self.folder / f"{barrier}.json").write_text(json.dumps(asdict(order)))

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One process at a time; the kernel frees the lock of one that was killed."""
        with (self.folder / ".lock").open("w") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            yield
