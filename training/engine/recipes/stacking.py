"""`stacking`: the embeddings of two or more models under one meta-learner."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recognition.vision.heads import Head
from training.engine import baseline
from training.engine.configs import choice, real, whole
from training.engine.data import Data, Ints, Part
from training.engine.errors import TrainingError
from training.engine.recipes import common, metric
from training.engine.recipes.registry import Estimate, Recipe, Result, Sizes, Work, register

_ITERATIONS = 50


@dataclass(frozen=True, slots=True)
class StackingConfig:
    """Settings of `stacking`."""

    learner: str = choice(
        "logistic",
        ("logistic", "network"),
        "Meta-learner",
        "logistic weighs the models' scores; network learns a new embedding of all of them.",
    )
    pairs: int = whole(20_000, 200, 500_000, "Pairs", "For logistic; half of them mated.")
    l2: float = real(1.0, 0.0, 1e6, "L2", "Pull towards weights of zero.")
    folds: int = whole(5, 2, 20, "Folds", "By people: how well weights hold for strangers.")
    features: int = whole(256, 8, 2048, "Length of the new embedding", "For network.")
    epochs: int = whole(20, 1, 1000, "Epochs", "For network.")
    batch: int = whole(256, 4, 8192, "Images per step", "For network.")
    dropout: float = real(0.2, 0.0, 0.9, "Dropout", "For network.")
    patience: int = whole(6, 0, 1000, "Patience", "For network: epochs without a better figure.")
    seed: int = whole(1, 0, 2**31 - 1, "Seed")


def train(work: Work) -> Result:
    """Learn how to weigh the models. See `registry.Result`.

    Raises TrainingError `too_few_models` for a single one.
    """
    config: StackingConfig = work.config
    if len(work.data.widths) < 2:
        raise TrainingError("too_few_models", "Stacking takes two models or more.")
    if config.learner == "network":
        return metric.train(_as_metric(work))
    scores, mated, owners = _scored_pairs(work.data.train, work.data.widths, config)
    head = _head(weights_of(scores, mated, l2=config.l2), work.data)
    test = work.data.test
    return Result(
        state=None,
        figures=common.before_and_after(head, work.data)
        | {"out_of_fold_accuracy": _out_of_fold(scores, mated, owners, config)},
        baseline=baseline.pairing(work.data.train, test, seed=config.seed) if test else {},
        head=head,
    )


def weights_of(
    scores: NDArray[np.float64], mated: NDArray[np.bool_], *, l2: float
) -> NDArray[np.float64]:
    """Return weights (k + 1,) of a logistic regression on scores (N, k), the constant last.

    Newton's method; the constant is not pulled. A weight is never negative: a model that only
    misleads counts for nothing. Raises TrainingError `models_useless` where none is left.
    """
    used = np.ones(scores.shape[1], bool)
    while used.any():
        found = _newton(scores[:, used], mated, l2)
        if (found[:-1] > 0).all():
            weights = np.zeros(len(used) + 1)
            weights[:-1][used], weights[-1] = found[:-1], found[-1]
            return weights
        kept = np.flatnonzero(used)
        used[kept[int(np.argmin(found[:-1]))]] = False
    raise TrainingError("models_useless", "None of the models tells these people apart.")


def _newton(
    scores: NDArray[np.float64], mated: NDArray[np.bool_], l2: float
) -> NDArray[np.float64]:
    rows = np.column_stack([scores, np.ones(len(scores))])
    pull = np.diag([l2] * scores.shape[1] + [1e-9])
    weights = np.zeros(rows.shape[1])
    for _ in range(_ITERATIONS):
        chance = 1 / (1 + np.exp(-np.clip(rows @ weights, -30, 30)))
        slope = rows.T @ (chance - mated) + pull @ weights
        bend = (rows * (chance * (1 - chance))[:, None]).T @ rows + pull
        step = np.linalg.solve(bend, slope)
        weights = weights - step
        if np.abs(step).max() < 1e-8:
            break
    return np.asarray(weights, np.float64)


def _head(weights: NDArray[np.float64], data: Data) -> Head:
    """Return the head whose cosines are the weighted mean of the models' cosines."""
    shares = weights[:-1] / weights[:-1].sum()
    return Head(tuple(float(value) for value in np.sqrt(shares)), data.widths)


def _scored_pairs(
    part: Part, widths: tuple[int, ...], config: StackingConfig
) -> tuple[NDArray[np.float64], NDArray[np.bool_], Ints]:
    """Return the models' scores of drawn pairs (N, k), which are mated, and the first's person."""
    first, second, mated = baseline.draw_pairs(part.labels, config.pairs, seed=config.seed)
    columns = []
    start = 0
    for width in widths:
        rows = part.inputs[:, start : start + width]
        columns.append((rows[first] * rows[second]).sum(axis=1))
        start += width
    return np.stack(columns, axis=1).astype(np.float64), mated, part.labels[first]


def _out_of_fold(
    scores: NDArray[np.float64], mated: NDArray[np.bool_], owners: Ints, config: StackingConfig
) -> float:
    """Return the share of pairs decided right by weights that never saw the first person."""
    people = np.unique(owners)
    order = np.random.default_rng(config.seed).permutation(len(people))
    fold = (order % config.folds)[np.searchsorted(people, owners)]
    right = 0
    for number in range(config.folds):
        away = fold == number
        if not away.any() or len(set(mated[~away].tolist())) < 2:
            continue
        weights = weights_of(scores[~away], mated[~away], l2=config.l2)
        said = scores[away] @ weights[:-1] + weights[-1] > 0
        right += int((said == mated[away]).sum())
    return right / len(mated)


def _as_metric(work: Work) -> Work:
    config: StackingConfig = work.config
    return Work(
        data=work.data,
        config=metric.MetricConfig(
            features=config.features,
            epochs=config.epochs,
            batch=config.batch,
            dropout=config.dropout,
            patience=config.patience,
            weight_decay=min(1.0, config.l2 * 1e-5),
            seed=config.seed,
        ),
        folder=work.folder,
        listener=work.listener,
        should_stop=work.should_stop,
        resume=work.resume,
        processes=work.processes,
    )


def _estimate(config: StackingConfig, sizes: Sizes) -> Estimate:
    if config.learner == "logistic":
        return Estimate(
            3 + config.pairs * 1e-4, round(300 + sizes.images * sizes.width * 8e-6), 0.1
        )
    wanted = metric.MetricConfig(features=config.features, epochs=config.epochs, batch=config.batch)
    return common.estimate(wanted, sizes, crops=False)


register(
    Recipe(
        name="stacking",
        title="Stacking",
        summary="Two or more models together, each with the weight that it deserves.",
        config=StackingConfig,
        train=train,
        estimate=_estimate,
        inputs=lambda config: "embeddings",
        components=2,
    )
)
