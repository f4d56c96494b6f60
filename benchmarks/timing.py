"""Contenders timed in turns, so that whatever else the machine does slows all of them alike."""

import statistics
import time
from collections.abc import Callable, Mapping


def in_turns(contenders: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Median milliseconds of each contender over `rounds` rounds, after one that is not counted."""
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for number in range(rounds + 1):
        for name, work in contenders.items():
            started = time.perf_counter()
            work()
            if number:
                times[name].append((time.perf_counter() - started) * 1000)
    return {name: statistics.median(values) for name, values in times.items()}


def row(ours: float, theirs: float, each: int = 1, **more: object) -> dict[str, object]:
    """One line of a table: milliseconds per piece of both, and how many times faster ours is."""
    return {
        "ours_ms": round(ours / each, 2),
        "theirs_ms": round(theirs / each, 2),
        "times": round(theirs / ours, 2),
        **more,
    }
