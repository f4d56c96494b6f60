"""Changing how a gallery scores: a job, because every template is measured or embedded for it."""

import secrets
from typing import Any

import numpy as np
from django.db import transaction
from django.db.models import Count
from django.urls import reverse

from faceplatform.core import audit, jobs
from faceplatform.core.actors import SYSTEM, Actor
from faceplatform.core.errors import Conflict, DomainError
from faceplatform.core.models import Job
from recognition.models import (
    Cohort,
    CohortMember,
    FaceTemplate,
    Gallery,
    ModelVersion,
    ScoreKind,
)
from recognition.selectors import templates
from recognition.selectors.score_kinds import ActiveCohort, active_cohorts, components_of
from recognition.services.cohorts import statistics, write_norms
from recognition.services.holding import hold_gallery
from recognition.services.model_versions import ensemble_with
from recognition.services.person_scores import check_rule
from recognition.services.reembedding import embed_missing
from recognition.services.thresholds import refresh_threshold
from recognition.vision.scoring import COHORT_LEAST, COHORT_SIZE

KIND = "recognition.scoring"
_NORMALISED = (ScoreKind.NORMALISED, ScoreKind.FUSED_NORMALISED)
_FUSED = (ScoreKind.FUSED, ScoreKind.FUSED_NORMALISED)
_BATCH = 4096
REGROWTH = 2
"""A cohort is drawn anew when the gallery has so many times the people it had, or half is gone."""


def start_scoring(*, gallery: Gallery, kind: str, actor: Actor, ring: bool = True) -> Job:
    """Ask for another kind of score, or for the same one with a new cohort.

    The gallery answers as before until everything is stored; then kind and threshold change
    together. Raises DomainError `score_kind_invalid`, Conflict `gallery_too_small`,
    `no_ensemble`, `rule_not_for_kind` or `already_running`.
    """
    if kind not in ScoreKind.values:
        raise DomainError("score_kind_invalid", f"A kind of score is {', '.join(ScoreKind)}.")
    wanted = ScoreKind(kind)
    ensemble = ensemble_with(gallery.model_version) if wanted in _FUSED else None
    _check(gallery, wanted, ensemble)
    with transaction.atomic():
        job = jobs.enqueue(
            kind=KIND,
            title=f"{wanted.label} scores for {gallery.name}",
            organization_id=gallery.organization_id,
            actor=actor,
            payload={"gallery": str(gallery.pk), "kind": wanted.value},
            dedupe_key=f"scoring:{gallery.pk}",
            ring=ring,
        )
        audit.record(
            organization_id=gallery.organization_id,
            actor=actor,
            action="scoring.start",
            target_type="gallery",
            target_id=gallery.pk,
            target_label=gallery.name,
            data={"kind": wanted.value, "job": str(job.pk)},
        )
    return job


def run_scoring(context: jobs.JobContext) -> dict[str, Any]:
    """Embed and measure what is missing, then switch; run again, it begins with a new cohort."""
    gallery = Gallery.objects.select_related("model_version", "ensemble").get(
        pk=context.payload["gallery"]
    )
    kind = ScoreKind(context.payload["kind"])
    ensemble = ensemble_with(gallery.model_version) if kind in _FUSED else None
    _check(gallery, kind, ensemble)
    if ensemble is not None and gallery.ensemble_id != ensemble.pk:
        # From now on new faces are embedded by every component; scores stay as they are.
        Gallery.objects.filter(pk=gallery.pk).update(ensemble=ensemble)
        gallery.ensemble = ensemble
    versions = components_of(gallery) if ensemble is not None else (gallery.model_version,)
    for version in versions[1:]:
        embed_missing(gallery, version, context)
    cohorts = [_draw(gallery, v, context) for v in versions] if kind in _NORMALISED else []
    for cohort in cohorts:
        _measure(cohort, context)
    _switch(gallery, kind, ensemble, cohorts, context)
    for cohort in cohorts:  # templates that were written before the switch was seen
        _measure(cohort, context)
    return {
        "sentence": f"{gallery.name} now uses {kind.label.lower()} scores; "
        f"its threshold is {gallery.default_threshold:.3f}.",
        "url": reverse("gallery", args=[gallery.pk]),
    }


def keep_current() -> int:
    """Start jobs for galleries whose cohort no longer fits or lacks measurements; their number."""
    started = 0
    for gallery in Gallery.objects.filter(score_kind__in=_NORMALISED).select_related(
        "model_version", "ensemble"
    ):
        people = _people(gallery)
        cohorts = active_cohorts(gallery).values()
        if people < COHORT_LEAST or not any(_outdated(c, people) for c in cohorts):
            continue
        try:
            start_scoring(gallery=gallery, kind=gallery.score_kind, actor=SYSTEM)
        except Conflict:
            continue  # somebody asked for it already
        started += 1
    return started


def _outdated(cohort: ActiveCohort, people: int) -> bool:
    if people >= REGROWTH * cohort.people or 2 * cohort.members < min(cohort.people, COHORT_SIZE):
        return True
    return bool(templates.unmeasured(Cohort.objects.get(pk=cohort.id), limit=1)[0])


def _people(gallery: Gallery) -> int:
    found = FaceTemplate.objects.filter(
        gallery=gallery, model_version_id=gallery.model_version_id, searchable=True
    )
    return found.aggregate(n=Count("face__identity", distinct=True))["n"] or 0


def _check(gallery: Gallery, kind: ScoreKind, ensemble: ModelVersion | None) -> None:
    check_rule(gallery.fusion_rule, kind)
    if kind in _FUSED and ensemble is None:
        raise Conflict(
            "no_ensemble", f"There is no ensemble with {gallery.model_version.name} at its head."
        )
    people = _people(gallery) if kind in _NORMALISED else COHORT_LEAST
    if people < COHORT_LEAST:
        raise Conflict(
            "gallery_too_small",
            f"Cohort-normalised scores need at least {COHORT_LEAST} people with a searchable "
            f"image; there are {people}.",
        )


def _draw(gallery: Gallery, version: ModelVersion, context: jobs.JobContext) -> Cohort:
    """Choose one template each of at most COHORT_SIZE people by a new seed."""
    seed = secrets.randbits(32)
    rows = list(
        FaceTemplate.objects.filter(
            gallery=gallery, model_version=version, searchable=True, face__identity__isnull=False
        )
        .order_by("pk")
        .values_list("pk", "face__identity_id")
    )
    order = np.random.default_rng(seed).permutation(len(rows))
    chosen: dict[object, int] = {}
    for index in order:
        chosen.setdefault(rows[index][1], rows[index][0])
    members = list(chosen.values())[:COHORT_SIZE]
    with context.writing():
        hold_gallery(gallery)
        Cohort.objects.filter(gallery=gallery, model_version=version, active=False).delete()
        cohort = Cohort.objects.create(
            gallery=gallery, model_version=version, seed=seed, people=len(chosen)
        )
        present = set(FaceTemplate.objects.filter(pk__in=members).values_list("pk", flat=True))
        CohortMember.objects.bulk_create(
            CohortMember(cohort=cohort, template_id=pk) for pk in members if pk in present
        )
    return cohort


def _measure(cohort: Cohort, context: jobs.JobContext) -> None:
    """Store the statistics of every template that has none against this cohort."""
    active = ActiveCohort(cohort.pk, cohort.members.count(), cohort.people)
    total = FaceTemplate.objects.filter(
        gallery_id=cohort.gallery_id, model_version_id=cohort.model_version_id
    ).count()
    while True:
        ids, vectors = templates.unmeasured(cohort, limit=_BATCH)
        if not ids:
            return
        measured = statistics(active, vectors)
        if measured is None:
            raise Conflict("gallery_too_small", "Too few people are left to normalise scores with.")
        with context.writing():
            held = set(
                FaceTemplate.objects.select_for_update(no_key=True)
                .filter(pk__in=ids)
                .order_by("pk")
                .values_list("pk", flat=True)
            )
            kept = [index for index, pk in enumerate(ids) if pk in held]
            write_norms(cohort.pk, [ids[index] for index in kept], measured.rows(kept))
        context.progress(cohort.norms.count(), total, "Measuring templates")


def _switch(
    gallery: Gallery,
    kind: ScoreKind,
    ensemble: ModelVersion | None,
    cohorts: list[Cohort],
    context: jobs.JobContext,
) -> None:
    """Activate the cohorts, the kind and its threshold together."""
    with context.writing():
        hold_gallery(gallery)
        before = gallery.score_kind
        Cohort.objects.filter(gallery=gallery).exclude(
            pk__in=[cohort.pk for cohort in cohorts]
        ).delete()
        Cohort.objects.filter(pk__in=[cohort.pk for cohort in cohorts]).update(active=True)
        gallery.score_kind, gallery.ensemble = kind, ensemble
        gallery.default_threshold = None
        gallery.save(update_fields=["score_kind", "ensemble", "default_threshold"])
        refresh_threshold(gallery)
        audit.record(
            organization_id=gallery.organization_id,
            actor=context.actor,
            action="scoring.change",
            target_type="gallery",
            target_id=gallery.pk,
            target_label=gallery.name,
            data={"kind_before": before, "kind": kind.value},
        )
