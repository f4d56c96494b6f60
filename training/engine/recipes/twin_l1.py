"""`twin-l1`: two arms, L1 distance, a dense layer with a sigmoid, in stages of learning rates."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.engine import baseline
from training.engine.configs import choice, flag, real, whole
from training.engine.recipes import common
from training.engine.recipes.registry import Estimate, Recipe, Result, Sizes, Work, register

_PAIRS = 4000


@dataclass(frozen=True, slots=True)
class TwinConfig:
    """Settings of `twin-l1`."""

    network: str = choice("vgg16", tuple(common.GMACS), "Network", "Of both arms.")
    weights: str = choice("scratch", ("scratch", "imagenet"), "Beginning")
    size: int = whole(224, 32, 320, "Picture size", "Pixels of the face crops.")
    augment: str = choice("light", ("none", "light", "strong"), "Variation")
    learning_rate: float = real(1e-4, 1e-7, 1.0, "First learning rate")
    stages: int = whole(3, 1, 5, "Stages", "Each with a tenth of the learning rate before it.")
    epochs: int = whole(50, 1, 1000, "Epochs per stage, at most")
    batch: int = whole(32, 2, 1024, "Images per step", "Two make a pair.")
    optimizer: str = choice("adam", ("adam", "adamw", "sgd"), "Optimizer")
    weight_decay: float = real(0.0, 0.0, 1.0, "Weight decay (L2)")
    schedule: str = choice("constant", ("constant", "cosine", "plateau"), "Schedule in a stage")
    validation: float = real(0.1, 0.02, 0.5, "Held out to watch", "People.")
    patience: int = whole(5, 0, 1000, "Patience", "Epochs of a stage without a better figure.")
    metric: str = choice("val_loss", ("val_loss", "val_accuracy"), "Decides")
    keep: str = choice("best", ("last", "best", "all"), "Checkpoints kept")
    bf16: bool = flag(False, "Mixed precision", "bfloat16 where the processor computes in it.")
    seed: int = whole(1, 0, 2**31 - 1, "Seed")


def train(work: Work) -> Result:
    """Train in stages and measure on pairs of the test part. See `registry.Result`."""
    import torch

    from training.engine import networks
    from training.engine.augment import View
    from training.engine.twins import Twins, TwinTask

    config: TwinConfig = work.config
    learn, watched = common.watched_of(work.data, config.validation, seed=config.seed, people=True)
    body, width = networks.build(config.network, weights=config.weights, seed=config.seed)
    with torch.random.fork_rng():
        torch.manual_seed(config.seed)
        module = Twins(body, width)
    task = TwinTask(module, learn, watched, View(strength=config.augment), config.seed)
    stages = tuple(config.learning_rate * 0.1**number for number in range(config.stages))
    state = common.run(task, work, common.settings_of(config, stages=stages))
    test = work.data.test
    if test is None or not len(test):
        return Result(state=state, figures={})
    first, second, mated = baseline.draw_pairs(test.labels, _PAIRS, seed=config.seed)
    figures = {}
    if len(mated):
        scores = task.scores(test, first, second)
        figures = {
            "pair_accuracy": float(((scores > 0) == mated).mean()),
            "eer": _eer(scores.astype(np.float64), mated),
        }
    floor = baseline.pairing(learn, test, seed=config.seed)
    return Result(state=state, figures=figures, baseline=floor)


def _eer(scores: NDArray[np.float64], mated: NDArray[np.bool_]) -> float:
    """Return the rate at which as many mated pairs are below as nonmated ones at or above."""
    thresholds = np.sort(scores)
    own, others = np.sort(scores[mated]), np.sort(scores[~mated])
    missed = np.searchsorted(own, thresholds) / len(own)
    passed = 1 - np.searchsorted(others, thresholds) / len(others)
    place = int(np.argmin(np.abs(missed - passed)))
    return float((missed[place] + passed[place]) / 2)


def _estimate(config: TwinConfig, sizes: Sizes) -> Estimate:
    one = common.estimate(config, sizes, crops=True, network=config.network)
    return Estimate(one.seconds * config.stages, one.memory_mb, one.disk_mb)


register(
    Recipe(
        name="twin-l1",
        title="Twin network",
        summary="Two arms, the differences of their features, one answer: the same person or not.",
        config=TwinConfig,
        train=train,
        estimate=_estimate,
        inputs=lambda config: "crops",
    )
)
