"""A gallery that asks itself: every image searched as if it were new.

Each image is searched twice. Once among the images of all *other* people: a search for a stranger.
Once among all other images: a search for an enrolled person, where that person has another image.
So every image tells about strangers and about enrolled people, without a split and without a draw.
"""

import numpy as np
from numpy.typing import ArrayLike

from training.evaluation.arrays import (
    Doubles,
    EvaluationError,
    Floats,
    Ints,
    Progress,
    labels,
    unit_rows,
)
from training.evaluation.identification import Searches

_BLOCK = 256


def search_leaving_one_out(
    templates: ArrayLike,
    identities: ArrayLike,
    *,
    progress: Progress | None = None,
) -> Searches:
    """Searches of N templates (N, D) of unit rows in themselves, under the rule max.

    The first N outcomes are the searches for strangers, in the order of the templates; those for
    enrolled people follow, one for each image of a person with more than one. Memory above the
    templates: a sorted copy and 256 rows of scores. Raises `EvaluationError`, also with fewer than
    two people (`one_person`).
    """
    rows = unit_rows(templates)
    label = labels(identities, len(rows))
    order = np.argsort(label, kind="stable")
    people, starts, counts = np.unique(label[order], return_index=True, return_counts=True)
    if len(people) < 2:
        raise EvaluationError("one_person", "searching takes at least two people")
    sorted_rows = rows[order]
    other = np.empty(len(rows))
    own = np.full(len(rows), -np.inf)
    rank = np.zeros(len(rows), np.int64)
    for start in range(0, len(rows), _BLOCK):
        stop = min(start + _BLOCK, len(rows))
        _ask(sorted_rows, starts, label[order], slice(start, stop), other, own, rank)
        if progress is not None:
            progress(stop, len(rows))
    back = np.empty(len(rows), np.int64)
    back[order] = np.arange(len(rows))
    mated = np.flatnonzero(counts[label] > 1)
    return _searches(label, other[back], own[back], rank[back], mated, len(people))


def _ask(
    rows: Floats, starts: Ints, people: Ints, part: slice, other: Doubles, own: Doubles, rank: Ints
) -> None:
    """Note the best score with others, with oneself without this image, and the rank of oneself."""
    scores = rows[part] @ rows.T
    scores[np.arange(part.stop - part.start), np.arange(part.start, part.stop)] = -np.inf
    best = np.maximum.reduceat(scores, starts, axis=1)
    mine = (np.arange(part.stop - part.start), people[part])
    own[part] = best[mine]
    best[mine] = -np.inf
    other[part] = best.max(axis=1)
    rank[part] = 1 + (best >= own[part].astype(np.float32)[:, None]).sum(axis=1)


def _searches(
    label: Ints, other: Doubles, own: Doubles, rank: Ints, mated: Ints, people: int
) -> Searches:
    strangers = np.full(len(label), -np.inf)
    return Searches(
        rule="max",
        top=np.concatenate([other, np.maximum(own, other)[mated]]),
        own=np.concatenate([strangers, own[mated]]),
        rank=np.concatenate([np.zeros(len(label), np.int64), rank[mated]]),
        person=np.concatenate([label, label[mated]]),
        enrolled=np.concatenate([np.zeros(len(label), bool), np.ones(len(mated), bool)]),
        gallery_people=people,
        gallery_templates=len(label),
    )
