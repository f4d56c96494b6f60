"""How a gallery's scores are made at present, and why."""

from dataclasses import dataclass

from django.db.models import Count

from recognition.models import Cohort, EnsembleComponent, Gallery, ModelVersion, Probe, ScoreKind
from recognition.vision.scoring import COHORT_LEAST

_WITHOUT_COHORT = {ScoreKind.NORMALISED: ScoreKind.RAW, ScoreKind.FUSED_NORMALISED: ScoreKind.FUSED}


@dataclass(frozen=True, slots=True)
class ActiveCohort:
    """The cohort of one version: its key and how many members are left."""

    id: int
    members: int
    people: int


@dataclass(frozen=True, slots=True)
class Scoring:
    """The kind of score a gallery uses, and what is needed to make it.

    `kind` may be simpler than the gallery's own where it is too small now; `reason` says so.
    `calibration` names the calibration file. `versions` are the components, the one that finds the
    candidates first, and `cohorts` theirs, None where nothing is normalised.
    """

    kind: ScoreKind
    reason: str
    calibration: str
    versions: tuple[ModelVersion, ...]
    cohorts: tuple[ActiveCohort | None, ...]

    @property
    def plain(self) -> bool:
        return self.kind == ScoreKind.RAW


def components_of(gallery: Gallery) -> tuple[ModelVersion, ...]:
    """Return every version of which the gallery's faces have templates, the first one first."""
    if gallery.ensemble_id is None:
        return (gallery.model_version,)
    rows = EnsembleComponent.objects.filter(ensemble_id=gallery.ensemble_id)
    return tuple(row.version for row in rows.select_related("version").order_by("number"))


def networks_of(probe: Probe) -> tuple[ModelVersion, ...]:
    """Return the versions that looked at a probe's faces, the first one first."""
    ids = probe.settings.get("networks", [])
    if not ids:
        return (probe.model_version,)
    found = {str(pk): version for pk, version in ModelVersion.objects.in_bulk(ids).items()}
    return tuple(found[pk] for pk in ids if pk in found)


def active_cohorts(gallery: Gallery) -> dict[object, ActiveCohort]:
    """Return the gallery's active cohorts by the id of their version."""
    rows = Cohort.objects.filter(gallery=gallery, active=True).annotate(left=Count("members"))
    return {row.model_version_id: ActiveCohort(row.pk, row.left, row.people) for row in rows}


def scoring_of(gallery: Gallery) -> Scoring:
    """Return how the gallery scores now; writes nothing.

    A gallery whose cohort has fallen below the least useful size scores without it, with the
    threshold of that simpler kind, and says so.
    """
    kind = ScoreKind(gallery.score_kind)
    first = gallery.model_version
    if kind == ScoreKind.RAW:
        return Scoring(kind, "", first.backbone, (first,), (None,))
    fused = kind in {ScoreKind.FUSED, ScoreKind.FUSED_NORMALISED} and gallery.ensemble is not None
    versions = components_of(gallery) if fused else (first,)
    name = gallery.ensemble.backbone if fused and gallery.ensemble else first.backbone
    if kind not in _WITHOUT_COHORT:
        return Scoring(kind, "", name, versions, (None,) * len(versions))
    found = active_cohorts(gallery)
    cohorts = tuple(found.get(version.pk) for version in versions)
    least = min((cohort.members if cohort else 0) for cohort in cohorts)
    if least >= COHORT_LEAST:
        return Scoring(kind, "", name, versions, cohorts)
    simpler = _WITHOUT_COHORT[kind]
    reason = (
        f"{simpler.label} scores for now: {kind.label.lower()} ones need a cohort of "
        f"{COHORT_LEAST} people, and {least} are left"
    )
    return Scoring(simpler, reason, name, versions, (None,) * len(versions))
