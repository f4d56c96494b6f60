"""Identification: who is it, and is it anybody at all? Closed-set ranks and open-set error rates.

FPIR: share of searches for people who are not in the gallery that return anybody at or above the
threshold. FNIR: share of searches for enrolled people that do not return that person first and at
or above the threshold (NIST FRTE 1:N; rank 1). A probe without a template is a miss and can be no
false positive.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from recognition.vision.fusion import RULES, Rule, centroid_lengths, fuse_people
from training.evaluation.arrays import (
    Doubles,
    EvaluationError,
    Flags,
    Floats,
    Ints,
    Progress,
    labels,
    unit_rows,
)
from training.evaluation.resampling import weights
from training.evaluation.uncertainty import (
    Estimate,
    Interval,
    Measured,
    NotSupported,
    Rate,
    measured,
    supports,
    trials_needed,
    wilson,
)

FPIR_TARGETS = (1e-1, 3e-2, 1e-2, 3e-3)
REPLICATES = 500
_BLOCK = 256


@dataclass(frozen=True, slots=True, eq=False)
class Searches:
    """Outcome of P searches under one rule.

    `top` float64 (P,): the highest fused score (minus infinity where the probe has no template);
    `own`: the fused score of the probe's person (minus infinity where not enrolled);
    `rank` int64: 1 up, of that person, ties counted against it; 0 where there is none;
    `person` int64 (P,): the probe's identity, numbered within this search; `enrolled` (P,): whether
    the gallery holds it.
    """

    rule: Rule
    top: Doubles
    own: Doubles
    rank: Ints
    person: Ints
    enrolled: Flags
    gallery_people: int
    gallery_templates: int


def search(
    probes: ArrayLike,
    probe_identities: ArrayLike,
    gallery: ArrayLike,
    gallery_identities: ArrayLike,
    *,
    rules: tuple[Rule, ...] = RULES,
    failed_identities: ArrayLike | None = None,
    progress: Progress | None = None,
) -> dict[Rule, Searches]:
    """Search every probe (P, D) in a gallery (T, D), once per rule.

    Probes of people who are not in the gallery are strangers. `failed_identities` (F,) are the
    identities of probes without a template. Raises `EvaluationError`.
    """
    asked, stored = unit_rows(probes), unit_rows(gallery)
    failed = np.asarray([] if failed_identities is None else failed_identities)
    if not len(stored) or not len(asked):
        raise EvaluationError("nothing_to_search", "there are no probes or no gallery templates")
    parts = [np.asarray(gallery_identities), np.asarray(probe_identities)]
    both = np.concatenate([*parts, failed] if len(failed) else parts)
    label = labels(both, len(stored) + len(asked) + len(failed))
    people, searched = label[: len(stored)], label[len(stored) :]
    order = np.argsort(people, kind="stable")
    index = _Gallery.of(stored[order], people[order])
    found = {rule: _empty(rule, searched, index) for rule in rules}
    for start in range(0, len(asked), _BLOCK):
        part = slice(start, min(start + _BLOCK, len(asked)))
        index.ask(asked[part], part, found)
        if progress is not None:
            progress(part.stop, len(asked))
    return found


@dataclass(frozen=True, slots=True, eq=False)
class _Gallery:
    rows: Floats
    people: Ints
    starts: Ints
    lengths: Floats

    @classmethod
    def of(cls, rows: Floats, people: Ints) -> "_Gallery":
        names, starts = np.unique(people, return_index=True)
        places = starts.astype(np.int64)
        return cls(rows, names.astype(np.int64), places, centroid_lengths(rows, places))

    def ask(self, probes: Floats, part: slice, found: dict[Rule, Searches]) -> None:
        scores = probes @ self.rows.T
        for rule, result in found.items():
            self._note(fuse_people(rule, scores, self.starts, self.lengths), part, result)

    def _note(self, fused: Floats, part: slice, result: Searches) -> None:
        result.top[part] = fused.max(axis=1)
        rows = np.flatnonzero(result.enrolled[part])
        if not len(rows):
            return
        column = np.searchsorted(self.people, result.person[part][rows])
        own = fused[rows, column]
        place = rows + part.start
        result.own[place] = own
        result.rank[place] = (fused[rows] >= own[:, None]).sum(axis=1)


def _empty(rule: Rule, searched: Ints, index: _Gallery) -> Searches:
    count = len(searched)
    return Searches(
        rule,
        np.full(count, -np.inf),
        np.full(count, -np.inf),
        np.zeros(count, np.int64),
        searched,
        np.isin(searched, index.people),
        len(index.people),
        len(index.rows),
    )


@dataclass(frozen=True, slots=True)
class OpenSetPoint:
    """Errors at the threshold that gives `target_fpir` on these strangers."""

    target_fpir: float
    threshold: float | None
    fpir: Measured
    fnir: Measured


@dataclass(frozen=True, slots=True)
class RuleResult:
    """Figures of one fusion rule. `rank_1` and `cmc` (rank 1, 2, ...) are shares of hits, 0..1.

    `curve_fpir` and `curve_fnir` are the detection-and-identification curve by `curve_thresholds`.
    """

    rule: Rule
    rank_1: Estimate | None
    cmc: tuple[float, ...]
    points: tuple[OpenSetPoint, ...]
    curve_thresholds: tuple[float, ...]
    curve_fpir: tuple[float, ...]
    curve_fnir: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class SizeResult:
    """Open-set figures of galleries of one size under the rule max, at FPIR 1 %."""

    people: int
    draws: int
    rank_1: Estimate | None
    fnir: Measured
    threshold: float | None


@dataclass(frozen=True, slots=True)
class Identification:
    """Searches in one gallery: figures per rule and, where asked for, per gallery size."""

    gallery_people: int
    gallery_templates: int
    mated_searches: int
    nonmated_searches: int
    failed_mated: int
    failed_nonmated: int
    rules: tuple[RuleResult, ...]
    sizes: tuple[SizeResult, ...] = ()


def identify(
    found: dict[Rule, Searches],
    *,
    sizes: tuple[SizeResult, ...] = (),
    ranks: int = 20,
    seed: int = 0,
) -> Identification:
    """Figures of searches. Without strangers the open-set points are `NotSupported`."""
    one = next(iter(found.values()))
    failed = ~np.isfinite(one.top)
    drawn = weights(int(one.person.max()) + 1, REPLICATES, seed)
    return Identification(
        one.gallery_people,
        one.gallery_templates,
        int(one.enrolled.sum()),
        int((~one.enrolled).sum()),
        int((failed & one.enrolled).sum()),
        int((failed & ~one.enrolled).sum()),
        tuple(_rule_result(searches, ranks, drawn) for searches in found.values()),
        sizes,
    )


def _rule_result(found: Searches, ranks: int, drawn: Doubles) -> RuleResult:
    mated = int(found.enrolled.sum())
    rank = found.rank[found.enrolled]
    hits = [int(((rank > 0) & (rank <= place)).sum()) for place in range(1, ranks + 1)]
    thresholds, fpir, fnir = open_set_curve(found)
    return RuleResult(
        found.rule,
        _share(hits[0], mated),
        tuple(hit / mated for hit in hits) if mated else (),
        tuple(open_set_point(found, target, drawn=drawn) for target in FPIR_TARGETS),
        tuple(thresholds.tolist()),
        tuple(fpir.tolist()),
        tuple(fnir.tolist()),
    )


def _share(hits: int, of: int) -> Estimate | None:
    return Estimate(hits / of, wilson(hits, of)) if of else None


def named_scores(found: Searches) -> Doubles:
    """The score with which each mated search succeeds; minus infinity if it cannot."""
    hit = found.rank[found.enrolled] == 1
    return np.where(hit, found.own[found.enrolled], -np.inf)


def open_set_curve(found: Searches, points: int = 200) -> tuple[Doubles, Doubles, Doubles]:
    """(thresholds, FPIR, FNIR) at up to `points` thresholds, FPIR falling evenly on a log scale."""
    strangers = np.sort(found.top[~found.enrolled])
    own = np.sort(named_scores(found))
    usable = strangers[np.isfinite(strangers)]
    if not len(usable) or not len(own):
        return np.zeros(0), np.zeros(0), np.zeros(0)
    reached = np.unique(np.geomspace(1, len(usable), points).round().astype(np.int64))[::-1]
    thresholds = usable[len(usable) - reached]
    fpir = (len(strangers) - np.searchsorted(strangers, thresholds, "left")) / len(strangers)
    fnir = np.searchsorted(own, thresholds, "left") / len(own)
    return thresholds, fpir, fnir


def threshold_at_fpir(strangers: Doubles, target: float) -> float:
    """The threshold at which a new stranger is named with a chance of `target`.

    `strangers` (S,): highest scores of searches for people who are not enrolled. Of S + 1
    exchangeable scores a new one is above the r-th highest of the others with chance r / (S + 1);
    between two of them the threshold is interpolated.
    """
    ordered = np.sort(strangers)[::-1]
    rank = target * (len(ordered) + 1)
    if rank < 1:
        return float(np.nextafter(ordered[0], np.inf))
    high = min(int(rank), len(ordered)) - 1
    low = min(high + 1, len(ordered) - 1)
    if not np.isfinite(ordered[low]):
        return float(np.nextafter(ordered[high], -np.inf))
    part = rank - int(rank)
    return float(ordered[high] + part * (ordered[low] - ordered[high]))


@dataclass(frozen=True, slots=True)
class ThresholdChoice:
    """A threshold for a target FPIR and what to expect of it.

    `interval` is for the share of `future` new strangers who will be named, its own uncertainty and
    that of the threshold included; with `future` None for the share in the long run.
    """

    target_fpir: float
    threshold: float
    interval: Interval
    strangers: int
    future: int | None


def choose_threshold(
    strangers: ArrayLike,
    target: float,
    *,
    people: ArrayLike | None = None,
    future: int | None = None,
    seed: int = 0,
) -> ThresholdChoice | NotSupported:
    """Choose a threshold on strangers, with a prediction interval of 95 %.

    `strangers` (S,): their highest scores; `people` (S,): whose they are, where some are asked for
    several times. The FPIR of a threshold at the r-th highest of S exchangeable scores is
    Beta(r, S + 1 - r) distributed, whatever the scores' distribution (order statistics); the share
    among `future` strangers is binomial on top.
    """
    values = np.asarray(strangers, np.float64)
    if bool(np.isnan(values).any()):
        raise EvaluationError("bad_scores", "scores contain NaN")
    if not supports(len(values), target):
        return NotSupported(len(values), None, trials_needed(target))
    threshold = threshold_at_fpir(values, target)
    effective = len(values) / _design_effect(values >= threshold, people)
    rng = np.random.default_rng(seed)
    rank = target * (effective + 1)
    shares = rng.beta(rank, effective + 1 - rank, 50_000)
    if future is not None:
        shares = rng.binomial(future, shares) / future
    low, high = np.quantile(shares, [0.025, 0.975])
    span = Interval(float(low), float(high), 0.95, "prediction, threshold included")
    return ThresholdChoice(target, threshold, span, len(values), future)


def _design_effect(named: Flags, people: ArrayLike | None) -> float:
    """By how much searches for the same person raise the variance of the share; 1 or more."""
    if people is None:
        return 1.0
    label = labels(people, len(named), "people")
    share = float(named.mean())
    if not 0 < share < 1:
        return 1.0
    residual = np.bincount(label, weights=named - share)
    return max(1.0, float((residual**2).sum()) / (len(named) * share * (1 - share)))


def open_set_point(
    found: Searches, target: float, *, drawn: Doubles | None = None, seed: int = 0
) -> OpenSetPoint:
    """FNIR at a target FPIR; its interval resamples people, enrolled and strangers alike.

    `drawn` (R, people) are the `weights` of the replicates; made from the seed where not given.
    """
    strangers, own = found.top[~found.enrolled], named_scores(found)
    if not supports(len(strangers), target) or not len(own):
        missing = NotSupported(len(strangers), None, trials_needed(target))
        return OpenSetPoint(target, None, missing, missing)
    threshold = threshold_at_fpir(strangers, target)
    fpir = measured(int((strangers >= threshold).sum()), len(strangers))
    missed = int((own < threshold).sum())
    fnir = measured(missed, len(own))
    if isinstance(fnir, Rate):
        if drawn is None:
            drawn = weights(int(found.person.max()) + 1, REPLICATES, seed)
        span = _fnir_interval(found, strangers, own, target, drawn)
        fnir = Rate(fnir.value, missed, len(own), span)
    return OpenSetPoint(target, threshold, fpir, fnir)


def _fnir_interval(
    found: Searches,
    strangers: Doubles,
    own: Doubles,
    target: float,
    drawn: Doubles,
) -> Interval:
    order = np.argsort(-strangers, kind="stable")
    weight = drawn[:, found.person[~found.enrolled][order]]
    reached = np.cumsum(weight, axis=1)
    wanted = target * (reached[:, -1:] + 1)
    place = np.minimum((reached < wanted).sum(axis=1), len(order) - 1)
    thresholds = strangers[order][place]
    mine = drawn[:, found.person[found.enrolled]]
    missed = np.array(
        [
            float(weight_of[own < threshold].sum() / max(weight_of.sum(), 1.0))
            for weight_of, threshold in zip(mine, thresholds, strict=True)
        ]
    )
    low, high = np.quantile(missed, [0.025, 0.975])
    return Interval(float(low), float(high), 0.95, "bootstrap over identities")
