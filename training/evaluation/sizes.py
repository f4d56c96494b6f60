"""How open-set figures change with the size of the gallery."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from recognition.vision.fusion import Rule
from training.evaluation.arrays import (
    Doubles,
    EvaluationError,
    Floats,
    Ints,
    Progress,
    labels,
    unit_rows,
)
from training.evaluation.identification import (
    Searches,
    SizeResult,
    named_scores,
    search,
    threshold_at_fpir,
)
from training.evaluation.resampling import clustered
from training.evaluation.uncertainty import (
    Estimate,
    Measured,
    NotSupported,
    Rate,
    supports,
    trials_needed,
    wilson,
)

TARGET_FPIR = 1e-2
MOST_STRANGERS = 1000


@dataclass(frozen=True, slots=True, eq=False)
class _Draw:
    """One gallery: rows enrolled, mated probes, strangers."""

    gallery: Ints
    probes: Ints
    strangers: Ints


def by_gallery_size(
    templates: ArrayLike,
    identities: ArrayLike,
    sizes: tuple[int, ...],
    *,
    draws: int = 20,
    rule: Rule = "max",
    seed: int = 0,
    progress: Progress | None = None,
) -> tuple[SizeResult, ...]:
    """Galleries of several sizes drawn from N templates, each `draws` times; FNIR at FPIR 1 %.

    A gallery has so many people with two or more images, each without one image, which is searched;
    one image each of up to 1,000 other people are the strangers. The threshold is one for all draws
    of a size. Sizes that leave no stranger are left out. People are the clusters of the intervals.
    """
    rows = unit_rows(templates)
    label = labels(identities, len(rows))
    able = np.flatnonzero(np.bincount(label) > 1)
    people = int(label.max(initial=-1)) + 1
    possible = [size for size in sizes if 0 < size <= len(able) and size < people]
    if sizes and not possible:
        raise EvaluationError("too_few_people", "too few people have two images")
    rng = np.random.default_rng(seed)
    results = []
    for number, size in enumerate(possible):
        outcomes: list[Searches] = []
        probed: list[Ints] = []
        for draw in range(draws):
            parts = _drawn(label, able, size, rng)
            outcomes.append(_search(rows, label, parts, rule))
            probed.append(label[parts.probes])
            if progress is not None:
                progress(number * draws + draw + 1, len(possible) * draws)
        results.append(_result(size, outcomes, np.concatenate(probed)))
    return tuple(results)


def _drawn(label: Ints, able: Ints, size: int, rng: np.random.Generator) -> _Draw:
    chosen = rng.choice(able, size, replace=False)
    order = rng.permutation(len(label))
    _, first = np.unique(label[order], return_index=True)
    one_each = order[first]  # one image of each person
    inside = np.isin(label, chosen)
    probes = one_each[inside[one_each]]
    strangers = rng.permutation(one_each[~inside[one_each]])[:MOST_STRANGERS]
    gallery = np.setdiff1d(np.flatnonzero(inside), probes)
    return _Draw(gallery, probes, strangers)


def _search(rows: Floats, label: Ints, draw: _Draw, rule: Rule) -> Searches:
    asked = np.concatenate([draw.probes, draw.strangers])
    return search(
        rows[asked], label[asked], rows[draw.gallery], label[draw.gallery], rules=(rule,)
    )[rule]


def _result(size: int, outcomes: list[Searches], people: Ints) -> SizeResult:
    """Figures of all draws; `people` are those of the mated searches, in order."""
    strangers: Doubles = np.concatenate([one.top[~one.enrolled] for one in outcomes])
    own = np.concatenate([named_scores(one) for one in outcomes])
    draws = len(outcomes)
    missed = clustered(~np.isfinite(own), people)
    if isinstance(missed, Rate):
        span = missed.interval
        turned = type(span)(1 - span.high, 1 - span.low, span.level, span.method)
        rank_1 = Estimate(1 - missed.value, turned)
    else:
        rank_1 = Estimate(1.0, wilson(len(own), len(own)))
    if not supports(len(strangers), TARGET_FPIR):
        none: Measured = NotSupported(len(strangers), None, trials_needed(TARGET_FPIR))
        return SizeResult(size, draws, rank_1, none, None)
    threshold = threshold_at_fpir(strangers, TARGET_FPIR)
    return SizeResult(size, draws, rank_1, clustered(own < threshold, people), threshold)
