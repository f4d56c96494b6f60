"""Images whose label is doubtful: they look like somebody else more than like their own person."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from training.evaluation.arrays import Doubles, EvaluationError, Ints, Progress, labels, unit_rows

_BLOCK = 512


@dataclass(frozen=True, slots=True)
class Suspect:
    """One doubtful image (row number) with the two comparisons that speak against its label.

    `own` is the row of the nearest image of its own person (-1: it is the person's only one) with
    `own_score`; `other` the nearest image of another person with `other_score`. `evidence` is
    other_score - own_score; higher is more doubtful. `single` images are measured against the
    score given as `usual`.
    """

    row: int
    evidence: float
    own: int
    own_score: float
    other: int
    other_score: float


def suspects(
    templates: ArrayLike,
    identities: ArrayLike,
    *,
    keep: int = 1500,
    usual: float | None = None,
    progress: Progress | None = None,
) -> tuple[Suspect, ...]:
    """The `keep` most doubtful of N images, most doubtful first; ties by row number.

    `templates` float32 (N, D), `identities` (N,). A person's only image has no own score; `usual`
    stands for it: by default the median of the other images' own scores. A wrong label makes the
    other image of the same two-image person doubtful as well: the pair is what to look at.
    """
    rows = unit_rows(templates)
    label = labels(identities, len(rows))
    if label.max(initial=0) == 0:
        raise EvaluationError("one_identity", "doubtful labels need at least two people")
    own, own_at, other, other_at = nearest(rows, label, progress)
    alone = ~np.isfinite(own)
    if usual is None:
        usual = float(np.median(own[~alone])) if not alone.all() else 1.0
    evidence = other - np.where(alone, usual, own)
    order = np.lexsort((np.arange(len(rows)), -evidence))[:keep]
    return tuple(
        Suspect(
            int(row),
            float(evidence[row]),
            int(own_at[row]),
            float(own[row]) if not alone[row] else float(usual),
            int(other_at[row]),
            float(other[row]),
        )
        for row in order
    )


def nearest(
    rows: np.ndarray[tuple[int, int], np.dtype[np.float32]],
    label: Ints,
    progress: Progress | None = None,
) -> tuple[Doubles, Ints, Doubles, Ints]:
    """Of each row the nearest of its own and of another identity: (score, row, score, row).

    Minus infinity and -1 where there is none.
    """
    order = np.argsort(label, kind="stable")
    rows, label = rows[order], label[order]
    count = len(rows)
    own, other = np.full(count, -np.inf), np.full(count, -np.inf)
    own_at, other_at = np.full(count, -1, np.int64), np.full(count, -1, np.int64)
    starts = np.searchsorted(label, label, "left")
    stops = np.searchsorted(label, label, "right")
    for start in range(0, count, _BLOCK):
        stop = min(start + _BLOCK, count)
        scores = rows[start:stop] @ rows.T
        for row in range(start, stop):
            mine = scores[row - start, starts[row] : stops[row]]
            if len(mine) > 1:
                mine[row - starts[row]] = -np.inf
                place = int(mine.argmax())
                own[row], own_at[row] = mine[place], order[starts[row] + place]
            mine[:] = -np.inf
        best = scores.argmax(axis=1)
        other[start:stop] = scores[np.arange(stop - start), best]
        other_at[start:stop] = order[best]
        if progress is not None:
            progress(stop, count)
    back = np.argsort(order, kind="stable")
    return own[back], own_at[back], other[back], other_at[back]
