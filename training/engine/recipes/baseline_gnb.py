"""`baseline-gnb`: Gaussian naive Bayes, the floor that everything else is shown beside."""

from dataclasses import dataclass

import numpy as np

from training.engine import baseline
from training.engine.configs import whole
from training.engine.data import renumbered
from training.engine.recipes import common
from training.engine.recipes.registry import Estimate, Recipe, Result, Work, register


@dataclass(frozen=True, slots=True)
class BaselineConfig:
    """Settings of `baseline-gnb`."""

    pairs: int = whole(2000, 100, 100_000, "Pairs", "Half of them mated.")
    seed: int = whole(1, 0, 2**31 - 1, "Seed")


def train(work: Work) -> Result:
    """Name people where the parts have the same, and tell mated from nonmated pairs."""
    config: BaselineConfig = work.config
    train_part, test = work.data.train, work.data.test
    if test is None or not len(test):
        return Result(state=None, figures={})
    classes = renumbered(train_part.labels)[1]
    figures = baseline.pairing(train_part, test, seed=config.seed, pairs=config.pairs)
    if np.isin(test.labels, classes).any():
        figures |= baseline.naming(
            common.as_classes(train_part, classes), common.as_classes(test, classes)
        )
    return Result(state=None, figures=figures, baseline=figures)


register(
    Recipe(
        name="baseline-gnb",
        title="Naive Bayes",
        summary="The floor: Gaussian naive Bayes on the same data, in a second.",
        config=BaselineConfig,
        train=train,
        estimate=lambda config, sizes: Estimate(5.0, 300, 0.0),
        inputs=lambda config: "embeddings",
    )
)
