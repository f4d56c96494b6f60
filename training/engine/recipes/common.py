"""What several recipes do the same way."""

from typing import TYPE_CHECKING, Any

import numpy as np

from recognition.vision.heads import Head
from recognition.vision.types import Floats
from training.engine.data import Data, Ints, Part, held_out
from training.engine.errors import TrainingError
from training.engine.figures import verification
from training.engine.recipes.registry import Estimate, Sizes, Work

if TYPE_CHECKING:
    from torch import nn

    from training.engine.loop import LoopSettings, State, Task

FLOPS = 4e10
"""Floating point operations a second of one slow machine; estimates only."""
GMACS = {
    "small-cnn": 0.35,
    "mobilenet_v3_small": 0.02,
    "mobilenet_v3_large": 0.06,
    "resnet18": 0.46,
    "resnet34": 0.92,
    "resnet50": 1.05,
    "efficientnet_b0": 0.1,
    "vgg16": 3.9,
}
"""Billions of multiplications for one picture of 112 x 112; others count as resnet50."""
METRICS = ("tar_at_fmr", "val_accuracy", "val_loss", "val_eer")


def settings_of(config: Any, *, stages: tuple[float, ...] = ()) -> "LoopSettings":
    """Return the loop's settings of a recipe's configuration."""
    from training.engine.loop import LoopSettings

    return LoopSettings(
        epochs=config.epochs,
        batch=config.batch,
        stages=stages or (config.learning_rate,),
        optimizer=config.optimizer,
        decay=config.weight_decay,
        schedule=config.schedule,
        patience=config.patience,
        metric=config.metric,
        seed=config.seed,
        keep=config.keep,
        bf16=config.bf16,
    )


def run(task: "Task", work: Work, settings: "LoopSettings") -> "State":
    """Train a task in the work's folder.

    Steps on embeddings are so small that threads only wait for each other: they take one.
    """
    import torch

    from training.engine.loop import fit
    from training.engine.processes import ALONE

    threads = torch.get_num_threads()
    if not work.data.is_crops:
        torch.set_num_threads(1)
    try:
        return fit(
            task,
            settings,
            folder=work.folder,
            listener=work.listener,
            should_stop=work.should_stop,
            resume=work.resume,
            processes=work.processes or ALONE,
        )
    finally:
        torch.set_num_threads(threads)


def watched_of(data: Data, share: float, *, seed: int, people: bool) -> tuple[Part, Part]:
    """Return what is learned from and what is watched: the part `val`, else a share of `train`.

    Raises TrainingError `too_few_images` where nothing can be watched.
    """
    known = data.parts.get("val")
    if known is not None and len(known):
        return data.train, known
    kept, away = held_out(data.train.labels, share, seed=seed, people=people)
    if not len(away):
        kept, away = held_out(data.train.labels, share, seed=seed, people=False)
    if not len(away):
        raise TrainingError(
            "too_few_images", "No image can be held out to watch: everybody has only one."
        )
    return data.train.rows(kept), data.train.rows(away)


def as_classes(part: Part, classes: Ints) -> Part:
    """Return the images of people who are classes, with class numbers for labels."""
    inside = np.isin(part.labels, classes)
    return Part(part.inputs[inside], np.searchsorted(classes, part.labels[inside]))


def test_figures(embeddings: Floats, labels: Ints) -> dict[str, float]:
    """Return EER and TAR of a test part's embeddings, under names of their own."""
    found = verification(embeddings, labels)
    return {name.removeprefix("val_"): value for name, value in found.items()}


def before_and_after(head: Head, data: Data) -> dict[str, float]:
    """Return the test part's figures, and those of each component without the head."""
    if data.test is None or not len(data.test):
        return {}
    inputs, labels = np.asarray(data.test.inputs, np.float32), data.test.labels
    figures = test_figures(head.apply(inputs), labels)
    start = 0
    for number, width in enumerate(data.widths, start=1):
        alone = test_figures(inputs[:, start : start + width], labels)
        figures |= {f"component_{number}_{name}": value for name, value in alone.items()}
        start += width
    return figures


def linear_head(body: "nn.Module", data: Data) -> Head:
    """Return the head that a trained linear layer makes."""
    state = {name: value.detach().cpu().numpy() for name, value in body.state_dict().items()}
    return Head(
        (1.0,) * len(data.widths),
        data.widths,
        np.asarray(state["weight"], np.float32),
        np.asarray(state["bias"], np.float32),
    )


def projection(width: int, features: int, seed: int) -> "nn.Module":
    """Return a linear layer that begins as a rotation: it keeps angles as far as it can."""
    import torch
    from torch import nn

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        body = nn.Linear(width, features)
        nn.init.orthogonal_(body.weight)
        nn.init.zeros_(body.bias)
    return body


def estimate(config: Any, sizes: Sizes, *, crops: bool, network: str = "") -> Estimate:
    """Return what a run of the loop will about take."""
    steps = sizes.images * config.epochs
    if crops:
        scale = (config.size / 112) ** 2
        gmacs = GMACS.get(network, GMACS["resnet50"]) * scale
        seconds = steps * gmacs * 6e9 / FLOPS + sizes.images * 0.01
        memory = sizes.images * config.size**2 * 3 / 1e6 + 300 + 15 * gmacs * config.batch
        one = 5.0 if network == "small-cnn" else 100.0
    else:
        macs = config.features * (sizes.width + sizes.people)
        seconds = steps * (macs * 6 / FLOPS + 0.002 / config.batch) + sizes.images * 0.0005 + 2
        memory = sizes.images * sizes.width * 8 / 1e6 + 300
        one = macs * 4 / 1e6
    kept = config.epochs if config.keep == "all" else 1
    return Estimate(round(seconds, 1), round(memory), round(one * (kept + 4), 1))
