"""Measured rates with their intervals, and what too little data cannot say.

A rate without a single error is no 0: it is `NotSupported`, with the upper bound that the data do
give. Rules: Wilson 1927; rule of three (Hanley & Lippman-Hand 1983): no error in n trials bounds
the rate by 3/n at 95 %; rule of 30 (Doddington 2000): 30 errors for +-30 % at 90 %.
"""

import math
from dataclasses import dataclass
from statistics import NormalDist

RULE_OF_30 = 30
RULE_OF_3 = 3.0


@dataclass(frozen=True, slots=True)
class Interval:
    """From `low` to `high` at a confidence `level`, 0..1; `method` says how it was found."""

    low: float
    high: float
    level: float = 0.95
    method: str = "wilson"


@dataclass(frozen=True, slots=True)
class Rate:
    """`errors` of `trials`. `sound` is the rule of 30: at least 30 errors stand behind it."""

    value: float
    errors: int
    trials: int
    interval: Interval

    @property
    def sound(self) -> bool:
        return self.errors >= RULE_OF_30


@dataclass(frozen=True, slots=True)
class NotSupported:
    """A figure that `trials` comparisons cannot support.

    `upper` is the 95 % upper bound they do give (None without any trial); `needed` is how many
    trials the figure asks for (0 where it cannot be said).
    """

    trials: int
    upper: float | None = None
    needed: int = 0

    def __str__(self) -> str:
        return f"not supported by {self.trials:,} comparisons"


Measured = Rate | NotSupported


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure that is no simple share (EER, AUC, a threshold); the interval may be missing."""

    value: float
    interval: Interval | None = None


def wilson(errors: float, trials: float, level: float = 0.95) -> Interval:
    """Wilson's score interval of a share; `trials` may be an effective number, above 0."""
    z = NormalDist().inv_cdf(0.5 + level / 2)
    share = errors / trials
    scale = 1 + z * z / trials
    middle = (share + z * z / (2 * trials)) / scale
    half = z / scale * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    return Interval(max(0.0, middle - half), min(1.0, middle + half), level, "wilson")


def measured(errors: int, trials: int, interval: Interval | None = None) -> Measured:
    """A share of independent trials, or what no error (or no trial) supports."""
    if trials <= 0:
        return NotSupported(0)
    if errors <= 0:
        return NotSupported(trials, upper=min(1.0, RULE_OF_3 / trials))
    return Rate(errors / trials, errors, trials, interval or wilson(errors, trials))


def trials_needed(rate: float) -> int:
    """Trials that bring 30 expected errors at a rate above 0."""
    return math.ceil(RULE_OF_30 / rate)


def supports(trials: int, target: float) -> bool:
    """Whether n trials can speak of a rate at all: by the rule of three, n x rate of at least 3.

    Between 3 and 30 expected errors a figure is given with `Rate.sound` False.
    """
    return trials * target >= RULE_OF_3 - 1e-9
