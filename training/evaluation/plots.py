"""Static figures of a report with matplotlib: PNG, SVG, PDF. Imported where one is made."""

import io
from typing import Any, Literal, get_args

from training.evaluation.arrays import EvaluationError
from training.evaluation.charts import Axis, Chart, Matrix, charts
from training.evaluation.plotly_figures import COLORS
from training.evaluation.report import Report
from training.evaluation.scales import percent_tick, place, ticks

Format = Literal["png", "svg", "pdf"]
FORMATS: tuple[Format, ...] = get_args(Format)
# Files of the same report are the same bytes: no date, and ids that do not change.
SETTINGS: dict[Any, Any] = {
    "svg.hashsalt": "evaluation",
    "font.size": 10,
    "axes.grid": True,
    "grid.alpha": 0.3,
}
_METADATA: dict[Format, dict[str, None]] = {
    "png": {"Software": None},
    "svg": {"Date": None},
    "pdf": {"CreationDate": None},
}


def names(report: Report) -> tuple[str, ...]:
    """Names of the figures the report has, in reading order."""
    return tuple(chart.name for chart in charts(report))


def draw(report: Report, name: str, file_format: Format) -> bytes:
    """One figure as the bytes of a file. Raises `EvaluationError` `no_figure`, `bad_format`."""
    if file_format not in FORMATS:
        raise EvaluationError("bad_format", f"{file_format} is none of {', '.join(FORMATS)}")
    chart = next((chart for chart in charts(report) if chart.name == name), None)
    if chart is None:
        raise EvaluationError("no_figure", f"this report has no figure {name}")
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(SETTINGS):
        figure = Figure(figsize=(7.2, 4.8), layout="constrained")
        paint(figure.subplots(), chart)
        stream = io.BytesIO()
        figure.savefig(stream, format=file_format, dpi=150, metadata=_METADATA[file_format])
    return stream.getvalue()


def paint(axes: Any, chart: Chart | Matrix) -> None:
    """Paint a chart on matplotlib axes."""
    axes.set_title(chart.title)
    if isinstance(chart, Matrix):
        _paint_matrix(axes, chart)
        return
    for number, series in enumerate(chart.series):
        axes.plot(
            [place(chart.x, value) for value in series.x],
            [place(chart.y, value) for value in series.y],
            label=series.name,
            color=COLORS[number % len(COLORS)],
            marker="o" if series.markers else None,
            markersize=3,
            drawstyle="steps-mid" if series.steps else "default",
            linewidth=1.6,
        )
    for mark in chart.marks:
        axes.axvline(mark.x, color="#6b7280", linestyle=":", linewidth=1)
        axes.annotate(
            mark.label, (mark.x, 1), xycoords=("data", "axes fraction"), xytext=(3, -10),
            textcoords="offset points", fontsize=8, color="#6b7280",
        )  # fmt: skip
    _dress(axes.xaxis, chart.x, [v for series in chart.series for v in series.x])
    _dress(axes.yaxis, chart.y, [v for series in chart.series for v in series.y])
    if len(chart.series) > 1:
        axes.legend(fontsize=8)


def _dress(axis: Any, wanted: Axis, values: list[float]) -> None:
    """Label, scale and ticks of one matplotlib axis."""
    from matplotlib.ticker import FuncFormatter

    axis.set_label_text(wanted.label)
    if wanted.scale == "log":
        axis.axes.set_xscale("log") if axis.axis_name == "x" else axis.axes.set_yscale("log")
    found = (
        ticks(wanted, place(wanted, min(values)), place(wanted, max(values))) if values else None
    )
    if found is not None:
        axis.set_ticks(found[0], labels=found[1])
    elif wanted.percent:
        axis.set_major_formatter(FuncFormatter(lambda value, _: percent_tick(value)))


def _paint_matrix(axes: Any, matrix: Matrix) -> None:
    axes.grid(visible=False)
    axes.imshow(matrix.counts, cmap="Blues", aspect="auto")
    places = range(len(matrix.labels))
    size = 8 if len(matrix.labels) <= 20 else 5
    axes.set_xticks(places, labels=matrix.labels, rotation=90, fontsize=size)
    axes.set_yticks(places, labels=matrix.labels, fontsize=size)
    axes.set_xlabel(f"answer ({matrix.note})" if matrix.note else "answer")
    axes.set_ylabel("truth")
    if len(matrix.labels) > 20:
        return
    highest = max((max(row) for row in matrix.counts), default=0)
    for row, counts in enumerate(matrix.counts):
        for column, count in enumerate(counts):
            if count:
                color = "white" if count > highest / 2 else "black"
                axes.text(
                    column, row, str(count), ha="center", va="center", color=color, fontsize=7
                )
