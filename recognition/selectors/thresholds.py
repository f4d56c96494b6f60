"""The score from which a face counts as a known person."""

from dataclasses import asdict, dataclass
from typing import Any, cast

from recognition.models import Gallery, GalleryThreshold, ScoreKind
from recognition.refusals import refusals
from recognition.selectors.calibrations import calibration_of_version
from recognition.selectors.evaluated import active_threshold, stranger_share
from recognition.selectors.score_kinds import scoring_of
from recognition.selectors.templates import count_about
from recognition.vision.calibration import Calibration
from recognition.vision.scoring import ScoreKind as Kind

NOMINAL_FPIR = 0.01
REGROWTH = 1.25


@dataclass(frozen=True, slots=True)
class ThresholdInfo:
    """A threshold with the evidence behind it.

    `templates` is the gallery size it was made for, `fmr` the false match rate of one comparison
    at it, `expected_fpir` the share of strangers expected to be named, `supported` whether the
    calibration holds enough comparisons for the rate that was asked for. `threshold_id` is set
    where an evaluation stands behind it: that of the `GalleryThreshold`. `kind` is the kind of
    score it is for.
    """

    value: float
    source: str
    text: str
    templates: int
    fmr: float
    expected_fpir: float
    supported: bool
    threshold_id: str = ""
    kind: str = "raw"

    def as_json(self) -> dict[str, Any]:
        """Return the form that a probe keeps."""
        return asdict(self)


def threshold_of(gallery: Gallery) -> ThresholdInfo:
    """Return the gallery's threshold for its present size; writes nothing.

    An applied evaluation of the present model and kind of score comes first. The default asks the
    calibration of the gallery's model and kind for FMR = 0.01 / searchable templates, that is about
    one stranger in a hundred named. It is kept until the gallery has grown or shrunk by a quarter.
    """
    kind = scoring_of(gallery).kind
    applied = active_threshold(gallery)
    if applied is not None and applied.score_kind == kind:
        return evaluated_info(applied)
    return threshold_for_size(gallery, basis_of(gallery), kind)


def evaluated_info(row: GalleryThreshold) -> ThresholdInfo:
    """Return an applied threshold in the form that answers use."""
    one_in = two_digits(1 / row.fpir) if row.fpir > 0 else 0
    named = f"about 1 stranger in {one_in:,} is named" if one_in else "no stranger was named"
    return ThresholdInfo(
        value=row.value,
        source="evaluation",
        text=f"from the evaluation of {row.evaluated_at:%-d %B %Y}: {named}",
        templates=row.templates,
        fmr=row.fmr,
        expected_fpir=row.fpir,
        supported=row.supported,
        threshold_id=str(row.pk),
        kind=row.score_kind,
    )


def cosine_threshold(gallery: Gallery) -> float:
    """Return the threshold for plain cosines, whatever kind the gallery's answers use."""
    applied = active_threshold(gallery)
    if applied is not None and applied.score_kind == ScoreKind.RAW:
        return applied.value
    return threshold_for_size(gallery, basis_of(gallery), kind=ScoreKind.RAW).value


def stranger_sentence(gallery: Gallery, score: float, threshold: ThresholdInfo) -> str:
    """Say how rarely a stranger reaches this score, by the evidence behind the threshold."""
    row = None
    if threshold.threshold_id:
        row = GalleryThreshold.objects.filter(pk=threshold.threshold_id, gallery=gallery).first()
    if row is not None:
        share, bounded = stranger_share(row, score)
        one_in = 1 / share
    else:
        calibration = calibration_of(gallery, threshold.kind)
        rate = calibration.stranger_rate(score, threshold.templates)
        one_in, bounded = rate.one_in, rate.bounded
    if one_in < 2:
        return "most strangers score this high"
    relation = "fewer than" if bounded else "about"
    return f"{relation} 1 in {two_digits(one_in):,} strangers score this high"


def basis_of(gallery: Gallery) -> int:
    """Return the size the threshold is for: the stored one while the gallery is near it."""
    templates = count_about(gallery)
    stored = gallery.default_threshold_templates
    if stored and stored / REGROWTH <= templates < stored * REGROWTH:
        return stored
    return templates


def threshold_for_size(
    gallery: Gallery, templates: int, kind: ScoreKind | None = None
) -> ThresholdInfo:
    """Return the default threshold for so many templates, for the present kind if none is given."""
    kind = kind or scoring_of(gallery).kind
    choice = calibration_of(gallery, kind).threshold_for(templates, fpir=NOMINAL_FPIR)
    one_in = two_digits(1 / choice.expected_fpir)
    return ThresholdInfo(
        value=round(choice.score, 4),
        source="default",
        text=(
            f"default, not evaluated on your data: about 1 stranger in {one_in:,} would be named"
        ),
        templates=templates,
        fmr=choice.fmr,
        expected_fpir=choice.expected_fpir,
        supported=choice.supported,
        kind=kind,
    )


def calibration_of(gallery: Gallery, kind: str | None = None) -> Calibration:
    """Return the calibration of the gallery's model for a kind of score, the present one if None.

    Raises DomainError 503 where there is none.
    """
    wanted = ScoreKind(kind) if kind else scoring_of(gallery).kind
    version = gallery.model_version
    if wanted in {ScoreKind.FUSED, ScoreKind.FUSED_NORMALISED} and gallery.ensemble is not None:
        version = gallery.ensemble
    with refusals():
        return calibration_of_version(version, cast(Kind, wanted.value))


def two_digits(number: float) -> int:
    """Round to two significant digits: more would claim a precision that a calibration lacks."""
    if number < 10:
        return max(1, round(number))
    places = len(str(int(number))) - 2
    return int(round(number / 10**places) * 10**places)
