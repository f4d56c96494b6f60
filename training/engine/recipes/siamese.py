"""`siamese`: two arms with the same weights learn from pictures how far apart two faces are."""

from dataclasses import dataclass

from training.engine import baseline
from training.engine.configs import choice, flag, real, whole
from training.engine.recipes import common
from training.engine.recipes.registry import Estimate, Recipe, Result, Sizes, Work, register


@dataclass(frozen=True, slots=True)
class SiameseConfig:
    """Settings of `siamese`."""

    network: str = choice("small-cnn", tuple(common.GMACS), "Network", "Of both arms.")
    weights: str = choice("scratch", ("scratch", "imagenet"), "Beginning")
    loss: str = choice("contrastive", ("contrastive", "triplet"), "Loss")
    size: int = whole(96, 32, 320, "Picture size", "Pixels of the face crops.")
    colours: str = choice("rgb", ("rgb", "grey", "binary"), "Colours")
    augment: str = choice("light", ("none", "light", "strong"), "Variation")
    each: int = whole(4, 2, 32, "Images per person and step")
    epochs: int = whole(30, 1, 1000, "Epochs")
    batch: int = whole(128, 4, 1024, "Images per step")
    learning_rate: float = real(0.001, 1e-7, 1.0, "Learning rate")
    optimizer: str = choice("adam", ("adam", "adamw", "sgd"), "Optimizer")
    weight_decay: float = real(0.0, 0.0, 1.0, "Weight decay (L2)")
    schedule: str = choice("plateau", ("constant", "cosine", "plateau"), "Schedule")
    validation: float = real(0.1, 0.02, 0.5, "Held out to watch", "People.")
    patience: int = whole(8, 0, 1000, "Patience", "Epochs without a better figure; 0: never stop.")
    metric: str = choice("val_eer", ("val_eer", "tar_at_fmr", "val_loss"), "Decides")
    keep: str = choice("best", ("last", "best", "all"), "Checkpoints kept")
    bf16: bool = flag(False, "Mixed precision", "bfloat16 where the processor computes in it.")
    seed: int = whole(1, 0, 2**31 - 1, "Seed")


def train(work: Work) -> Result:
    """Train from pictures and measure on the test part. See `registry.Result`."""
    from training.engine import networks
    from training.engine.augment import View
    from training.engine.tasks import Learning, Recogniser, RecognitionTask

    config: SiameseConfig = work.config
    learn, watched = common.watched_of(work.data, config.validation, seed=config.seed, people=True)
    body, _ = networks.build(config.network, weights=config.weights, seed=config.seed)
    task = RecognitionTask(
        Recogniser(body, None, 0.0),
        learn,
        watched,
        Learning(loss=config.loss, each=config.each),
        view=View(config.colours, config.augment),
    )
    state = common.run(task, work, common.settings_of(config))
    test = work.data.test
    if test is None or not len(test):
        return Result(state=state, figures={})
    return Result(
        state=state,
        figures=common.test_figures(task.embeddings(test), test.labels),
        baseline=baseline.pairing(learn, test, seed=config.seed),
    )


def _estimate(config: SiameseConfig, sizes: Sizes) -> Estimate:
    return common.estimate(config, sizes, crops=True, network=config.network)


register(
    Recipe(
        name="siamese",
        title="Siamese network",
        summary="Learns from pictures alone how far apart two faces are.",
        config=SiameseConfig,
        train=train,
        estimate=_estimate,
        inputs=lambda config: "crops",
    )
)
