"""Recipes by name. Importing this loads no network: a recipe imports torch when it trains."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recognition.vision.heads import Head
from training.engine.configs import Option, options
from training.engine.data import Data
from training.engine.errors import TrainingError

if TYPE_CHECKING:
    from training.engine.loop import Listener, State
    from training.engine.processes import Processes
    from training.evaluation.classification import Classification


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much there is to train on. `width` is the embeddings' length, all components together."""

    images: int
    people: int
    width: int


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a run will about take on this machine: an estimate, not a promise."""

    seconds: float
    memory_mb: float
    disk_mb: float


@dataclass(frozen=True, slots=True, eq=False)
class Work:
    """What a recipe is given. `listener`, `should_stop` and `processes` are the loop's."""

    data: Data
    config: Any
    folder: Path
    listener: "Listener"
    should_stop: Callable[[], bool]
    resume: bool = False
    processes: "Processes | None" = None


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """What a recipe made.

    `head` serves recognition, None where a recipe leaves nothing to serve. `figures` are measured
    on the test part, empty without one; `baseline` is the floor beside them. `classes` are the
    numbers of the people that the network names.
    """

    state: "State | None"
    figures: dict[str, float]
    baseline: dict[str, float] = field(default_factory=dict)
    head: Head | None = None
    classification: "Classification | None" = None
    classes: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Recipe:
    """One way to train.

    `inputs(config)` is "embeddings" or "crops"; `components` says how many versions' embeddings are
    put side by side, at least.
    """

    name: str
    title: str
    summary: str
    config: type[Any]
    train: Callable[[Work], Result]
    estimate: Callable[[Any, Sizes], Estimate]
    inputs: Callable[[Any], str]
    components: int = 1


_RECIPES: dict[str, Recipe] = {}


def register(recipe: Recipe) -> Recipe:
    """Add a recipe; a name that is taken raises ValueError: names end up in the database."""
    if recipe.name in _RECIPES:
        raise ValueError(f"recipe {recipe.name!r} is registered twice")
    _RECIPES[recipe.name] = recipe
    return recipe


def recipes() -> tuple[Recipe, ...]:
    """Return all recipes in the order of registration."""
    return tuple(_RECIPES.values())


def get(name: str) -> Recipe:
    """Return a recipe. Raises TrainingError `recipe_unknown`."""
    try:
        return _RECIPES[name]
    except KeyError:
        known = ", ".join(_RECIPES)
        raise TrainingError(
            "recipe_unknown", f"There is no recipe {name!r}. Known: {known}."
        ) from None


@dataclass(frozen=True, slots=True)
class RecipeInfo:
    """A recipe for those who choose one: what forms and the API are made from."""

    name: str
    title: str
    summary: str
    components: int
    options: tuple[Option, ...]


def info(name: str) -> RecipeInfo:
    """Return a recipe with its settings. Raises TrainingError `recipe_unknown`."""
    found = get(name)
    return RecipeInfo(
        found.name, found.title, found.summary, found.components, options(found.config)
    )
