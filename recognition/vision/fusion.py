"""One face against several images of one person: rules that make one score of many. Numpy only.

The images of the person are called anchors. A fused score lies in -1..1 and is another kind of
score than that of a single pair: every rule has thresholds of its own (`FusionCalibration`).
"""

import json
import math
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from recognition.vision.calibration import FOLDER, MIN_ERRORS
from recognition.vision.errors import CalibrationMissing, ModelDamaged
from recognition.vision.types import Floats

Rule = Literal["max", "mean", "top_mean", "centroid", "vote"]
RULES: tuple[Rule, ...] = ("max", "mean", "top_mean", "centroid", "vote")
DEFAULT_RULE: Rule = "centroid"
TOP = 3
Rows = NDArray[np.int64]


def fuse(rule: Rule, scores: Floats, *, centroid_length: float = 1.0) -> float:
    """The fused score of one probe; see `fuse_rows`."""
    row = np.asarray(scores, np.float32).reshape(1, -1)
    return float(fuse_rows(rule, row, centroid_length=centroid_length)[0])


def fuse_rows(rule: Rule, scores: Floats, *, centroid_length: float = 1.0) -> Floats:
    """Fused scores (P,) of P probes from their scores with N anchors, float32 (P, N), -1..1.

    max        the nearest anchor
    mean       the mean over all anchors
    top_mean   the mean over the three nearest anchors, fewer where there are fewer
    centroid   cosine with the mean of the anchors: their mean score over `centroid_length`
    vote       the highest score that more than half of the anchors reach; comparing it with a
               threshold is counting votes of anchors at that threshold

    `centroid_length` is the length of the mean of the anchors' embeddings, 0..1. With one anchor
    all rules agree. Raises ValueError for no anchors or an unknown rule.
    """
    return _fused(rule, scores, np.float32(centroid_length))


def fuse_people(rule: Rule, scores: Floats, starts: Rows, lengths: Floats) -> Floats:
    """Fused scores of P probes with K people, float32 (P, K), from T templates; see `fuse_rows`.

    `scores` float32 (P, T), columns sorted by person; `starts` int64 (K,) the first column of each
    person; `lengths` float32 (K,) of their mean templates (`centroid_lengths`).
    """
    counts = np.diff(np.append(starts, scores.shape[1]))
    fused: Floats = np.empty((len(scores), len(starts)), np.float32)
    for count in np.unique(counts).tolist():
        people = np.flatnonzero(counts == count)
        columns = starts[people][:, None] + np.arange(count)
        fused[:, people] = _fused(rule, scores[:, columns], lengths[people])
    return fused


def _fused(rule: Rule, scores: Floats, centroid_length: Floats | np.float32) -> Floats:
    """Scores over the last axis, the anchors, made one; see `fuse_rows`."""
    count = scores.shape[-1]
    if count == 0:
        raise ValueError("no anchors")
    if rule == "max":
        fused = scores.max(axis=-1)
    elif rule == "mean":
        fused = scores.mean(axis=-1)
    elif rule == "top_mean":
        fused = -np.partition(-scores, min(TOP, count) - 1, axis=-1)[..., :TOP].mean(axis=-1)
    elif rule == "centroid":
        fused = scores.mean(axis=-1) / np.maximum(centroid_length, np.float32(1e-6))
    elif rule == "vote":
        needed = votes_needed(count)
        fused = -np.partition(-scores, needed - 1, axis=-1)[..., needed - 1]
    else:
        raise ValueError(f"unknown rule {rule!r}")
    clipped: Floats = np.asarray(fused, np.float32).clip(-1.0, 1.0)
    return clipped


def votes_needed(anchors: int) -> int:
    """How many of so many anchors are more than half."""
    return anchors // 2 + 1


def centroid_length(anchors: Floats) -> float:
    """Length of the mean of unit-norm embeddings (N, d): 1 where all are the same."""
    return float(np.linalg.norm(np.asarray(anchors, np.float32).mean(axis=0)))


def centroid_lengths(templates: Floats, starts: Rows) -> Floats:
    """Lengths (K,) of the mean templates of K people; rows of `templates` sorted by person."""
    counts = np.diff(np.append(starts, len(templates)))
    total = np.add.reduceat(templates, starts, axis=0, dtype=np.float64)
    lengths: Floats = (np.linalg.norm(total, axis=1) / counts).astype(np.float32)
    return lengths


@dataclass(frozen=True, slots=True)
class FusedThreshold:
    """A threshold for one rule and number of anchors.

    `anchors` is the measured number it was interpolated to: the file's largest where there are
    more. `supported` is False where fewer than 30 false matches stand behind the rate.
    """

    score: float
    fmr: float
    anchors: int
    supported: bool


@dataclass(frozen=True, slots=True, eq=False)
class FusionCalibration:
    """Thresholds of fused scores of one backbone, measured by `python -m benchmarks.fusion`.

    `thresholds[rule]` is float64 (len(counts), len(fmrs)); `comparisons` are the nonmated
    comparisons behind each count.
    """

    backbone: str
    counts: tuple[int, ...]
    fmrs: tuple[float, ...]
    comparisons: tuple[int, ...]
    thresholds: dict[Rule, NDArray[np.float64]]
    weights_sha256: str
    protocol: str

    @classmethod
    def load(cls, name: str, folder: Path = FOLDER) -> "FusionCalibration":
        """Read `<folder>/<name>.fusion.json` (kept in memory).

        Raises CalibrationMissing, ModelDamaged.
        """
        return _load(name, folder)

    def threshold(self, rule: Rule, anchors: int, fmr: float) -> FusedThreshold:
        """The score at which a stranger is taken for the person with probability `fmr`.

        `fmr` is one of `fmrs`. Between measured numbers of anchors the threshold is linear in the
        logarithm of the number. Raises ValueError for another rate or for no anchors.
        """
        if fmr not in self.fmrs or anchors < 1:
            raise ValueError(f"no threshold for {anchors} anchors at {fmr}")
        column = self.fmrs.index(fmr)
        measured = min(anchors, self.counts[-1])
        score = np.interp(math.log(measured), np.log(self.counts), self.thresholds[rule][:, column])
        behind = self.comparisons[int(np.searchsorted(self.counts, measured))]
        return FusedThreshold(float(score), fmr, measured, behind * fmr >= MIN_ERRORS)


@lru_cache(maxsize=16)
def _load(name: str, folder: Path) -> FusionCalibration:
    path = folder / f"{name}.fusion.json"
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise CalibrationMissing(f"There is no calibration of fused scores for {name!r}.") from None
    try:
        return fusion_from_json(json.loads(text))
    except (LookupError, TypeError, ValueError) as error:
        raise ModelDamaged(f"The fusion calibration of {name!r} cannot be read: {error}") from error


def fusion_from_json(record: dict[str, Any]) -> FusionCalibration:
    """Build from the parsed file. Raises LookupError, TypeError or ValueError."""
    counts = tuple(int(value) for value in record["counts"])
    fmrs = tuple(float(value) for value in record["fmrs"])
    thresholds: dict[Rule, NDArray[np.float64]] = {}
    for rule in RULES:
        table = np.asarray(record["thresholds"][rule], np.float64)
        if table.shape != (len(counts), len(fmrs)) or not (np.abs(table) <= 1).all():
            raise ValueError(f"thresholds of {rule} out of range")
        thresholds[rule] = table
    return FusionCalibration(
        backbone=str(record["backbone"]),
        counts=counts,
        fmrs=fmrs,
        comparisons=tuple(int(value) for value in record["comparisons"]),
        thresholds=thresholds,
        weights_sha256=str(record["weights_sha256"]),
        protocol=str(record["protocol"]),
    )
