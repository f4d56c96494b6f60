"""Contenders timed in turns, so that whatever else the machine does slows all of them alike."""

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Taken:
    """Milliseconds that a piece of work took: on the clock, and of the processor in all threads."""

    elapsed: float
    processor: float


def in_turns(contenders: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, Taken]:
    """Medians of each contender over `rounds` rounds, after one that is not counted."""
    times: dict[str, list[Taken]] = {name: [] for name in contenders}
    for number in range(rounds + 1):
        for name, work in contenders.items():
            started, used = time.perf_counter(), time.process_time()
            work()
            taken = Taken(
                (time.perf_counter() - started) * 1000, (time.process_time() - used) * 1000
            )
            if number:
                times[name].append(taken)
    return {
        name: Taken(
            statistics.median(one.elapsed for one in values),
            statistics.median(one.processor for one in values),
        )
        for name, values in times.items()
    }


def row(ours: Taken, theirs: Taken, each: int = 1, **more: object) -> dict[str, object]:
    """One line of a table: milliseconds per piece of both, and how many times faster ours is.

    On a busy machine the second ratio, of processor time, is the one to read.
    """
    return {
        "ours_ms": round(ours.elapsed / each, 2),
        "theirs_ms": round(theirs.elapsed / each, 2),
        "times": round(theirs.elapsed / ours.elapsed, 2),
        "ours_processor_ms": round(ours.processor / each, 2),
        "theirs_processor_ms": round(theirs.processor / each, 2),
        "times_processor": round(theirs.processor / ours.processor, 2),
        **more,
    }
