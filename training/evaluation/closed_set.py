"""Naming images among known people: the classifier that stored templates are."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from recognition.vision.fusion import Rule, centroid_lengths, fuse_people
from training.evaluation.arrays import EvaluationError, Ints, Progress, unit_rows

_BLOCK = 256


@dataclass(frozen=True, slots=True, eq=False)
class Named:
    """Answers of P probes.

    `answer` int64 (P,): the identity's number; `rank` int64 (P,): the place of the true identity,
    1 up, ties counted against it, 0 where it is not known.
    """

    answer: Ints
    rank: Ints


def name_images(
    probes: ArrayLike,
    probe_identities: ArrayLike,
    known: ArrayLike,
    known_identities: ArrayLike,
    *,
    rule: Rule = "max",
    progress: Progress | None = None,
) -> Named:
    """Give every probe (P, D) the identity whose templates (T, D) it scores highest with.

    Identities are int64 numbers, (P,) and (T,). Raises `EvaluationError` `nothing_to_search`.
    """
    asked, stored = unit_rows(probes), unit_rows(known)
    truth = np.asarray(probe_identities, np.int64)
    owners = np.asarray(known_identities, np.int64)
    if not len(asked) or not len(stored):
        raise EvaluationError("nothing_to_search", "there are no probes or no known templates")
    order = np.argsort(owners, kind="stable")
    stored, owners = stored[order], owners[order]
    people, first = np.unique(owners, return_index=True)
    starts = first.astype(np.int64)
    lengths = centroid_lengths(stored, starts)
    answer, rank = np.empty(len(asked), np.int64), np.zeros(len(asked), np.int64)
    for start in range(0, len(asked), _BLOCK):
        part = slice(start, min(start + _BLOCK, len(asked)))
        fused = fuse_people(rule, asked[part] @ stored.T, starts, lengths)
        answer[part] = people[fused.argmax(axis=1)]
        place = np.clip(np.searchsorted(people, truth[part]), 0, len(people) - 1)
        own = fused[np.arange(len(fused)), place]
        reached = (fused >= own[:, None]).sum(axis=1)
        rank[part] = np.where(people[place] == truth[part], reached, 0)
        if progress is not None:
            progress(part.stop, len(asked))
    return Named(answer, rank)
