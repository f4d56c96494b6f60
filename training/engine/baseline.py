"""The floor under every result: Gaussian naive Bayes, which costs nothing."""

import numpy as np
from numpy.typing import NDArray

from training.engine.data import Ints, Part

_SMOOTHING = 1e-9  # share of the largest variance, as scikit-learn adds it
_SIDE = 24


class GaussianNaiveBayes:
    """Every number of an input has a normal distribution of its own in each class."""

    def __init__(self, inputs: NDArray[np.float64], labels: Ints) -> None:
        self.classes = np.unique(labels)
        extra = _SMOOTHING * inputs.var(axis=0).max()
        rows = [inputs[labels == one] for one in self.classes]
        self._means = np.stack([one.mean(axis=0) for one in rows])
        self._variances = np.stack([one.var(axis=0) for one in rows]) + extra
        self._priors = np.log([len(one) / len(labels) for one in rows])

    def answers(self, inputs: NDArray[np.float64]) -> Ints:
        """Return the likeliest class of each input (N, d)."""
        # sum over (x - m)^2 / v, expanded so that no array of N x C x d is needed
        weights = 1.0 / self._variances
        distances = (
            inputs**2 @ weights.T
            - 2 * inputs @ (self._means * weights).T
            + (self._means**2 * weights).sum(axis=1)
        )
        scores = self._priors - 0.5 * (distances + np.log(self._variances).sum(axis=1))
        found: Ints = self.classes[scores.argmax(axis=1)]
        return found


def flat(part: Part) -> NDArray[np.float64]:
    """Return inputs as rows of numbers: embeddings as they are, crops small and grey, 0 to 1."""
    if part.inputs.ndim == 2:
        return np.asarray(part.inputs, np.float64)
    grey = part.inputs.mean(axis=3) / 255.0
    step = max(1, grey.shape[1] // _SIDE)
    return np.asarray(grey[:, ::step, ::step].reshape(len(grey), -1), np.float64)


def naming(train: Part, test: Part) -> dict[str, float]:
    """Return the accuracy of naming the people of the test part."""
    if not len(test):
        return {}
    model = GaussianNaiveBayes(flat(train), train.labels)
    right = model.answers(flat(test)) == test.labels
    return {"accuracy": float(right.mean())}


def pairing(train: Part, test: Part, *, seed: int, pairs: int = 2000) -> dict[str, float]:
    """Return the accuracy of telling mated from nonmated pairs, both images side by side."""
    found = []
    for part, number in ((train, 0), (test, 1)):
        first, second, mated = draw_pairs(part.labels, pairs, seed=seed + number)
        rows = flat(part)
        found.append((np.concatenate([rows[first], rows[second]], axis=1), mated))
    (known, labels), (asked, truth) = found
    if len(set(labels.tolist())) < 2 or not len(truth):
        return {}
    model = GaussianNaiveBayes(known, labels.astype(np.int64))
    return {"pair_accuracy": float((model.answers(asked) == truth).mean())}


def draw_pairs(labels: Ints, count: int, *, seed: int) -> tuple[Ints, Ints, NDArray[np.bool_]]:
    """Return rows of about `count` pairs, half of them mated, and which are mated.

    Fewer where there are not so many; people with many images are not drawn more often.
    """
    rng = np.random.default_rng(seed)
    people = [np.flatnonzero(labels == person) for person in np.unique(labels)]
    several = [rows for rows in people if len(rows) >= 2]
    if not several or len(people) < 2:
        empty = np.empty(0, np.int64)
        return empty, empty, np.empty(0, bool)
    mated = [
        rng.choice(several[n], 2, replace=False)
        for n in rng.integers(len(several), size=count // 2)
    ]
    others = []
    for _ in range(len(mated)):
        one, two = rng.choice(len(people), 2, replace=False)
        others.append((rng.choice(people[one]), rng.choice(people[two])))
    rows = np.concatenate([np.asarray(mated), np.asarray(others)])
    return (
        rows[:, 0].astype(np.int64),
        rows[:, 1].astype(np.int64),
        np.arange(len(rows)) < len(mated),
    )
