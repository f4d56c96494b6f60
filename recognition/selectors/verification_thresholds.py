"""From which score two faces count as one person: 1:1, not the threshold of a gallery."""

from dataclasses import asdict, dataclass
from typing import Any, cast

from faceplatform.core.errors import DomainError
from recognition.models import ModelVersion
from recognition.refusals import refusals
from recognition.selectors.calibrations import calibration_of_version
from recognition.selectors.score_kinds import Scoring
from recognition.vision.calibration import Calibration
from recognition.vision.fusion import DEFAULT_RULE, RULES, FusionCalibration
from recognition.vision.scoring import ScoreKind

RATES = (0.01, 0.001, 0.0001, 0.00001)
DEFAULT_RATE = 0.001
DEFAULT_PERSON_RULE: str = DEFAULT_RULE
NEAREST_RULE = "max"
RULE_WORDS = {
    "centroid": "Mean face of the person",
    "max": "Nearest image",
    "mean": "Mean over all images",
    "top_mean": "Mean of the three nearest images",
    "vote": "Vote of the images",
}


@dataclass(frozen=True, slots=True)
class VerificationThreshold:
    """A threshold of one comparison with the evidence behind it.

    `fmr` is the stated false match rate: the share of strangers taken for the same person. `rule`
    is empty for two photos; with a person, `anchors` is how many images were compared with. `pair`
    is the threshold of a single pair at the same rate. `kept_until` is the strictest rate among
    those on offer whose threshold is given in `others`. `kind` is the kind of score it is for.
    """

    value: float
    pair: float
    source: str
    text: str
    fmr: float
    rule: str
    anchors: int
    supported: bool
    others: dict[str, float]
    kind: str = "raw"

    def as_json(self) -> dict[str, Any]:
        """Return the form that a verification keeps."""
        return asdict(self)


def pair_threshold(version: ModelVersion, *, fmr: float = DEFAULT_RATE) -> VerificationThreshold:
    """Return the threshold of a single pair. Raises DomainError `rate_invalid`."""
    _check_rate(fmr)
    with refusals():
        calibration = calibration_of_version(version)
    choices = {rate: calibration.threshold_for(1, fpir=rate) for rate in RATES}
    chosen = choices[fmr]
    value = round(chosen.score, 4)
    return VerificationThreshold(
        value=value,
        pair=value,
        source="calibration",
        text=_text(fmr, chosen.supported),
        fmr=fmr,
        rule="",
        anchors=1,
        supported=chosen.supported,
        others={_key(rate): round(choice.score, 4) for rate, choice in choices.items()},
    )


def person_threshold(
    version: ModelVersion,
    *,
    rule: str = DEFAULT_PERSON_RULE,
    anchors: int,
    fmr: float = DEFAULT_RATE,
) -> VerificationThreshold:
    """Return the threshold of a fused score over so many images of a person.

    Fused scores are another kind of score: each rule and number of images has its own threshold.
    Raises DomainError `rate_invalid` or `rule_invalid`.
    """
    known = next((name for name in RULES if name == rule), None)
    if known is None:
        raise DomainError("rule_invalid", f"A rule is one of {', '.join(RULES)}.")
    pair = pair_threshold(version, fmr=fmr)
    if anchors == 1:
        return _of_rule(pair, rule, pair.value, 1, pair.supported, pair.others)
    if version.is_trained:
        return _bounded(version, pair, rule, anchors, fmr)
    with refusals():
        fusion = FusionCalibration.load(version.backbone)
    found = fusion.threshold(known, anchors, fmr)
    others = {_key(rate): round(fusion.threshold(known, anchors, rate).score, 4) for rate in RATES}
    return _of_rule(pair, rule, round(found.score, 4), anchors, found.supported, others)


def rule_for(scoring: Scoring, wanted: str | None) -> str:
    """Return the rule by which a gallery's person is compared: the wanted one, or the usual.

    The usual one is the nearest image where the gallery's scores are of another kind than plain
    cosines: the other rules have thresholds for plain cosines alone.
    """
    return wanted or (DEFAULT_PERSON_RULE if scoring.plain else NEAREST_RULE)


def nearest_threshold(
    scoring: Scoring, *, anchors: int, fmr: float = DEFAULT_RATE
) -> VerificationThreshold:
    """Return the threshold of the nearest of so many images, for the gallery's kind of score.

    One image's false match rate is `fmr` / anchors, so that all together pass at most `fmr` of the
    strangers (Bonferroni); images of one person are alike, so it is fewer. Raises DomainError
    `rate_invalid`.
    """
    _check_rate(fmr)
    with refusals():
        calibration = Calibration.load(
            scoring.calibration, kind=cast(ScoreKind, scoring.kind.value)
        )
    choices = {rate: calibration.threshold_for(anchors, fpir=rate) for rate in RATES}
    chosen = choices[fmr]
    how = f" of {scoring.kind.label.lower()} scores, for the nearest of {anchors} images"
    return VerificationThreshold(
        value=round(chosen.score, 4),
        pair=round(calibration.threshold_for(1, fpir=fmr).score, 4),
        source="calibration",
        text=_text(fmr, chosen.supported, how if anchors > 1 else how.split(",", maxsplit=1)[0]),
        fmr=fmr,
        rule=NEAREST_RULE,
        anchors=anchors,
        supported=chosen.supported,
        others={_key(rate): round(choice.score, 4) for rate, choice in choices.items()},
        kind=scoring.kind.value,
    )


def _bounded(
    version: ModelVersion, pair: VerificationThreshold, rule: str, anchors: int, fmr: float
) -> VerificationThreshold:
    """Return the threshold of the nearest of so many images, for a version without fused scores.

    No rule but `centroid` gives more than the nearest image does, so strangers pass it less often;
    nothing was measured, and the answer says so.
    """
    with refusals():
        calibration = calibration_of_version(version)
    found = {rate: round(calibration.threshold_for(anchors, fpir=rate).score, 4) for rate in RATES}
    others = {_key(rate): value for rate, value in found.items()}
    return _of_rule(pair, rule, found[fmr], anchors, False, others)


def stranger_words(version: ModelVersion, score: float) -> str:
    """Say how rarely two strangers score this high."""
    with refusals():
        rate = calibration_of_version(version).stranger_rate(score)
    if rate.one_in < 2:
        return "most strangers score this high"
    relation = "fewer than" if rate.bounded else "about"
    return f"{relation} 1 in {_two_digits(rate.one_in):,} strangers score this high"


def _two_digits(number: int) -> int:
    """Round to two significant digits: a calibration supports no more."""
    unit = 10 ** max(0, len(str(number)) - 2)
    return round(number / unit) * unit


def _of_rule(
    pair: VerificationThreshold,
    rule: str,
    value: float,
    anchors: int,
    supported: bool,
    others: dict[str, float],
) -> VerificationThreshold:
    return VerificationThreshold(
        value=value,
        pair=pair.value,
        source="calibration",
        text=_text(pair.fmr, supported, f", for {rule} over {anchors} image{'s'[: anchors > 1]}"),
        fmr=pair.fmr,
        rule=rule,
        anchors=anchors,
        supported=supported,
        others=others,
    )


def _text(fmr: float, supported: bool, how: str = "") -> str:
    one_in = round(1 / fmr)
    text = (
        f"1:1 threshold from the model's calibration{how}, not evaluated on your data: about "
        f"1 stranger in {one_in:,} would be taken for the same person"
    )
    return text if supported else f"{text}; the calibration has too few comparisons to vouch for it"


def _check_rate(fmr: float) -> None:
    if fmr not in RATES:
        known = ", ".join(f"{rate:g}" for rate in RATES)
        raise DomainError("rate_invalid", f"A false match rate is one of {known}.")


def _key(rate: float) -> str:
    return f"{rate:g}"
