"""Ticks of shares on linear, log and probit axes, the same for every way of drawing."""

from statistics import NormalDist

from training.evaluation.charts import Axis

PROBIT_TICKS = (1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.05, 0.2, 0.5, 0.8, 0.95, 0.99, 0.999)


def place(axis: Axis, value: float) -> float:
    """Where a value lies on the axis. Probit values must be inside 0..1."""
    return NormalDist().inv_cdf(value) if axis.scale == "probit" else value


def ticks(axis: Axis, low: float, high: float) -> tuple[list[float], list[str]] | None:
    """Places and texts of a probit axis from `low` to `high` in places; None for other scales."""
    if axis.scale != "probit":
        return None
    inside = [t for t in PROBIT_TICKS if low - 0.3 <= place(axis, t) <= high + 0.3]
    return [place(axis, t) for t in inside], [percent_tick(t) for t in inside]


def percent_tick(share: float) -> str:
    """A share as a short percentage: "0.01%", "5%"."""
    return f"{share * 100:.6f}".rstrip("0").rstrip(".") + "%"
