"""Kinds of jobs by name."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from faceplatform.core.jobs.context import JobContext

Handler = Callable[["JobContext"], dict[str, Any] | None]


@dataclass(frozen=True, slots=True)
class JobKind:
    """A kind of job: its handler and the queue it runs on.

    The handler may run more than once for one row (a worker can die at any point), so it must
    continue where its committed rows end. What it returns becomes the job's `result`;
    `sentence` and `url` in it are shown as the outcome and the button.
    """

    name: str
    queue: str
    handler: Handler


_KINDS: dict[str, JobKind] = {}


def job_kind(name: str, *, queue: str) -> Callable[[Handler], Handler]:
    """Register the decorated handler as the kind `name`; a second one of that name raises."""

    def register(handler: Handler) -> Handler:
        if name in _KINDS:
            raise ValueError(f"job kind {name} is registered twice")
        _KINDS[name] = JobKind(name=name, queue=queue, handler=handler)
        return handler

    return register


def find_kind(name: str) -> JobKind | None:
    """Return the kind, or None for a name that this version does not know."""
    return _KINDS.get(name)
