"""A report as a PDF of several pages: headline in words, figures, tables, how it was done."""

import io
import textwrap
from collections.abc import Iterator
from typing import Any

from training.evaluation.charts import charts
from training.evaluation.headlines import rate_text
from training.evaluation.plots import SETTINGS, paint
from training.evaluation.report import Report
from training.evaluation.tables import Table, tables

_PAGE = (8.27, 11.69)  # A4 in inches
_TOP, _BOTTOM, _LINE = 0.94, 0.05, 0.0205  # of tables, in heights of the page
_FEWEST_ROWS = 6  # a table with less room starts on the next page
_LETTERS = 112  # of 8 points in a line
_LONGEST = 60  # letters of a cell
_INK, _SOFT = "#111827", "#4b5563"


def write_pdf(report: Report) -> bytes:
    """The report as a PDF file, A4; two figures to a page."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_pdf import PdfPages

    stream = io.BytesIO()
    details = {"Title": report.title, "CreationDate": None, "Subject": report.subject.data}
    with rc_context(SETTINGS), PdfPages(stream, metadata=details) as pages:
        for number, page in enumerate(_pages(report), 1):
            page.text(0.94, 0.025, str(number), ha="right", fontsize=8, color=_SOFT)
            page.text(0.06, 0.025, report.title, fontsize=8, color=_SOFT)
            pages.savefig(page)
    return stream.getvalue()


def _pages(report: Report) -> Iterator[Any]:
    yield _first_page(report)
    found = charts(report)
    for start in range(0, len(found), 2):
        page = _blank()
        for place, chart in enumerate(found[start : start + 2]):
            paint(page.add_axes((0.13, 0.57 - 0.48 * place, 0.80, 0.34)), chart)
        yield page
    yield from _table_pages(tables(report))


def _blank() -> Any:
    from matplotlib.figure import Figure

    return Figure(figsize=_PAGE)


def _first_page(report: Report) -> Any:
    page = _blank()
    subject = report.subject
    page.text(0.06, 0.94, report.title, fontsize=20, weight="bold", color=_INK)
    page.text(0.06, 0.915, report.headline.title, fontsize=11, color=_SOFT)
    height = _paragraphs(page, report.headline.sentences, 0.88, size=13, wide=72)
    facts = (
        f"Model: {subject.model} ({subject.model_digest[:16]})",
        (
            f"Images: {subject.images:,} of {subject.identities:,} people, {subject.data}, "
            f"as {subject.input_kind}"
        ),
        f"Images without a usable face: {rate_text(subject.failure_to_enroll)}",
        f"Kind of score: {subject.score_kind}",
        f"Made: {report.created}",
        "Protocol: " + ", ".join(f"{k}: {_short(v)}" for k, v in subject.protocol.items()),
    )
    height = _paragraphs(page, facts, height - 0.02, size=9.5, wide=100)
    page.text(0.06, height - 0.02, "How to read it", fontsize=11, weight="bold", color=_INK)
    _paragraphs(
        page, (*_HOW_TO_READ.split("\n\n"), *report.notes), height - 0.045, size=9.5, wide=100
    )
    return page


_HOW_TO_READ = """\
An interval of 95 % says how far the figure would move with other people of the same kind. It says
nothing about people or photographs of another kind.

FMR: of comparisons of two different people, the share taken for one person. FNMR: of comparisons of
one person with herself or himself, the share taken for two people. Both depend on the threshold:
one falls where the other rises.

FPIR: of searches for people who are not enrolled, the share that names somebody. FNIR: of searches
for enrolled people, the share that does not name them.

A figure that the data cannot support is not printed; an error rate without a single error is given
as an upper bound. In tables, brackets hold 95 % intervals, and * marks a rate with fewer than 30
errors behind it."""


def _paragraphs(
    page: Any,
    texts: tuple[str, ...],
    top: float,
    *,
    size: float,
    wide: int,
) -> float:
    """Write paragraphs from `top` down; the height where they end."""
    line = size * 1.45 / 72 / _PAGE[1]
    for text in texts:
        for part in textwrap.wrap(text, wide):
            page.text(0.06, top, part, fontsize=size, color=_INK, va="top")
            top -= line
        top -= line * 0.45
    return top


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 40 else text[:37] + "..."


def _table_pages(found: tuple[Table, ...]) -> Iterator[Any]:
    """Tables one below the other; one that does not fit goes on over the page."""
    page, top = _blank(), _TOP
    for table in found:
        start = 0
        while start < max(1, len(table.rows)):
            room = int((top - _BOTTOM) / _LINE) - 3
            if room < min(_FEWEST_ROWS, len(table.rows) - start):
                yield page
                page, top = _blank(), _TOP
                continue
            rows = table.rows[start : start + room]
            top = _write_table(page, table, rows, top, more=start > 0) - 2 * _LINE
            start += max(1, len(rows))
    if found:
        yield page


def _write_table(
    page: Any,
    table: Table,
    rows: tuple[tuple[str, ...], ...],
    top: float,
    *,
    more: bool,
) -> float:
    """Write rows of a table with its title and head from `top` down; the height where it ends."""
    title = table.title + (" (continued)" if more else "")
    page.text(0.06, top, title, fontsize=12, weight="bold", color=_INK, va="top")
    top -= 1.5 * _LINE
    longest = [
        min(_LONGEST, max(len(row[column]) for row in (table.head, *table.rows))) + 2
        for column in range(len(table.head))
    ]
    size = min(8.0, 8.0 * _LETTERS / sum(longest))
    for number, row in enumerate((table.head, *rows)):
        left = 0.06
        for cell, letters in zip(row, longest, strict=True):
            text = cell if len(cell) <= _LONGEST else cell[: _LONGEST - 1] + "…"
            weight = "normal" if number else "bold"
            page.text(left, top, text, fontsize=size, weight=weight, va="top")
            left += 0.88 * letters / max(_LETTERS, sum(longest))
        top -= _LINE
    return top
