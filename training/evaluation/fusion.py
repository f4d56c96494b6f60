"""Rules that make one score per person of the scores of all templates of that person."""

from typing import Literal, get_args

import numpy as np

from training.evaluation.arrays import EvaluationError, Floats, Ints

Rule = Literal["max", "mean", "top_mean", "centroid", "vote"]
RULES: tuple[Rule, ...] = get_args(Rule)
TOP = 3
VOTERS = 5


def fuse(
    scores: Floats, starts: Ints, rule: Rule, *, top: int = TOP, voters: int = VOTERS
) -> Floats:
    """Scores of P probes with K people, float32 (P, K), from their scores with T templates.

    `scores` float32 (P, T), columns sorted by person; `starts` int64 (K,) the first column of each.

    max        the highest score of the person's templates
    mean       their mean
    top_mean   the mean of the `top` highest (of all, where there are fewer)
    vote       the probe's `voters` nearest templates vote for their person; the mean score of the
               person's templates, those without a vote counted as 0, of at most `voters` of them

    `centroid` compares with one mean template per person instead: see `centroids`.
    """
    if rule == "max":
        highest: Floats = np.maximum.reduceat(scores, starts, axis=1)
        return highest
    counts = np.diff(np.append(starts, scores.shape[1]))
    if rule == "mean":
        total = np.add.reduceat(scores, starts, axis=1, dtype=np.float64)
        mean: Floats = (total / counts).astype(np.float32)
        return mean
    if rule == "top_mean":
        return _top_mean(scores, starts, counts, top)
    if rule == "vote":
        return _vote(scores, starts, counts, voters)
    raise EvaluationError("bad_rule", f"{rule} is no rule over scores")


def centroids(templates: Floats, starts: Ints) -> Floats:
    """One unit-norm mean template per person: float32 (K, D); rows sorted by person."""
    total = np.add.reduceat(templates, starts, axis=0, dtype=np.float64)
    length = np.linalg.norm(total, axis=1, keepdims=True)
    middle: Floats = (total / np.maximum(length, 1e-12)).astype(np.float32)
    return middle


def _top_mean(scores: Floats, starts: Ints, counts: Ints, top: int) -> Floats:
    fused = fuse(scores, starts, "mean")
    for person in np.flatnonzero(counts > top):
        own = scores[:, starts[person] : starts[person] + counts[person]]
        fused[:, person] = np.partition(own, counts[person] - top, axis=1)[:, -top:].mean(axis=1)
    return fused


def _vote(scores: Floats, starts: Ints, counts: Ints, voters: int) -> Floats:
    voters = min(voters, scores.shape[1])
    owner = np.repeat(np.arange(len(starts)), counts)
    nearest = np.argpartition(scores, scores.shape[1] - voters, axis=1)[:, -voters:]
    fused: Floats = np.zeros((len(scores), len(starts)), np.float32)
    probe = np.arange(len(scores))[:, None]
    np.add.at(fused, (probe, owner[nearest]), scores[probe, nearest])
    fused /= np.minimum(counts, voters)
    return fused
