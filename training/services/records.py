"""What is stored of an evaluation: its report, and what a gallery's threshold needs of it."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from django.utils import timezone
from numpy.typing import NDArray

from training.evaluation import codec
from training.evaluation.classification import Classification
from training.evaluation.comparisons import PairList
from training.evaluation.headlines import percent, write_headline
from training.evaluation.identification import (
    Identification,
    Searches,
    ThresholdChoice,
    choose_threshold,
)
from training.evaluation.paired import ModelComparison
from training.evaluation.report import HardPair, Report, Subject
from training.evaluation.uncertainty import Measured, NotSupported, Rate, measured
from training.evaluation.verification import Verification
from training.models import Evaluation
from training.services.sources import Faces

BINS = 2048
"""Of the histograms that travel with a threshold."""
FPIR_CHOICES = (0.1, 0.05, 0.03, 0.02, 0.01, 0.005, 0.003, 0.001)
SHOWN = 200
VERSION = 1


def report_of(
    evaluation: Evaluation,
    faces: Faces,
    *,
    verification: Verification | None = None,
    identification: Identification | None = None,
    classification: Classification | None = None,
    models: ModelComparison | None = None,
    **sections: Any,
) -> Report:
    """Put the sections together; images are named by the ids of their faces.

    `sections` are further fields of `Report`.
    """
    other = evaluation.other_version.name if evaluation.other_version else ""
    subject = Subject(
        model=evaluation.model_version.name,
        model_digest=evaluation.model_version.digest,
        data=evaluation.source_name,
        protocol={"name": evaluation.protocol, "seed": evaluation.seed, "part": evaluation.part},
        images=len(faces.faces) + faces.failures,
        identities=len(set(faces.owners)),
        failures=faces.failures,
        input_kind=evaluation.input_kind,
    )
    return Report(
        title=str(evaluation),
        created=timezone.now().isoformat(timespec="seconds"),
        subject=subject,
        headline=write_headline(
            subject,
            verification=verification,
            identification=identification,
            classification=classification,
            models=models,
            other_model=other,
        ),
        verification=verification,
        identification=identification,
        classification=classification,
        models=models,
        other_model=other,
        **sections,
    )


def record_of(report: Report, choices: list[dict[str, Any]], **histograms: Any) -> dict[str, Any]:
    """Return what the row keeps."""
    return {
        "version": VERSION,
        "headline": headline(report, choices),
        "choices": choices,
        "report": report.to_dict(),
        **histograms,
    }


def hard_pairs(pairs: PairList, faces: Faces, *, mated: bool) -> tuple[HardPair, ...]:
    """Return the first pairs of a list by the ids of their faces."""
    rows = zip(pairs.first[:SHOWN], pairs.second[:SHOWN], pairs.scores[:SHOWN], strict=True)
    return tuple(
        HardPair(str(faces.faces[one]), str(faces.faces[two]), round(float(score), 4), mated)
        for one, two, score in rows
    )


def hardest(
    pairs: Sequence[tuple[str, str, bool]],
    scores: NDArray[np.float64],
    mated: NDArray[np.bool_],
    *,
    wanted: bool,
) -> tuple[HardPair, ...]:
    """Return the mated pairs with the lowest scores, or the nonmated ones with the highest."""
    rows = np.flatnonzero((mated == wanted) & np.isfinite(scores))
    order = rows[np.argsort(scores[rows] if wanted else -scores[rows], kind="stable")][:SHOWN]
    return tuple(
        HardPair(pairs[row][0], pairs[row][1], round(float(scores[row]), 4), wanted)
        for row in order.tolist()
    )


def packed_counts(counts: NDArray[np.int64]) -> dict[str, Any]:
    """Return a histogram over -1..1 in `BINS` bins without its empty ends."""
    return _packed(counts.reshape(BINS, -1).sum(axis=1))


def packed_scores(scores: NDArray[np.float64]) -> dict[str, Any]:
    """Return the histogram of scores; those of probes without a template count below all."""
    inside = np.clip(np.where(np.isfinite(scores), scores, -1.0), -1.0, 1.0)
    return _packed(np.histogram(inside, bins=BINS, range=(-1.0, 1.0))[0])


def _packed(counts: NDArray[np.int64]) -> dict[str, Any]:
    used = np.flatnonzero(counts)
    first, last = (int(used[0]), int(used[-1])) if len(used) else (0, 0)
    return {"bins": BINS, "first_bin": first, "counts": counts[first : last + 1].tolist()}


def choices_of(
    verification: Verification, searches: Searches, *, seed: int
) -> list[dict[str, Any]]:
    """Return the thresholds that a person may choose, with what each of them costs."""
    strangers = searches.top[~searches.enrolled]
    people = searches.person[~searches.enrolled]
    found = []
    for rate in FPIR_CHOICES:
        choice = choose_threshold(strangers, rate, people=people, seed=seed)
        if isinstance(choice, ThresholdChoice):
            costs = _costs("fpir", rate, choice.threshold, verification, searches)
            costs |= {"fpir_low": choice.interval.low, "fpir_high": choice.interval.high}
            found.append(costs)
    return found + [
        _costs("fmr", point.target_fmr, point.threshold, verification, searches)
        for point in verification.points
        if point.threshold is not None
    ]


def _costs(
    target: str, rate: float, threshold: float, verification: Verification, searches: Searches
) -> dict[str, Any]:
    """Return what one threshold does to strangers and to enrolled people."""
    value = round(float(threshold), 4)
    strangers = searches.top[~searches.enrolled]
    named = measured(int((strangers >= value).sum()), len(strangers))
    own, rank = searches.own[searches.enrolled], searches.rank[searches.enrolled]
    missed = measured(int(((rank != 1) | (own < value)).sum()), len(own))
    curve = verification.curve
    place = min(int(np.searchsorted(curve.thresholds, value)), len(curve.fmr) - 1)
    low, high = bounds(named)
    miss_low, miss_high = bounds(missed)
    return {
        "target": target,
        "rate": rate,
        "threshold": value,
        "fmr": float(curve.fmr[place]),
        "fpir": named.value if isinstance(named, Rate) else 0.0,
        "fpir_low": low,
        "fpir_high": high,
        "strangers": len(strangers),
        "misses": (missed.value if isinstance(missed, Rate) else 0.0) if len(own) else None,
        "misses_low": miss_low if len(own) else None,
        "misses_high": miss_high if len(own) else None,
        "mated": len(own),
        "sound": isinstance(named, Rate) and named.sound,
        "counts": codec.encode({"fpir": named, "misses": missed}),
    }


def bounds(rate: Measured) -> tuple[float, float]:
    """Return the interval of a measured rate; 0 to its bound where nothing was counted."""
    if isinstance(rate, NotSupported):
        return 0.0, 1.0 if rate.upper is None else rate.upper
    return rate.interval.low, rate.interval.high


def headline(report: Report, choices: list[dict[str, Any]]) -> str:
    """Say the most important finding in one sentence, with its interval."""
    named = [c for c in choices if c["target"] == "fpir" and c["mated"]]
    chosen = next((c for c in named if c["rate"] <= 0.01), named[-1] if named else None)
    if chosen is None:
        return report.headline.sentences[0]
    found = percent(1 - chosen["misses"])
    low, high = (
        percent(1 - chosen[key]).removesuffix(" %") for key in ("misses_high", "misses_low")
    )
    one_in = round(1 / chosen["rate"])
    return f"Finds {found} ({low}-{high}) of enrolled people while naming 1 stranger in {one_in:,}."
