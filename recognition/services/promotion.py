"""Giving a gallery another model: embed first, switch at once, go back the same way."""

import time
from typing import Any

import numpy as np
from django.db import transaction
from django.urls import reverse

from faceplatform.core import audit, jobs
from faceplatform.core.actors import Actor
from faceplatform.core.errors import Conflict, DomainError
from faceplatform.core.models import Job
from faceplatform.core.models.job import ACTIVE_STATES
from recognition.models import (
    Cohort,
    EnsembleComponent,
    FaceTemplate,
    Gallery,
    ImportRun,
    ModelVersion,
    ScoreKind,
    TrainedHead,
)
from recognition.refusals import refusals
from recognition.selectors.calibrations import calibration_of_version
from recognition.selectors.embeddings import templates_of_faces
from recognition.services.holding import hold_gallery
from recognition.services.reembedding import embed_missing, missing_faces, store_embeddings
from recognition.services.thresholds import refresh_threshold
from recognition.services.vision import get_pipeline
from recognition.vision.heads import Head

KIND = "recognition.promote"
_BATCH = 1000
SETTLING = 1.0
"""Seconds after the switch in which a photo that was being added gets its template as well."""


def start_promotion(
    *, gallery: Gallery, version: ModelVersion, actor: Actor, ring: bool = True
) -> Job:
    """Ask for another model. The gallery answers with its present one until all is embedded.

    Going back is asking for the earlier model: its templates are still there. Raises Conflict
    `model_active`, `gallery_busy` or `already_running`, DomainError `model_uncalibrated` or 404
    codes of a version of another organization.
    """
    if version.organization_id not in {None, gallery.organization_id}:
        raise DomainError("model_unknown", "There is no such model.", status=404)
    if gallery.model_version_id == version.pk:
        raise Conflict("model_active", f"{gallery.name} uses {version.name} already.")
    with refusals():
        calibration_of_version(version)
    if ImportRun.objects.filter(gallery=gallery, job__state__in=ACTIVE_STATES).exists():
        raise Conflict("gallery_busy", "An import into this gallery is running; wait for its end.")
    with transaction.atomic():
        job = jobs.enqueue(
            kind=KIND,
            title=f"Giving {gallery.name} the model {version.name}",
            organization_id=gallery.organization_id,
            actor=actor,
            payload={"gallery": str(gallery.pk), "version": str(version.pk)},
            dedupe_key=f"promote:{gallery.pk}",
            ring=ring,
        )
        _record(gallery, "model.promote", actor, {"version": str(version.pk), "job": str(job.pk)})
    return job


def run_promotion(context: jobs.JobContext) -> dict[str, Any]:
    """Embed what is missing, then switch; run again, it goes on where templates are missing.

    Raises DomainError where the version or its components cannot be used.
    """
    gallery = Gallery.objects.select_related("model_version").get(pk=context.payload["gallery"])
    version = ModelVersion.objects.get(pk=context.payload["version"])
    before = gallery.model_version
    get_pipeline(version)
    if before.pk != version.pk:
        lost = _embed(gallery, version, context)
        _switch(gallery, version, context)
    else:
        lost = 0  # an attempt before this one got as far as the switch
    time.sleep(SETTLING)
    _embed(gallery, version, context)
    said = f"{gallery.name} now answers with {version.name}."
    if lost:
        said += f" {lost:,} images could not be read and are no longer found."
    return {"sentence": said, "url": reverse("gallery", args=[gallery.pk]), "lost": lost}


def earlier_versions(gallery: Gallery) -> list[ModelVersion]:
    """Return other versions with templates of this gallery: those that it can go back to."""
    rows = FaceTemplate.objects.filter(gallery=gallery).exclude(
        model_version_id=gallery.model_version_id
    )
    ids = rows.order_by().values_list("model_version_id", flat=True).distinct()
    return list(ModelVersion.objects.filter(pk__in=list(ids)).order_by("name"))


@transaction.atomic
def clean_up(*, gallery: Gallery, version: ModelVersion, actor: Actor) -> int:
    """Delete a gallery's templates of a version it no longer uses; return how many.

    Raises Conflict `model_active`.
    """
    used = {gallery.model_version_id}
    if gallery.ensemble_id is not None:
        parts = EnsembleComponent.objects.filter(ensemble_id=gallery.ensemble_id)
        used |= set(parts.values_list("version_id", flat=True))
    if version.pk in used:
        raise Conflict("model_active", f"{gallery.name} uses {version.name}.")
    rows = FaceTemplate.objects.filter(gallery=gallery, model_version=version)
    count = rows.count()
    rows.delete()
    _record(gallery, "model.clean_up", actor, {"version": str(version.pk), "templates": count})
    return count


def _embed(gallery: Gallery, version: ModelVersion, context: jobs.JobContext) -> int:
    """Make the missing templates: of a head from stored ones, the rest from the photos."""
    if version.is_trained:
        _map_stored(gallery, version, context)
    return embed_missing(gallery, version, context)


def _map_stored(gallery: Gallery, version: ModelVersion, context: jobs.JobContext) -> None:
    """Map the components' stored templates; a face that lacks one of them is left for later."""
    rows = EnsembleComponent.objects.filter(ensemble=version).select_related("version")
    components = [row.version for row in rows.order_by("number")]
    with refusals():
        head = Head.from_bytes(bytes(TrainedHead.objects.get(version=version).content))
    todo = missing_faces(gallery, version)
    for start in range(0, len(todo), _BATCH):
        part = todo[start : start + _BATCH]
        found = [templates_of_faces(part, one) for one in components]
        known = [dict(zip(one.faces, one.embeddings, strict=True)) for one in found]
        faces = [face for face in part if all(face in one for one in known)]
        if faces:
            sides = np.stack([np.concatenate([one[face] for one in known]) for face in faces])
            store_embeddings(gallery, version, faces, head.apply(sides), context)
        context.progress(start + len(part), len(todo), f"Embedding with {version.name}")


def _switch(gallery: Gallery, version: ModelVersion, context: jobs.JobContext) -> None:
    """Change model, kind of score and threshold together."""
    with context.writing():
        hold_gallery(gallery)
        before = gallery.model_version
        Cohort.objects.filter(gallery=gallery).delete()
        gallery.model_version, gallery.ensemble = version, None
        gallery.score_kind, gallery.default_threshold = ScoreKind.RAW, None
        gallery.save(update_fields=["model_version", "ensemble", "score_kind", "default_threshold"])
        refresh_threshold(gallery, anew=True)
        data = {"version_before": str(before.pk), "version": str(version.pk)}
        _record(gallery, "model.switch", context.actor, data)


def _record(gallery: Gallery, action: str, actor: Actor, data: dict[str, Any]) -> None:
    audit.record(
        organization_id=gallery.organization_id,
        actor=actor,
        action=action,
        target_type="gallery",
        target_id=gallery.pk,
        target_label=gallery.name,
        data=data,
    )
