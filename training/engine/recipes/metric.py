"""`metric`: an embedding in which people lie far apart, learned on top of frozen embeddings."""

from dataclasses import dataclass

from training.engine import baseline
from training.engine.configs import choice, flag, real, whole
from training.engine.data import renumbered
from training.engine.recipes import common
from training.engine.recipes.registry import Estimate, Recipe, Result, Sizes, Work, register
from training.engine.samplers import BALANCE

LOSSES = ("arcface", "cosface", "softmax", "triplet", "contrastive")


@dataclass(frozen=True, slots=True)
class MetricConfig:
    """Settings of `metric`."""

    loss: str = choice("arcface", LOSSES, "Loss")
    features: int = whole(256, 8, 2048, "Length of the new embedding")
    margin: float = real(0.4, 0.0, 2.0, "Margin", "Of arcface and cosface.")
    scale: float = real(32.0, 1.0, 128.0, "Scale", "Of arcface, cosface and softmax.")
    centres: int = whole(1, 1, 10, "Centres per person", "Several bear wrong labels better.")
    sampled: float = real(1.0, 0.01, 1.0, "Share of classes per step", "For very many people.")
    epochs: int = whole(20, 1, 1000, "Epochs")
    batch: int = whole(256, 4, 8192, "Images per step")
    learning_rate: float = real(0.001, 1e-7, 1.0, "Learning rate")
    optimizer: str = choice("adam", ("adam", "adamw", "sgd"), "Optimizer")
    weight_decay: float = real(0.0, 0.0, 1.0, "Weight decay (L2)")
    schedule: str = choice("cosine", ("constant", "cosine", "plateau"), "Schedule")
    dropout: float = real(0.0, 0.0, 0.9, "Dropout")
    balance: str = choice("none", BALANCE, "Unequal classes", "Weights or more frequent draws.")
    validation: float = real(
        0.15, 0.02, 0.5, "Held out to watch", "People, where there is no part val."
    )
    patience: int = whole(6, 0, 1000, "Patience", "Epochs without a better figure; 0: never stop.")
    metric: str = choice("tar_at_fmr", common.METRICS, "Decides about the best epoch")
    keep: str = choice("best", ("last", "best", "all"), "Checkpoints kept")
    bf16: bool = flag(False, "Mixed precision", "bfloat16 where the processor computes in it.")
    seed: int = whole(1, 0, 2**31 - 1, "Seed")


def train(work: Work) -> Result:
    """Train a projection and compare it with the plain embeddings. See `registry.Result`."""
    import torch

    from training.engine.losses import MarginHead
    from training.engine.tasks import PAIR_LOSSES, Learning, Recogniser, RecognitionTask

    config: MetricConfig = work.config
    learn, watched = common.watched_of(work.data, config.validation, seed=config.seed, people=True)
    classes = renumbered(learn.labels)[1]
    learn = common.as_classes(learn, classes)
    body = common.projection(sum(work.data.widths), config.features, config.seed)
    head = None
    if config.loss not in PAIR_LOSSES:
        with torch.random.fork_rng():
            torch.manual_seed(config.seed)
            head = MarginHead(
                config.features,
                len(classes),
                kind=config.loss,
                margin=config.margin,
                scale=config.scale,
                centres=config.centres,
                sampled=config.sampled,
            )
    module = Recogniser(body, head, config.dropout)
    learning = Learning(loss=config.loss, balance=config.balance)
    task = RecognitionTask(module, learn, watched, learning, same_people=False)
    state = common.run(task, work, common.settings_of(config))
    made = common.linear_head(module.body, work.data)
    test = work.data.test
    return Result(
        state=state,
        figures=common.before_and_after(made, work.data),
        baseline=baseline.pairing(learn, test, seed=config.seed) if test is not None else {},
        head=made,
    )


def _estimate(config: MetricConfig, sizes: Sizes) -> Estimate:
    return common.estimate(config, sizes, crops=False)


register(
    Recipe(
        name="metric",
        title="Metric",
        summary="Learns an embedding on top of the model in use, for people it has never seen.",
        config=MetricConfig,
        train=train,
        estimate=_estimate,
        inputs=lambda config: "embeddings",
    )
)
