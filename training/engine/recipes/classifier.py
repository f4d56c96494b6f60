"""`classifier`: which of the people of the dataset is it? On frozen embeddings or on pictures."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from training.engine import baseline
from training.engine.configs import choice, flag, real, whole
from training.engine.data import Data, Ints, renumbered
from training.engine.errors import TrainingError
from training.engine.recipes import common
from training.engine.recipes.registry import Estimate, Recipe, Result, Sizes, Work, register
from training.engine.samplers import BALANCE

if TYPE_CHECKING:
    from training.engine.augment import View
    from training.engine.tasks import Recogniser

FROZEN = "frozen"
NETWORKS = (FROZEN, *common.GMACS)


@dataclass(frozen=True, slots=True)
class ClassifierConfig:
    """Settings of `classifier`."""

    network: str = choice(
        FROZEN,
        NETWORKS,
        "Network",
        "frozen: embeddings of the model in use; others learn pictures.",
    )
    weights: str = choice(
        "scratch", ("scratch", "imagenet"), "Beginning", "From scratch (Xavier) or pretrained."
    )
    tune: str = choice("all", ("all", "part", "head"), "What learns", "Of a network for pictures.")
    size: int = whole(112, 32, 320, "Picture size", "Pixels of the face crops.")
    augment: str = choice("light", ("none", "light", "strong"), "Variation", "Of pictures.")
    features: int = whole(256, 8, 2048, "Length of the new embedding", "On frozen embeddings.")
    epochs: int = whole(30, 1, 1000, "Epochs")
    batch: int = whole(64, 2, 4096, "Images per step")
    learning_rate: float = real(0.001, 1e-7, 1.0, "Learning rate")
    optimizer: str = choice("adam", ("adam", "adamw", "sgd"), "Optimizer")
    weight_decay: float = real(0.0, 0.0, 1.0, "Weight decay (L2)")
    schedule: str = choice("cosine", ("constant", "cosine", "plateau"), "Schedule")
    dropout: float = real(0.1, 0.0, 0.9, "Dropout")
    balance: str = choice("none", BALANCE, "Unequal classes", "Weights or more frequent draws.")
    validation: float = real(0.1, 0.02, 0.5, "Held out to watch", "Where there is no part val.")
    patience: int = whole(10, 0, 1000, "Patience", "Epochs without a better figure; 0: never stop.")
    metric: str = choice("tar_at_fmr", common.METRICS, "Decides about the best epoch")
    keep: str = choice("all", ("last", "best", "all"), "Checkpoints kept", "all: one per epoch.")
    bf16: bool = flag(False, "Mixed precision", "bfloat16 where the processor computes in it.")
    seed: int = whole(1, 0, 2**31 - 1, "Seed")


def train(work: Work) -> Result:
    """Train, then name the people of the test part. See `registry.Result`."""
    from training.engine.tasks import Learning, RecognitionTask
    from training.evaluation.classification import classify

    config: ClassifierConfig = work.config
    classes = _classes(work.data)
    learn, watched = common.watched_of(work.data, config.validation, seed=config.seed, people=False)
    learn, watched = common.as_classes(learn, classes), common.as_classes(watched, classes)
    module, view = _module(config, work.data, len(classes))
    task = RecognitionTask(module, learn, watched, Learning(balance=config.balance), view=view)
    state = common.run(task, work, common.settings_of(config))
    test = common.as_classes(work.data.test, classes) if work.data.test is not None else None
    figures: dict[str, float] = {}
    classification = None
    if test is not None and len(test):
        scores = task.scores(test)
        classification = classify(
            test.labels,
            scores.argmax(axis=1),
            [work.data.people[n] for n in classes],
            scores=scores,
        )
        figures = {
            "accuracy": classification.accuracy.value,
            "macro_precision": classification.macro_precision,
            "macro_recall": classification.macro_recall,
            "macro_f1": classification.macro_f1,
            **common.test_figures(task.embeddings(test), test.labels),
        }
    frozen = config.network == FROZEN
    return Result(
        state=state,
        figures=figures,
        baseline=baseline.naming(learn, test) if test is not None else {},
        head=common.linear_head(module.body, work.data) if frozen else None,
        classification=classification,
        classes=tuple(int(number) for number in classes),
    )


def _classes(data: Data) -> Ints:
    """Return the people to name. Raises TrainingError `split_unsuitable`."""
    classes = renumbered(data.train.labels)[1]
    if data.test is not None and len(data.test) and not np.isin(data.test.labels, classes).any():
        raise TrainingError(
            "split_unsuitable",
            "Nobody of the test part is in the training part. A classifier names known people: "
            "use a split with every person in every part.",
        )
    return classes


def _module(config: ClassifierConfig, data: Data, classes: int) -> "tuple[Recogniser, View | None]":
    import torch
    from torch import nn

    from training.engine import networks
    from training.engine.augment import View
    from training.engine.losses import MarginHead
    from training.engine.tasks import Recogniser

    with torch.random.fork_rng():
        torch.manual_seed(config.seed)
        if config.network == FROZEN:
            head: nn.Module = MarginHead(config.features, classes, kind="softmax")
            body = common.projection(sum(data.widths), config.features, config.seed)
            return Recogniser(body, head, config.dropout), None
        body, width = networks.build(config.network, weights=config.weights, seed=config.seed)
        networks.freeze(body, config.tune)
        head = nn.Linear(width, classes)
        nn.init.xavier_uniform_(head.weight)
        nn.init.zeros_(head.bias)
        return Recogniser(body, head, config.dropout), View(strength=config.augment)


def _estimate(config: ClassifierConfig, sizes: Sizes) -> Estimate:
    crops = config.network != FROZEN
    return common.estimate(config, sizes, crops=crops, network=config.network)


register(
    Recipe(
        name="classifier",
        title="Classifier",
        summary="Names the people of the dataset; its features become an embedding.",
        config=ClassifierConfig,
        train=train,
        estimate=_estimate,
        inputs=lambda config: "embeddings" if config.network == FROZEN else "crops",
    )
)
