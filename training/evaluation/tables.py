"""Tables of a report: rows for the PDF and pages, CSV files for everybody else."""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from training.evaluation.charts import RULE_NAMES
from training.evaluation.classification import Classification
from training.evaluation.headlines import estimate_cell, percent, rate_cell
from training.evaluation.identification import Identification
from training.evaluation.paired import ModelComparison
from training.evaluation.report import Report
from training.evaluation.uncertainty import Estimate, Measured, Rate
from training.evaluation.verification import Verification

Cell = str | int | float | None
Sheet = list[Sequence[Cell]]


@dataclass(frozen=True, slots=True)
class Table:
    """A table in words: a title, the heads of columns, rows of cells.

    Brackets hold intervals of 95 %; * marks a rate with fewer than 30 errors behind it.
    """

    name: str
    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def tables(report: Report) -> tuple[Table, ...]:
    """Tables to read, in reading order."""
    found = []
    if report.verification is not None:
        found += [_points(report.verification), _thresholds(report.verification)]
    if report.identification is not None:
        found.append(_open_set(report.identification))
        if report.identification.sizes:
            found.append(_sizes(report.identification))
    if report.groups:
        found.append(_groups(report))
    if report.models is not None:
        found.append(_models(report, report.models))
    if report.classification is not None:
        one = report.classification
        found += [_closed_set(one), _confused(one), _classes(one)]
    return tuple(found)


def _points(found: Verification) -> Table:
    return Table(
        "operating_points",
        "Errors at a chosen false match rate",
        ("FMR at most", "threshold", "FMR", "FNMR there", "FNMR, threshold's uncertainty included"),
        tuple(
            (
                percent(p.target_fmr),
                _score(p.threshold),
                rate_cell(p.fmr),
                rate_cell(p.fnmr_there or p.fnmr),
                rate_cell(p.fnmr),
            )
            for p in found.points
        ),
    )


def _thresholds(found: Verification) -> Table:
    return Table(
        "thresholds",
        "Errors at each threshold",
        ("score", "rescaled 0..1", "FMR", "FNMR"),
        tuple(
            (f"{r.score:.2f}", f"{r.rescaled:.3f}", rate_cell(r.fmr), rate_cell(r.fnmr))
            for r in found.table
        ),
    )


def _open_set(found: Identification) -> Table:
    return Table(
        "open_set",
        "People missed at a chosen share of strangers named",
        ("rule", "found first", "FPIR at most", "threshold", "FNIR"),
        tuple(
            (
                RULE_NAMES[one.rule],
                estimate_cell(one.rank_1),
                percent(point.target_fpir),
                _score(point.threshold),
                rate_cell(point.fnir),
            )
            for one in found.rules
            for point in one.points
        ),
    )


def _sizes(found: Identification) -> Table:
    return Table(
        "sizes",
        "By size of the gallery, when 1 stranger of 100 may be named",
        ("people", "galleries drawn", "found first", "threshold", "FNIR"),
        tuple(
            (
                f"{s.people:,}",
                f"{s.draws:,}",
                estimate_cell(s.rank_1),
                _score(s.threshold),
                rate_cell(s.fnir),
            )
            for s in found.sizes
        ),
    )


def _groups(report: Report) -> Table:
    return Table(
        "groups",
        "Errors per group",
        ("group", "people", "FMR", "FNMR"),
        tuple(
            (one.group, f"{one.people:,}", rate_cell(one.fmr), rate_cell(one.fnmr))
            for one in report.groups
        ),
    )


def _closed_set(found: Classification) -> Table:
    rows = [
        ("accuracy", estimate_cell(found.accuracy)),
        ("right answer among the first five", estimate_cell(found.top_5)),
        ("precision, mean over people", percent(found.macro_precision)),
        ("recall, mean over people", percent(found.macro_recall)),
        ("F1, mean over people", f"{found.macro_f1:.3f}"),
        ("precision, weighted by images", percent(found.weighted_precision)),
        ("recall, weighted by images", percent(found.weighted_recall)),
        ("F1, weighted by images", f"{found.weighted_f1:.3f}"),
        ("images without a face, counted as errors", f"{found.failed:,}"),
    ]
    if found.timing is not None:
        time = found.timing
        rows += [
            (f"time per image, mean of {time.images:,}", f"{time.mean:.0f} ms"),
            ("time per image, median and 95th percentile", f"{time.median:.0f}, {time.p95:.0f} ms"),
        ]
    return Table("closed_set", "Naming test images", ("figure", "value"), tuple(rows))


def _classes(found: Classification) -> Table:
    return Table(
        "classes",
        "Per person",
        ("person", "images", "recall", "precision", "F1"),
        tuple(
            (c.name, f"{c.images:,}", percent(c.recall), percent(c.precision), f"{c.f1:.3f}")
            for c in found.classes
        ),
    )


def _confused(found: Classification) -> Table:
    return Table(
        "confused",
        "Most confused",
        ("truth", "answer", "images"),
        tuple((c.truth, c.answer, f"{c.count:,}") for c in found.confused),
    )


def _models(report: Report, found: ModelComparison) -> Table:
    first, second = report.subject.model, report.other_model or "second model"
    only = found.mcnemar.only_first_right, found.mcnemar.only_second_right
    return Table(
        "models",
        "Two models on the same pairs",
        ("figure", first, second, "second less first, 95 %"),
        (
            (
                "equal error rate",
                percent(found.first_eer),
                percent(found.second_eer),
                _difference(found.eer_difference),
            ),
            (
                f"FNMR at FMR {percent(found.target_fmr)}",
                "",
                "",
                _difference(found.fnmr_difference),
            ),
            (
                "pairs that it alone decides rightly",
                f"{only[0]:,}",
                f"{only[1]:,}",
                f"McNemar's test, p = {found.mcnemar.p_value:.3g}",
            ),
        ),
    )


def _difference(found: Estimate) -> str:
    """A difference of shares in percentage points."""
    points = f"{100 * found.value:+.2f} points"
    span = found.interval
    return points if span is None else f"{points} ({100 * span.low:+.2f} to {100 * span.high:+.2f})"


def _score(threshold: float | None) -> str:
    return "-" if threshold is None else f"{threshold:.4f}"


def csv_files(report: Report) -> dict[str, str]:
    """{name: CSV text} with plain numbers; an unsupported rate is an empty cell beside its trials.

    Names: operating_points, thresholds, curve, scores, open_set, cmc, sizes, groups, classes,
    matrix, confused, discard, models, changed_pairs, hardest_pairs, suspects; those there are.
    """
    found: dict[str, Sheet] = {}
    if report.verification is not None:
        _verification_rows(report.verification, found)
    if report.identification is not None:
        _identification_rows(report.identification, found)
    if report.classification is not None:
        _classification_rows(report.classification, found)
    _other_rows(report, found)
    return {name: _text(rows) for name, rows in found.items()}


_RATE = ("", "_errors", "_trials", "_low", "_high")


def _rate_head(name: str) -> list[Cell]:
    return [name + end for end in _RATE]


def _rate_cells(rate: Measured) -> list[Cell]:
    if isinstance(rate, Rate):
        span = rate.interval
        return [rate.value, rate.errors, rate.trials, span.low, span.high]
    return [None, None, rate.trials, None, rate.upper]


def _estimate_cells(found: Estimate | None) -> list[Cell]:
    if found is None:
        return [None, None, None]
    if found.interval is None:
        return [found.value, None, None]
    return [found.value, found.interval.low, found.interval.high]


def _sheet(head: Sequence[Cell], rows: Iterable[Sequence[Cell]]) -> Sheet:
    return [head, *rows]


def _verification_rows(found: Verification, into: dict[str, Sheet]) -> None:
    rates = [*_rate_head("fmr"), *_rate_head("fnmr")]
    into["operating_points"] = _sheet(
        ["target_fmr", "threshold", *rates, "fnmr_low_there", "fnmr_high_there"],
        (
            [
                p.target_fmr,
                p.threshold,
                *_rate_cells(p.fmr),
                *_rate_cells(p.fnmr),
                *_rate_cells(p.fnmr_there or p.fnmr)[3:],
            ]
            for p in found.points
        ),
    )
    into["thresholds"] = _sheet(
        ["score", "rescaled", *rates],
        ([r.score, r.rescaled, *_rate_cells(r.fmr), *_rate_cells(r.fnmr)] for r in found.table),
    )
    curve, scores = found.curve, found.scores
    into["curve"] = _sheet(
        ["threshold", "fmr", "fnmr"],
        (list(row) for row in zip(curve.thresholds, curve.fmr, curve.fnmr, strict=True)),
    )
    width = (scores.high - scores.low) / len(scores.mated)
    into["scores"] = _sheet(
        ["score_from", "score_to", "mated", "nonmated"],
        (
            [scores.low + i * width, scores.low + (i + 1) * width, own, other]
            for i, (own, other) in enumerate(zip(scores.mated, scores.nonmated, strict=True))
        ),
    )


def _identification_rows(found: Identification, into: dict[str, Sheet]) -> None:
    into["open_set"] = _sheet(
        ["rule", "target_fpir", "threshold", *_rate_head("fpir"), *_rate_head("fnir")],
        (
            [r.rule, p.target_fpir, p.threshold, *_rate_cells(p.fpir), *_rate_cells(p.fnir)]
            for r in found.rules
            for p in r.points
        ),
    )
    into["cmc"] = _sheet(
        ["rule", "rank", "share"],
        ([r.rule, rank, share] for r in found.rules for rank, share in enumerate(r.cmc, 1)),
    )
    if found.sizes:
        head: list[Cell] = ["people", "draws", "rank_1", "rank_1_low", "rank_1_high"]
        into["sizes"] = _sheet(
            [*head, "threshold", *_rate_head("fnir")],
            (
                [s.people, s.draws, *_estimate_cells(s.rank_1), s.threshold, *_rate_cells(s.fnir)]
                for s in found.sizes
            ),
        )


def _classification_rows(found: Classification, into: dict[str, Sheet]) -> None:
    into["classes"] = _sheet(
        ["class", "images", "named", "precision", "recall", "f1"],
        ([c.name, c.images, c.named, c.precision, c.recall, c.f1] for c in found.classes),
    )
    into["confused"] = _sheet(
        ["truth", "answer", "images"], ([c.truth, c.answer, c.count] for c in found.confused)
    )
    if found.matrix:
        names = [c.name for c in found.classes]
        into["matrix"] = _sheet(
            ["truth", *names], ([name, *row] for name, row in zip(names, found.matrix, strict=True))
        )


def _other_rows(report: Report, into: dict[str, Sheet]) -> None:
    if report.discards:
        into["discard"] = _sheet(
            ["measure", "threshold", "discarded", "fnmr"],
            (
                [one.measure, one.threshold, share, rate]
                for one in report.discards
                for share, rate in zip(one.discarded, one.fnmr, strict=True)
            ),
        )
    if report.groups:
        into["groups"] = _sheet(
            ["group", "people", *_rate_head("fmr"), *_rate_head("fnmr")],
            (
                [one.group, one.people, *_rate_cells(one.fmr), *_rate_cells(one.fnmr)]
                for one in report.groups
            ),
        )
    if report.models is not None:
        two = report.models
        into["changed_pairs"] = _sheet(
            ["pair", "mated", "first_score", "second_score", "better"],
            ([c.pair, int(c.mated), c.first_score, c.second_score, c.better] for c in two.changed),
        )
        into["models"] = _sheet(
            ["figure", "first", "second", "difference", "low", "high"],
            (
                ["eer", two.first_eer, two.second_eer, *_estimate_cells(two.eer_difference)],
                ["fnmr", None, None, *_estimate_cells(two.fnmr_difference)],
                ["only_right", two.mcnemar.only_first_right, two.mcnemar.only_second_right],
                ["mcnemar_p", two.mcnemar.p_value],
            ),
        )
    pairs = (*report.hardest_mated, *report.hardest_nonmated)
    if pairs:
        into["hardest_pairs"] = _sheet(
            ["first", "second", "score", "mated"],
            ([pair.first, pair.second, pair.score, int(pair.mated)] for pair in pairs),
        )
    if report.suspects:
        head: list[Cell] = ["image", "evidence", "own", "own_score", "other", "other_score"]
        into["suspects"] = _sheet(
            head,
            (
                [one.image, one.evidence, one.own, one.own_score, one.other, one.other_score]
                for one in report.suspects
            ),
        )


def _text(rows: Sheet) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerows([[safe_cell(cell) for cell in row] for row in rows])
    return stream.getvalue()


def safe_cell(cell: Cell) -> Cell:
    """A text that a spreadsheet would run as a formula gets an apostrophe in front."""
    if isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r")):
        return "'" + cell
    return cell
