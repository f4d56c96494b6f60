"""What a score means: false match rates measured once per backbone, and thresholds from them.

A calibration file is JSON made by `python -m benchmarks.calibration`: histograms of the scores of
mated and nonmated pairs, the centring vector they were computed with, and the protocol. Every kind
of score has a file of its own; the file of a mixed kind holds the constants of the mix as well.
"""

import hashlib
import json
import math
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recognition.vision.errors import CalibrationMissing, ModelDamaged
from recognition.vision.scoring import Mix, ScoreKind
from recognition.vision.types import Floats

FOLDER = Path(__file__).with_name("calibrations")
MIN_ERRORS = 30
"""Doddington's rule of 30: fewer observed errors do not support a rate."""


@dataclass(frozen=True, slots=True)
class ThresholdChoice:
    """A threshold for a gallery and what to expect of it.

    fmr            false match rate of one comparison at `score`
    expected_fpir  share of strangers expected to be named, 0..1
    supported      False where the file cannot support the rate that was asked for; then `score`
                   is the last supported one and `expected_fpir` is higher than asked
    """

    score: float
    fmr: float
    expected_fpir: float
    supported: bool


@dataclass(frozen=True, slots=True)
class StrangerRate:
    """How many strangers score at least this high: about one in `one_in`.

    `bounded` means that the file only supports "fewer than one in".
    """

    one_in: int
    bounded: bool


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """Score statistics of one backbone.

    Bin i of `bins` equal bins over -1..1 holds the scores in [-1 + 2i/bins, -1 + 2(i+1)/bins).
    `nonmated` are counts (bins,); `mated` are weights (bins,), every person weighing the same.
    `centring` is float32 (d,), subtracted from a unit-norm embedding before it is made unit again;
    it is empty in the file of a mixed kind, which `mix` describes. Scores say something about those
    of a version only if it has the same. `digest` is the sha256 (hex) of the file, empty for a
    calibration that was not read from one.
    """

    backbone: str
    nonmated: NDArray[np.int64]
    mated: NDArray[np.float64]
    centring: Floats
    people: int
    images: int
    failures: int
    protocol: str
    weights_sha256: str
    digest: str = ""
    mix: Mix | None = None
    _above: NDArray[np.int64] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_above", np.cumsum(self.nonmated[::-1])[::-1])

    @classmethod
    def load(cls, name: str, folder: Path = FOLDER, kind: ScoreKind = "raw") -> "Calibration":
        """Read the file of a backbone or ensemble for one kind of score (kept in memory).

        That is `<folder>/<name>.json` for raw scores and `<name>.<kind>.json` for others. Raises
        CalibrationMissing or ModelDamaged.
        """
        return _load(name if kind == "raw" else f"{name}.{kind}", folder)

    @property
    def bins(self) -> int:
        return int(self.nonmated.shape[0])

    @property
    def comparisons(self) -> int:
        """Number of nonmated pairs behind the false match rates."""
        return int(self._above[0])

    def fmr_at(self, score: float) -> float:
        """Share of nonmated comparisons at or above `score`, 0..1."""
        return _share_from(self.nonmated, score)

    def fnmr_at(self, score: float) -> float:
        """Share of mated comparisons below `score`, 0..1, every person weighing the same."""
        return 1.0 - _share_from(self.mated, score)

    def threshold_for(self, templates: int, fpir: float = 0.01) -> ThresholdChoice:
        """The score at which about `fpir` of all strangers are named in a gallery of `templates`.

        A search makes one comparison per template, so the false match rate asked for is
        fpir / templates. Raises ValueError unless 0 < fpir < 1.
        """
        if not 0.0 < fpir < 1.0:
            raise ValueError(f"fpir must lie between 0 and 1, not {fpir}")
        templates = max(1, templates)
        allowed = fpir / templates * self.comparisons
        supported = allowed >= MIN_ERRORS
        errors = max(allowed, float(MIN_ERRORS))
        # The number of errors falls from bin to bin: the first one within the allowance is ours.
        index = int(np.searchsorted(-self._above, -errors))
        index = min(index, self.bins - 1)
        score = -1.0 + 2.0 * index / self.bins
        fmr = float(self._above[index]) / self.comparisons
        return ThresholdChoice(score, fmr, _any_of(fmr, templates), supported)

    def stranger_rate(self, score: float, templates: int = 1) -> StrangerRate:
        """How rarely a stranger reaches `score` against the best of `templates` templates."""
        rate = self.fmr_at(score)
        floor = MIN_ERRORS / self.comparisons
        chance = _any_of(max(rate, floor), max(1, templates))
        return StrangerRate(max(1, round(1.0 / chance)), bounded=rate < floor)


def _share_from(counts: NDArray[Any], score: float) -> float:
    """Share of the histogram's weight at or above `score`, linear inside a bin."""
    bins = len(counts)
    position = min(max((score + 1.0) * bins / 2.0, 0.0), float(bins))
    index = min(int(position), bins - 1)
    inside = float(counts[index]) * (index + 1 - position)
    return (float(counts[index + 1 :].sum()) + inside) / float(counts.sum())


def _any_of(rate: float, comparisons: int) -> float:
    """Chance of at least one error in `comparisons` independent comparisons."""
    return -math.expm1(comparisons * math.log1p(-min(rate, 1.0 - 1e-12)))


@lru_cache(maxsize=16)
def _load(name: str, folder: Path) -> Calibration:
    path = folder / f"{name}.json"
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise CalibrationMissing(f"There is no calibration file for {name!r}.") from None
    try:
        made = from_json(json.loads(text))
    except (LookupError, TypeError, ValueError) as error:
        raise ModelDamaged(f"The calibration file of {name!r} cannot be read: {error}") from error
    return replace(made, digest=hashlib.sha256(text.encode()).hexdigest())


def from_json(record: dict[str, Any]) -> Calibration:
    """Build a Calibration from the parsed file. Raises LookupError, TypeError or ValueError."""
    bins = int(record["bins"])
    return Calibration(
        mix=Mix.from_json(record["mix"]) if "mix" in record else None,
        backbone=str(record["backbone"]),
        nonmated=np.rint(_spread(record["nonmated"], bins)).astype(np.int64),
        mated=_spread(record["mated"], bins),
        centring=np.asarray(record["centring"], np.float32),
        people=int(record["people"]),
        images=int(record["images"]),
        failures=int(record["failures"]),
        protocol=str(record["protocol"]),
        weights_sha256=str(record["weights_sha256"]),
    )


def _spread(part: dict[str, Any], bins: int) -> NDArray[np.float64]:
    """Undo `_packed`: a full histogram from its first bin and the counts that follow."""
    values = np.asarray(part["counts"], np.float64)
    first = int(part["first_bin"])
    if first < 0 or first + len(values) > bins or (values < 0).any() or values.sum() <= 0:
        raise ValueError("histogram out of range")
    full = np.zeros(bins, np.float64)
    full[first : first + len(values)] = values
    return full
