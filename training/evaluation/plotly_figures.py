"""Plotly figures of a report as plain dictionaries: data, layout and config, ready for JSON.

Plotly's Python is not needed for it. Colours are left to the page's template except for the
series, which are the same as in the static figures.
"""

from typing import Any

from training.evaluation.charts import Axis, Chart, Matrix, Series, charts
from training.evaluation.report import Report
from training.evaluation.scales import place, ticks

COLORS = ("#2563eb", "#dc2626", "#059669", "#d97706", "#7c3aed", "#0891b2", "#be185d", "#4d7c0f")
_CONFIG = {"displaylogo": False, "responsive": True, "modeBarButtonsToRemove": ["lasso2d"]}


def figures(report: Report) -> dict[str, dict[str, Any]]:
    """{name: {"title", "data", "layout", "config"}} in reading order.

    Names: scores, det, roc, rates, cmc, open_set, discard, confusion; those the report has.
    Give `data`, `layout` and `config` to `Plotly.newPlot`.
    """
    found = {}
    for chart in charts(report):
        content = _lines(chart) if isinstance(chart, Chart) else _squares(chart)
        found[chart.name] = {"title": chart.title, "config": _CONFIG} | content
    return found


def _lines(chart: Chart) -> dict[str, Any]:
    data = [_trace(chart, number, series) for number, series in enumerate(chart.series)]
    layout: dict[str, Any] = {
        "xaxis": _axis(chart.x, [v for series in chart.series for v in series.x]),
        "yaxis": _axis(chart.y, [v for series in chart.series for v in series.y]),
        "margin": {"l": 70, "r": 16, "t": 16, "b": 56},
        "legend": {"orientation": "h", "y": -0.22},
        "hovermode": "closest",
    }
    if chart.marks:
        layout["shapes"] = [
            {
                "type": "line",
                "x0": mark.x,
                "x1": mark.x,
                "yref": "paper",
                "y0": 0,
                "y1": 1,
                "line": {"dash": "dot", "width": 1, "color": "#6b7280"},
            }
            for mark in chart.marks
        ]
        layout["annotations"] = [
            {"x": mark.x, "yref": "paper", "y": 1, "text": mark.label, "showarrow": False}
            for mark in chart.marks
        ]
    return {"data": data, "layout": layout}


def _trace(chart: Chart, number: int, series: Series) -> dict[str, Any]:
    trace: dict[str, Any] = {
        "type": "scatter",
        "mode": "lines+markers" if series.markers else "lines",
        "name": series.name,
        "x": [place(chart.x, value) for value in series.x],
        "y": [place(chart.y, value) for value in series.y],
        "line": {"color": COLORS[number % len(COLORS)], "width": 2},
    }
    if series.steps:
        trace["line"]["shape"] = "hvh"
        trace["fill"] = "tozeroy"
    if "probit" in (chart.x.scale, chart.y.scale):
        trace["customdata"] = [list(pair) for pair in zip(series.x, series.y, strict=True)]
        trace["hovertemplate"] = (
            "%{customdata[0]:.3%}, %{customdata[1]:.3%}<extra>%{fullData.name}</extra>"
        )
    return trace


def _axis(axis: Axis, values: list[float]) -> dict[str, Any]:
    layout: dict[str, Any] = {"title": {"text": axis.label}, "zeroline": False}
    if axis.scale == "log":
        layout |= {"type": "log", "exponentformat": "none"}
    if axis.percent and axis.scale != "probit":
        layout["tickformat"] = "~%"
        layout["hoverformat"] = ".3%"
    if values:
        found = ticks(axis, place(axis, min(values)), place(axis, max(values)))
        if found is not None:
            layout |= {"tickmode": "array", "tickvals": found[0], "ticktext": found[1]}
    return layout


def _squares(matrix: Matrix) -> dict[str, Any]:
    """Counts as squares, right answers and wrong ones in two colours, the larger the more images.

    No heatmap: Plotly draws one as a picture in a data URL, which pages do not allow.
    """
    names = list(matrix.labels)
    most = max((count for row in matrix.counts for count in row), default=1) or 1
    size = max(4.0, min(24.0, 420 / max(1, len(names))))
    traces = []
    for title, wanted, colour in (("right", True, COLORS[0]), ("wrong", False, COLORS[1])):
        cells = [
            (names[column], names[row], count)
            for row, counts in enumerate(matrix.counts)
            for column, count in enumerate(counts)
            if count and (row == column) is wanted
        ]
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": title,
                "x": [cell[0] for cell in cells],
                "y": [cell[1] for cell in cells],
                "customdata": [cell[2] for cell in cells],
                "marker": {
                    "symbol": "square",
                    "color": colour,
                    "size": [round(size * (0.5 + 0.5 * c[2] / most), 1) for c in cells],
                },
                "hovertemplate": "%{y} named %{x}: %{customdata}<extra></extra>",
            }
        )
    axis: dict[str, Any] = {"type": "category", "categoryorder": "array", "categoryarray": names}
    axis |= {"range": [-0.6, len(names) - 0.4], "showticklabels": len(names) <= 25}
    across = f"answer ({matrix.note})" if matrix.note else "answer"
    return {
        "data": traces,
        "layout": {
            "xaxis": axis | {"title": {"text": across}},
            "yaxis": axis | {"title": {"text": "truth"}, "range": [len(names) - 0.4, -0.6]},
            "margin": {"l": 70, "r": 16, "t": 16, "b": 56},
            "legend": {"orientation": "h", "y": -0.22},
            "hovermode": "closest",
        },
    }
