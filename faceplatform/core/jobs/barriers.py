"""Named points in a job's life at which tests inject faults."""

from collections.abc import Callable

Hook = Callable[[str], None]

_hooks: list[Hook] = []


def reach(name: str) -> None:
    """Tell the hooks, if any, that the job is at the point `name`."""
    for hook in _hooks:
        hook(name)


def add_hook(hook: Hook) -> None:
    """Have `hook(name)` called at every barrier of this process."""
    _hooks.append(hook)


def clear_hooks() -> None:
    """Forget all hooks."""
    _hooks.clear()
