"""What a report's figures show, without saying how they are drawn.

`plots` draws a `Chart` with matplotlib, `plotly_figures` makes a Plotly figure of it.
"""

from dataclasses import dataclass
from typing import Literal

from training.evaluation.classification import Classification
from training.evaluation.identification import Identification
from training.evaluation.report import Report
from training.evaluation.verification import CurvePoints, Verification

Scale = Literal["linear", "log", "probit"]
RULE_NAMES = {
    "max": "best template",
    "mean": "mean of all templates",
    "top_mean": "mean of the three best",
    "centroid": "mean template",
    "vote": "vote of more than half",
}
_MOST_CLASSES = 40


@dataclass(frozen=True, slots=True)
class Axis:
    """A labelled axis; `probit` spaces shares as the normal distribution's quantiles."""

    label: str
    scale: Scale = "linear"
    percent: bool = False


@dataclass(frozen=True, slots=True)
class Series:
    """One line; x and y of equal length."""

    name: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    steps: bool = False
    markers: bool = False


@dataclass(frozen=True, slots=True)
class Mark:
    """A vertical line with a label."""

    label: str
    x: float


@dataclass(frozen=True, slots=True)
class Chart:
    """Lines over two axes."""

    name: str
    title: str
    x: Axis
    y: Axis
    series: tuple[Series, ...]
    marks: tuple[Mark, ...] = ()


@dataclass(frozen=True, slots=True)
class Matrix:
    """Counts as a coloured grid; rows are the truth, columns the answers."""

    name: str
    title: str
    labels: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    note: str = ""


def charts(report: Report) -> tuple[Chart | Matrix, ...]:
    """All figures the report has data for, in reading order."""
    found: list[Chart | Matrix] = []
    if report.verification is not None:
        found += _verification(report.verification)
    if report.identification is not None:
        found += _identification(report.identification)
    if report.discards:
        found.append(_discards(report))
    if report.classification is not None and report.classification.matrix:
        found.append(_confusion(report.classification))
    return tuple(found)


def _verification(found: Verification) -> list[Chart]:
    scores, curve = found.scores, found.curve
    width = (scores.high - scores.low) / len(scores.mated)
    middle = tuple(scores.low + (bin_ + 0.5) * width for bin_ in range(len(scores.mated)))
    eer = Mark("equal errors", found.eer_threshold)
    fmr = Axis("FMR: different people taken for one", "probit", percent=True)
    fnmr = Axis("FNMR: one person taken for two", "probit", percent=True)
    distributions = Chart(
        "scores",
        "Scores of comparisons",
        Axis("score"),
        Axis("share of comparisons per bin", percent=True),
        (
            Series("same person", middle, _shares(scores.mated), steps=True),
            Series("different people", middle, _shares(scores.nonmated), steps=True),
        ),
        (eer,),
    )
    det = Chart("det", "DET: the two errors against each other", fmr, fnmr, (_det(curve),))
    roc = Chart(
        "roc",
        "ROC: people recognised against false matches",
        Axis("FMR", "log", percent=True),
        Axis("TAR = 1 - FNMR", percent=True),
        (_roc(curve),),
    )
    rates = Chart(
        "rates",
        "Both errors by threshold",
        Axis("threshold (score)"),
        Axis("share of comparisons", percent=True),
        (
            Series("FNMR", curve.thresholds, curve.fnmr),
            Series("FMR", curve.thresholds, curve.fmr),
        ),
        (eer,),
    )
    return [distributions, det, roc, rates]


def _shares(counts: tuple[int, ...]) -> tuple[float, ...]:
    total = max(1, sum(counts))
    return tuple(count / total for count in counts)


def _det(curve: CurvePoints) -> Series:
    inside = [(a, b) for a, b in zip(curve.fmr, curve.fnmr, strict=True) if 0 < a < 1 and 0 < b < 1]
    return Series("errors", tuple(a for a, _ in inside), tuple(b for _, b in inside))


def _roc(curve: CurvePoints) -> Series:
    inside = [(a, 1 - b) for a, b in zip(curve.fmr, curve.fnmr, strict=True) if a > 0]
    return Series("TAR", tuple(a for a, _ in inside), tuple(b for _, b in inside))


def _identification(found: Identification) -> list[Chart]:
    cmc = Chart(
        "cmc",
        "CMC: is the right person among the first?",
        Axis("rank"),
        Axis("share of searches for enrolled people", percent=True),
        tuple(
            Series(
                RULE_NAMES[one.rule],
                tuple(float(rank) for rank in range(1, len(one.cmc) + 1)),
                one.cmc,
                markers=True,
            )
            for one in found.rules
        ),
    )
    open_set = Chart(
        "open_set",
        "Open set: people missed against strangers named",
        Axis("FPIR: strangers who are given a name", "log", percent=True),
        Axis("FNIR: enrolled people who are not named", percent=True),
        tuple(
            Series(RULE_NAMES[one.rule], one.curve_fpir, one.curve_fnir)
            for one in found.rules
            if one.curve_fpir
        ),
    )
    return [chart for chart in (cmc, open_set) if any(series.x for series in chart.series)]


def _discards(report: Report) -> Chart:
    return Chart(
        "discard",
        "Errors when images of low quality are left out",
        Axis("share of comparisons left out", percent=True),
        Axis("FNMR of the rest", percent=True),
        tuple(Series(one.measure, one.discarded, one.fnmr) for one in report.discards),
    )


def _confusion(found: Classification) -> Matrix:
    """The matrix, or its part with the most confused classes where there are too many to read."""
    names = tuple(one.name for one in found.classes)
    if len(names) <= _MOST_CLASSES:
        return Matrix("confusion", "Confusion matrix", names, found.matrix)
    wrong = [
        sum(found.matrix[i]) + sum(row[i] for row in found.matrix) - 2 * found.matrix[i][i]
        for i in range(len(names))
    ]
    kept = sorted(sorted(range(len(names)), key=lambda i: -wrong[i])[:_MOST_CLASSES])
    return Matrix(
        "confusion",
        "Confusion matrix",
        tuple(names[i] for i in kept),
        tuple(tuple(found.matrix[i][j] for j in kept) for i in kept),
        f"the {_MOST_CLASSES} most confused of {len(names)} classes",
    )
