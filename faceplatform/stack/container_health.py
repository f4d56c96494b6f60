"""Whether the process of a container answers: `python -m faceplatform.stack.container_health web`.

Beat and dispatcher answer nobody: they are well as long as they run.
"""

import sys
from collections.abc import Sequence

from faceplatform.stack.health import Probe, probe_web, probe_workers
from faceplatform.stack.public_url import web_bind

_WORKERS = {"worker-inference": "inference", "worker-training": "training"}


def probe(role: str) -> Probe:
    """Ask the process of this role; KeyError for one that answers nobody."""
    if role == "web":
        return probe_web(web_bind(), "127.0.0.1")
    name = _WORKERS[role]
    return probe_workers(expected=(name,))[name]


def main(argv: Sequence[str]) -> int:
    """Print what the process says; return the exit code."""
    if len(argv) != 1 or argv[0] not in {"web", *_WORKERS}:
        sys.stderr.write(f"usage: health web|{'|'.join(_WORKERS)}\n")
        return 64
    answer = probe(argv[0])
    sys.stdout.write(f"{answer.detail}\n")
    return 0 if answer.ok else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
