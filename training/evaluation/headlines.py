"""The result of an evaluation in words that need no knowledge of error rates."""

import math

from training.evaluation.classification import Classification
from training.evaluation.identification import Identification
from training.evaluation.paired import ModelComparison
from training.evaluation.report import Headline, Subject
from training.evaluation.uncertainty import Estimate, Interval, Measured, NotSupported, Rate
from training.evaluation.verification import Verification


def percent(share: float, digits: int | None = None) -> str:
    """A share as a percentage with two significant figures at least: "1.2 %", "0.031 %"."""
    value = share * 100
    if digits is None:
        digits = max(1, 1 - math.floor(math.log10(value))) if value > 0 else 0
    return f"{value:.{digits}f} %"


def of_hundred(share: float) -> str:
    """A share as a count of a round number: "2 of 100", "3 of 1,000"."""
    for whole in (100, 1000, 10_000, 100_000, 1_000_000):
        if share * whole >= 0.95:
            return f"{round(share * whole):,} of {whole:,}"
    return "fewer than 1 of 1,000,000"


def span(interval: Interval | None) -> str:
    """An interval in words, or nothing."""
    if interval is None:
        return ""
    return f" (95 % interval {percent(interval.low)} to {percent(interval.high)})"


def rate_text(rate: Measured) -> str:
    """A measured rate with its interval, or why there is none."""
    if isinstance(rate, NotSupported):
        bound = f", at most {percent(rate.upper)}" if rate.upper is not None else ""
        return f"{rate}{bound}"
    weak = "" if rate.sound else f"; only {rate.errors} errors"
    return f"{percent(rate.value)}{span(rate.interval)}{weak}"


def rate_cell(rate: Measured) -> str:
    """As `rate_text`, shorter: the interval in brackets."""
    if isinstance(rate, NotSupported):
        return rate_text(rate)
    low, high = percent(rate.interval.low), percent(rate.interval.high)
    return f"{percent(rate.value)} ({low} to {high}){'' if rate.sound else ' *'}"


def estimate_cell(found: Estimate | None) -> str:
    """As `estimate_text`, shorter."""
    if found is None or found.interval is None:
        return estimate_text(found)
    return (
        f"{percent(found.value)} ({percent(found.interval.low)} to {percent(found.interval.high)})"
    )


def estimate_text(found: Estimate | None) -> str:
    """A share with its interval, or a dash."""
    return "-" if found is None else f"{percent(found.value)}{span(found.interval)}"


def write_headline(
    subject: Subject,
    *,
    verification: Verification | None = None,
    identification: Identification | None = None,
    classification: Classification | None = None,
    models: ModelComparison | None = None,
    other_model: str = "",
) -> Headline:
    """Title and sentences for the sections there are; the first one gives the figure."""
    sentences: list[str] = []
    figures: list[Estimate | None] = []
    if identification is not None:
        sentences += _identification(identification)
        figures.append(identification.rules[0].rank_1)
    if verification is not None:
        sentences += _verification(verification)
        figures.append(verification.folds.accuracy if verification.folds else verification.eer)
    if classification is not None:
        sentences += _classification(classification)
        figures.append(classification.accuracy)
    if models is not None:
        sentences += _models(models, subject.model, other_model)
    sentences.append(_failures(subject))
    title = f"{subject.model} on {subject.data}"
    return Headline(title, tuple(sentences), figures[0] if figures else None)


def _verification(found: Verification) -> list[str]:
    sentences = []
    if found.folds is not None:
        accuracy = found.folds.accuracy
        sentences.append(
            f"Asked whether two photographs show the same person, it is right "
            f"{percent(accuracy.value, 2)} of the time{span(accuracy.interval)}."
        )
    # A target with fewer than 30 false matches behind it has an interval that frightens people.
    sound = [p for p in found.points if isinstance(p.fmr, Rate) and p.fmr.sound]
    if sound:
        point = min(sound, key=lambda p: abs(math.log(p.target_fmr / 1e-3)))
        sentences.append(
            f"Set so that {of_hundred(point.target_fmr)} pairs of different people are taken for "
            f"one, the share of pairs of one person that it misses is {rate_text(point.fnmr)}."
        )
    sentences.append(
        f"Where both errors are equal, each is {percent(found.eer.value)}"
        f"{span(found.eer.interval)}."
    )
    return sentences


def _identification(found: Identification) -> list[str]:
    best = found.rules[0]
    sentences = []
    if best.rank_1 is not None:
        sentences.append(
            f"Of people who are among the {found.gallery_people:,} enrolled, "
            f"{percent(best.rank_1.value)} are found first{span(best.rank_1.interval)}."
        )
    supported = [point for point in best.points if point.threshold is not None]
    if supported:
        point = min(supported, key=lambda p: abs(math.log(p.target_fpir / 1e-2)))
        sentences.append(
            f"When {of_hundred(point.target_fpir)} strangers may be given a name, the share of "
            f"enrolled people who are not named is {rate_text(point.fnir)}."
        )
    return sentences


def _classification(found: Classification) -> list[str]:
    accuracy = found.accuracy
    named = f"It names {percent(accuracy.value)} of {found.images:,} images correctly"
    return [f"{named}{span(accuracy.interval)}, among {len(found.classes):,} people."]


def _models(found: ModelComparison, first: str, second: str) -> list[str]:
    span_of, names = found.eer_difference.interval, (first, second)
    better = second if found.eer_difference.value < 0 else first
    sure = span_of is not None and (span_of.high < 0 or span_of.low > 0)
    rates = [f"{percent(rate)} with {n}" for rate, n in zip(_eers(found), names, strict=True)]
    clear = f"{better} is better" if sure else "the difference may be chance"
    only = found.mcnemar.only_first_right, found.mcnemar.only_second_right
    alone = f"{first} alone decides {only[0]:,} rightly, {second} alone {only[1]:,}"
    return [
        f"Where both errors are equal, each is {' and '.join(rates)}: {clear}.",
        f"Of {found.comparisons:,} pairs, {alone}; {_chance(found.mcnemar.p_value)}.",
    ]


def _eers(found: ModelComparison) -> tuple[float, float]:
    return found.first_eer, found.second_eer


def _chance(p_value: float) -> str:
    if p_value < 0.001:
        return "chance alone would hardly bring this (p below 0.001)"
    word = "hardly" if p_value < 0.05 else "easily"
    return f"chance alone would {word} bring this (p = {p_value:.3f})"


def _failures(subject: Subject) -> str:
    if not subject.failures:
        return f"A face was found in each of the {subject.images:,} images."
    return (
        f"No face was found in {subject.failures:,} of {subject.images:,} images "
        f"({percent(subject.failures / subject.images)}); they count as errors."
    )
