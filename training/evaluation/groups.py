"""Errors per group of people, with intervals, and no figure for groups that are too small."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from training.evaluation.arrays import EvaluationError, pair_scores, unit_rows
from training.evaluation.comparisons import compare_all
from training.evaluation.curves import ErrorCurve
from training.evaluation.resampling import IdentityCounts, clustered, resample
from training.evaluation.uncertainty import Measured, NotSupported
from training.evaluation.verification import rate_at

MINIMUM_PEOPLE = 30


@dataclass(frozen=True, slots=True)
class GroupResult:
    """Errors of one group at a threshold common to all groups.

    Comparisons are those within the group. Both rates are `NotSupported` for groups with fewer
    people than asked for: a small group's figure says more about its few people than about it.
    """

    group: str
    people: int
    fmr: Measured
    fnmr: Measured


def pairs_by_group(
    scores: ArrayLike,
    mated: ArrayLike,
    groups: ArrayLike,
    first: ArrayLike,
    second: ArrayLike,
    threshold: float,
    *,
    minimum_people: int = MINIMUM_PEOPLE,
) -> tuple[GroupResult, ...]:
    """Errors per group of P comparisons.

    `groups` (P,) is the group both images belong to, "" where they belong to two or to none (such
    comparisons are left out); `first`, `second` (P,) are identities.
    """
    values, flags = pair_scores(scores, mated)
    group, one, two = np.asarray(groups), np.asarray(first), np.asarray(second)
    found = []
    for name in sorted(set(group.tolist()) - {""}):
        mine = group == name
        people = len(set(one[mine].tolist()) | set(two[mine].tolist()))
        own, other = mine & flags, mine & ~flags
        if people < minimum_people:
            fmr: Measured = NotSupported(int(other.sum()))
            fnmr: Measured = NotSupported(int(own.sum()))
        else:
            fmr = clustered(values[other] >= threshold, one[other], two[other])
            fnmr = clustered(values[own] < threshold, one[own], None)
        found.append(GroupResult(str(name), people, fmr, fnmr))
    return tuple(found)


def templates_by_group(
    templates: ArrayLike,
    identities: ArrayLike,
    groups: ArrayLike,
    threshold: float,
    *,
    minimum_people: int = MINIMUM_PEOPLE,
    seed: int = 0,
) -> tuple[GroupResult, ...]:
    """Errors of all-vs-all within each group.

    `templates` float32 (N, D), `identities` (N,), `groups` (N,) strings, "" for none.
    """
    rows, names = unit_rows(templates), np.asarray(groups)
    people = np.asarray(identities)
    if names.shape != (len(rows),) or people.shape != (len(rows),):
        raise EvaluationError("bad_labels", "one identity and one group per template are needed")
    found = []
    for name in sorted(set(names.tolist()) - {""}):
        mine = names == name
        count = len(set(people[mine].tolist()))
        compared = compare_all(rows[mine], people[mine], keep=0)
        mated, nonmated = int(compared.mated.sum()), int(compared.nonmated.sum())
        fmr: Measured = NotSupported(nonmated)
        fnmr: Measured = NotSupported(mated)
        if count >= minimum_people and mated and nonmated:
            again = resample(IdentityCounts.of_templates(rows[mine], people[mine]), seed=seed)
            point = ErrorCurve.of_comparisons(compared).at(threshold)
            fmr = rate_at(point.false_matches, nonmated, again, "fmr", threshold)
            fnmr = rate_at(point.false_non_matches, mated, again, "fnmr", threshold)
        found.append(GroupResult(str(name), count, fmr, fnmr))
    return tuple(found)
