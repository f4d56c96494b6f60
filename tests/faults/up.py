"""`manage.py up` with two workers for the same queues and with `tests.faults.plant` in them.

python -m tests.faults.up
"""

from faceplatform.stack.commands import PROCESSES
from faceplatform.stack.layout import Layout
from faceplatform.stack.parts import Backoff
from faceplatform.stack.plan import Plan
from faceplatform.stack.public_url import PublicUrl, web_bind
from faceplatform.stack.supervisor import Supervisor

WORKERS = ("worker-a", "worker-b")
_PLANT = ("--include", "tests.faults.plant")


def plan() -> Plan:
    """Return the processes of a platform under test."""
    worker = PROCESSES["inference-worker"]
    name = worker.index("-n") + 1
    workers = {
        part: (*worker[:name], f"{part}@%h", *worker[name + 1 :], *_PLANT) for part in WORKERS
    }
    web = (*PROCESSES["web"][:-1], "tests.faults.wsgi")
    return Plan(
        public_url=PublicUrl.from_environment(),
        bind=web_bind(),
        servers=("postgres", "valkey"),
        processes={"web": web, "dispatcher": PROCESSES["dispatcher"], **workers},
        setup_link=None,
    )


if __name__ == "__main__":
    Backoff.LONGEST = 2.0  # a part is killed again and again, which no machine does
    Supervisor(Layout.current(), plan()).run()
