"""Recipes, one file each. Importing this package registers them all and loads no network."""

from training.engine.recipes import baseline_gnb, classifier, metric, siamese, stacking, twin_l1
from training.engine.recipes.registry import (
    Estimate,
    Recipe,
    RecipeInfo,
    Result,
    Sizes,
    Work,
    get,
    info,
    recipes,
)

__all__ = [
    "Estimate",
    "Recipe",
    "RecipeInfo",
    "Result",
    "Sizes",
    "Work",
    "baseline_gnb",
    "classifier",
    "get",
    "info",
    "metric",
    "recipes",
    "siamese",
    "stacking",
    "twin_l1",
]
