"""Counting how often a fault was survived, and how long that took."""

import json
import os
import statistics
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

REPEATS = "FAULT_REPEATS"
RECORD = "FAULT_RECORD"


@dataclass(slots=True)
class Outcome:
    """What was left after one trial. `seconds` None where nothing had to recover."""

    seconds: float | None = None
    lost: int = 0
    duplicates: int = 0
    equal: bool = True

    @property
    def good(self) -> bool:
        """Whether nothing was lost, doubled or changed."""
        return self.equal and not (self.lost or self.duplicates)


@dataclass
class Trials:
    """The trials of one fault; a failed one ends the test and is counted."""

    fault: str
    name: str
    most: int
    outcomes: list[Outcome] = field(default_factory=list)
    begun: int = 0

    def __iter__(self) -> Iterator[int]:
        """Yield the number of each trial; end each with `passed`."""
        for number in range(min(self.most, int(os.environ.get(REPEATS, "1")))):
            self.begun += 1
            yield number
            assert len(self.outcomes) == self.begun, "a trial said nothing of its outcome"

    def passed(self, outcome: Outcome) -> None:
        """Note the end of a trial; fails when something was lost, doubled or changed."""
        self.outcomes.append(outcome)
        assert outcome.good, outcome

    def as_json(self) -> dict[str, Any]:
        """Return the line of the results file."""
        times = [one.seconds for one in self.outcomes if one.seconds is not None]
        return {
            "fault": self.fault,
            "name": self.name,
            "repeats": self.begun,
            "passed": sum(one.good for one in self.outcomes),
            "p50_s": round(statistics.median(times), 2) if times else None,
            "worst_s": round(max(times), 2) if times else None,
            "lost": sum(one.lost for one in self.outcomes),
            "duplicates": sum(one.duplicates for one in self.outcomes),
            "equal": all(one.equal for one in self.outcomes),
        }

    def save(self) -> None:
        """Leave the line in the folder that `FAULT_RECORD` names, if it names one."""
        folder = os.environ.get(RECORD)
        if folder and self.begun:
            path = Path(folder) / f"{self.fault}.json"
            path.write_text(json.dumps(self.as_json()))
