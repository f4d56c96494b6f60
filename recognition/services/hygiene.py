"""Looking through a gallery for images that are filed wrongly, doubled or poor, as a job."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any
from uuid import UUID

import numpy as np
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from faceplatform.core import audit, jobs
from faceplatform.core.actors import Actor
from recognition.models import (
    FaceImage,
    FaceState,
    FindingKind,
    Gallery,
    HygieneFinding,
    HygieneRun,
)
from recognition.selectors.templates import stored_vectors
from recognition.selectors.thresholds import cosine_threshold
from recognition.services.gates import limits_of, reasons_of
from recognition.services.protection import low_match_of
from recognition.vision.hygiene import Report, inspect

KIND = "recognition.hygiene"
MOST = 2000
"""Findings of one kind that are kept: more than anybody looks through."""
CHUNK = 1000


def start_hygiene(*, gallery: Gallery, actor: Actor) -> HygieneRun:
    """Queue a look through a gallery. Raises Conflict `already_running`."""
    with transaction.atomic():
        run = HygieneRun(organization_id=gallery.organization_id, gallery=gallery)
        run.job = jobs.enqueue(
            kind=KIND,
            title=f"Looking through {gallery.name}",
            organization_id=gallery.organization_id,
            actor=actor,
            payload={"run": str(run.pk)},
            dedupe_key=f"hygiene:{gallery.pk}",
        )
        run.save()
        audit.record(
            organization_id=gallery.organization_id,
            actor=actor,
            action="hygiene.start",
            target_type="gallery",
            target_id=gallery.pk,
            target_label=gallery.name,
        )
    return run


def run_hygiene(context: jobs.JobContext) -> dict[str, Any]:
    """Look through the gallery and replace its open findings in one transaction."""
    run = HygieneRun.objects.select_related("gallery__model_version").get(pk=context.payload["run"])
    gallery = run.gallery
    context.progress(0, None, "Reading templates", force=True)
    ids, vectors = stored_vectors(gallery)
    faces = {
        row[0]: (row[1], row[2])
        for row in FaceImage.objects.filter(gallery=gallery, identity__isnull=False)
        .values_list("pk", "identity_id", "state")
        .iterator(chunk_size=10_000)
    }
    kept = [row for row, pk in enumerate(ids) if pk in faces]
    ids, vectors = [ids[row] for row in kept], vectors[kept]
    numbers: dict[UUID, int] = {}
    people = np.array([numbers.setdefault(faces[pk][0], len(numbers)) for pk in ids], np.int64)
    held = np.array([faces[pk][1] != FaceState.ENROLLED for pk in ids], bool)
    report = inspect(
        vectors,
        people,
        held,
        threshold=cosine_threshold(gallery),
        low_match=lru_cache(maxsize=None)(lambda images: low_match_of(gallery, images=images)),
        on_progress=lambda done, total: context.progress(done, total, "Comparing images"),
    )
    found = [*_of_report(report, ids), *_of_quality(gallery)]
    owners = {pk: face[0] for pk, face in faces.items()}
    with context.writing():
        counts = _replace(gallery, found, owners)
        run.images, run.finished_at = len(ids), timezone.now()
        run.save(update_fields=["images", "finished_at"])
    total = sum(counts.values())
    return {
        "sentence": f"{len(ids):,} images compared, {total:,} worth a look in {gallery.name}.",
        "url": reverse("hygiene", args=[gallery.pk]),
        "counts": counts,
    }


@transaction.atomic
def dismiss(*, finding: HygieneFinding, actor: Actor, back: bool = False) -> HygieneFinding:
    """Say that a finding is none, so that it is not reported again; `back` takes that back."""
    finding.dismissed_at = None if back else timezone.now()
    finding.save(update_fields=["dismissed_at"])
    audit.record(
        organization_id=finding.organization_id,
        actor=actor,
        action="finding.restore" if back else "finding.dismiss",
        target_type="image",
        target_id=finding.face_id,
        target_label=str(finding.face),
        data={"finding": str(finding.pk), "kind": finding.kind},
    )
    return finding


def _of_report(report: Report, ids: list[UUID]) -> Iterator[HygieneFinding]:
    for suspect in report.suspects[:MOST]:
        alone = suspect.other_row < 0
        yield HygieneFinding(
            kind=suspect.kind,
            face_id=ids[suspect.row],
            other_id=None if alone else ids[suspect.other_row],
            score=None if alone else round(suspect.other, 3),
            own=round(suspect.own, 3),
            severity=round(suspect.severity, 4),
        )
    for kind, pairs in (
        (FindingKind.LOOK_ALIKE, report.look_alikes),
        (FindingKind.DUPLICATE, report.duplicates),
    ):
        for pair in pairs[:MOST]:
            yield HygieneFinding(
                kind=kind,
                face_id=ids[pair.second],
                other_id=ids[pair.first],
                score=round(pair.score, 3),
                severity=round(pair.score, 4),
            )


def _of_quality(gallery: Gallery) -> Iterator[HygieneFinding]:
    """Yield enrolled images that the gallery's limits would refuse today, the worst first."""
    limits = limits_of(gallery)
    rows = FaceImage.objects.filter(
        gallery=gallery, state=FaceState.ENROLLED, identity__isnull=False
    ).order_by("quality", "pk")
    found = 0
    for face in rows.iterator(chunk_size=2000):
        reasons = reasons_of(face, limits)
        if reasons:
            found += 1
            yield HygieneFinding(
                kind=FindingKind.LOW_QUALITY,
                face_id=face.pk,
                severity=round(1 - face.quality, 4),
                reasons=",".join(reasons),
            )
        if found == MOST:
            return


def _replace(
    gallery: Gallery, found: list[HygieneFinding], owners: dict[UUID, UUID]
) -> dict[str, int]:
    """Put new findings in the place of the open ones; what was dismissed stays dismissed."""
    HygieneFinding.objects.filter(gallery=gallery, dismissed_at=None).delete()
    present = set(
        FaceImage.objects.select_for_update(of=("self",), no_key=True)
        .filter(pk__in={pk for one in found for pk in (one.face_id, one.other_id) if pk})
        .order_by("pk")
        .values_list("pk", flat=True)
    )
    rows = []
    for one in found:
        if one.face_id not in present or (one.other_id and one.other_id not in present):
            continue
        one.organization_id, one.gallery = gallery.organization_id, gallery
        one.identity_id = owners[one.face_id]
        rows.append(one)
    HygieneFinding.objects.bulk_create(rows, batch_size=CHUNK, ignore_conflicts=True)
    open_now = HygieneFinding.objects.filter(gallery=gallery, dismissed_at=None)
    counts = {kind.value: 0 for kind in FindingKind}
    for kind in open_now.values_list("kind", flat=True):
        counts[kind] += 1
    return counts
