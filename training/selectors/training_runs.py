"""Recipes and runs as pages and the API show them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from recognition.models import Identity
from training.engine import recipes
from training.engine.errors import TrainingError
from training.models import TrainingRun

RecipeInfo = recipes.RecipeInfo
ERASED = "somebody who was erased"


@dataclass(frozen=True, slots=True)
class Curve:
    """One figure over the epochs, as points of a picture of 100 x 100, y downwards."""

    name: str
    points: str
    first: float
    last: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Chart:
    """Curves that share an axis."""

    title: str
    curves: tuple[Curve, ...]
    epochs: int
    best: float | None


@dataclass(frozen=True, slots=True)
class Confused:
    """Two people who were taken for each other."""

    truth: str
    answer: str
    count: int


def recipe_infos() -> tuple[RecipeInfo, ...]:
    """Return all recipes with their settings."""
    return tuple(recipes.info(one.name) for one in recipes.recipes())


def find_recipe(name: str) -> RecipeInfo | None:
    """Return a recipe with its settings, None for a name that is none."""
    try:
        return recipes.info(name)
    except TrainingError:
        return None


def changed_settings(run: TrainingRun) -> list[tuple[str, Any, Any]]:
    """Return label, value and default of the settings that differ from the recipe's defaults."""
    known = find_recipe(run.recipe)
    if known is None:
        return []
    return [
        (one.label, run.config[one.name], one.default)
        for one in known.options
        if one.name in run.config and run.config[one.name] != one.default
    ]


def charts_of(history: Sequence[Mapping[str, float]], best_epoch: int = 0) -> list[Chart]:
    """Return the curves of a run: losses together, shares together."""
    if not history:
        return []
    groups = {
        "Loss": ("train_loss", "val_loss"),
        "Accuracy": ("train_accuracy", "val_accuracy"),
        "Verification on what is held out": ("tar_at_fmr", "val_eer"),
    }
    return [
        chart
        for title, names in groups.items()
        if (chart := _chart(title, names, history, best_epoch)) is not None
    ]


def confused_people(run: TrainingRun, limit: int = 12) -> list[Confused]:
    """Return who was taken for whom most often, by the names of today."""
    rows = (run.result or {}).get("confused", [])[:limit]
    names = names_of([row[key] for row in rows for key in ("truth", "answer")])
    return [
        Confused(names.get(row["truth"], ERASED), names.get(row["answer"], ERASED), row["count"])
        for row in rows
    ]


def names_of(ids: Sequence[str]) -> dict[str, str]:
    """Return the names of the people who are still there."""
    rows = Identity.objects.filter(pk__in=set(ids)).values_list("pk", "name")
    return {str(pk): name for pk, name in rows}


def compared_figures(runs: Sequence[TrainingRun]) -> list[tuple[str, list[Any]]]:
    """Return the figures that any of the runs has, with each run's value or None."""
    names: list[str] = []
    for run in runs:
        figures = (run.result or {}).get("figures", {})
        names += [name for name in figures if name not in names]
    return [
        (name, [(run.result or {}).get("figures", {}).get(name) for run in runs]) for name in names
    ]


def different_settings(runs: Sequence[TrainingRun]) -> list[tuple[str, list[Any]]]:
    """Return the settings in which the runs differ, with each run's value or None."""
    names = sorted({name for run in runs for name in run.config})
    rows = [(name, [run.config.get(name) for run in runs]) for name in names]
    return [(name, values) for name, values in rows if len({str(value) for value in values}) > 1]


def _chart(
    title: str,
    names: Sequence[str],
    history: Sequence[Mapping[str, float]],
    best_epoch: int,
) -> Chart | None:
    columns = {
        name: [float(row[name]) for row in history if name in row]
        for name in names
        if name in history[0]
    }
    columns = {name: values for name, values in columns.items() if any(values)}
    if not columns:
        return None
    low = min(min(values) for values in columns.values())
    high = max(max(values) for values in columns.values())
    curves = tuple(_curve(name, values, low, high) for name, values in columns.items())
    count = len(history)
    best = _place(best_epoch - 1, count) if best_epoch else None
    return Chart(title, curves, count, best)


def _curve(name: str, values: Sequence[float], low: float, high: float) -> Curve:
    span = (high - low) or 1.0
    points = " ".join(
        f"{_place(number, len(values)):.2f},{100 - 100 * (value - low) / span:.2f}"
        for number, value in enumerate(values)
    )
    return Curve(name, points, values[0], values[-1], low, high)


def _place(number: int, count: int) -> float:
    return 100 * number / max(1, count - 1)
