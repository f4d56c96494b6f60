"""Faces, templates and what points from one row to another."""

from typing import Any

from django.db import connection
from django.db.models import Exists, F, Model, OuterRef, Q, QuerySet, Subquery

from recognition.models import (
    FaceImage,
    FaceState,
    FaceTemplate,
    Identity,
    ImportRun,
    Probe,
    ProbeBatch,
    ProbeFace,
    ProbeMatch,
)
from recognition.selectors import templates
from recognition.services.doctor_findings import Findings, Progress
from recognition.services.faces import SAME_FACE_IOU

_BATCH = 1000

# Pairs of overlapping faces of one photo in one gallery: intersection over union of their boxes.
_TWICE = """
    SELECT pair.first, pair.second
      FROM (SELECT a.id AS first, b.id AS second,
                   greatest(0, least(a.x2, b.x2) - greatest(a.x1, b.x1))
                     * greatest(0, least(a.y2, b.y2) - greatest(a.y1, b.y1)) AS common,
                   (a.x2 - a.x1) * (a.y2 - a.y1) + (b.x2 - b.x1) * (b.y2 - b.y1) AS both_areas
              FROM recognition_faceimage a
              JOIN recognition_faceimage b
                ON b.photo_id = a.photo_id AND b.gallery_id = a.gallery_id AND b.id > a.id) pair
     WHERE pair.common > %s * (pair.both_areas - pair.common)
     ORDER BY pair.first, pair.second
"""

# Rows whose parents disagree about the organization or gallery they are in.
_FOREIGN: tuple[tuple[type[Model], Q], ...] = (
    (Identity, ~Q(organization_id=F("gallery__organization_id"))),
    (
        FaceImage,
        ~Q(organization_id=F("gallery__organization_id"))
        | ~Q(organization_id=F("photo__organization_id"))
        | Q(identity__isnull=False) & ~Q(gallery_id=F("identity__gallery_id")),
    ),
    (
        Probe,
        ~Q(organization_id=F("gallery__organization_id"))
        | Q(photo__isnull=False) & ~Q(organization_id=F("photo__organization_id")),
    ),
    (
        ProbeFace,
        Q(identity__isnull=False) & ~Q(probe__gallery_id=F("identity__gallery_id")),
    ),
    (ProbeMatch, ~Q(face__gallery_id=F("probe_face__probe__gallery_id"))),
    (
        ImportRun,
        ~Q(organization_id=F("gallery__organization_id"))
        | Q(job__isnull=False) & ~Q(organization_id=F("job__organization_id")),
    ),
    (
        ProbeBatch,
        ~Q(organization_id=F("gallery__organization_id"))
        | Q(job__isnull=False) & ~Q(organization_id=F("job__organization_id")),
    ),
)


def check_templates(findings: Findings, progress: Progress) -> dict[str, int]:
    """Every enrolled face is found by its template, no other face is."""
    progress(0, None, "Looking at templates")
    own = FaceTemplate.objects.filter(
        face=OuterRef("pk"), model_version=OuterRef("gallery__model_version")
    )
    lost = FaceImage.objects.filter(~Exists(own), state=FaceState.ENROLLED)
    _note(findings, "template_missing", lost, "face")
    _note(findings, "template_malformed", templates.malformed(), "template")
    hidden = FaceTemplate.objects.filter(searchable=False, face__state=FaceState.ENROLLED)
    shown = FaceTemplate.objects.filter(searchable=True).exclude(face__state=FaceState.ENROLLED)
    for wrong, right in ((hidden, True), (shown, False)):
        _note(findings, "template_searchable_wrong", wrong, "template", repaired=findings.repair)
        if findings.repair:
            wrong.update(searchable=right)
    strayed = FaceTemplate.objects.exclude(
        gallery_id=F("face__gallery_id"), organization_id=F("face__organization_id")
    )
    _note(findings, "template_gallery_wrong", strayed, "template", repaired=findings.repair)
    if findings.repair:
        face = FaceImage.objects.filter(pk=OuterRef("face_id"))
        strayed.update(
            gallery_id=Subquery(face.values("gallery_id")),
            organization_id=Subquery(face.values("organization_id")),
        )
    return {"faces": FaceImage.objects.count(), "templates": FaceTemplate.objects.count()}


def check_references(findings: Findings, progress: Progress) -> dict[str, int]:
    """Rows stay inside their organization and gallery; a face is in its gallery once."""
    progress(0, None, "Comparing rows")
    for model, wrong in _FOREIGN:
        name = str(model._meta.verbose_name)
        _note(findings, "reference_foreign", model._default_manager.filter(wrong), name)
    with connection.cursor() as cursor:
        cursor.execute(_TWICE, [SAME_FACE_IOU])
        while pairs := cursor.fetchmany(_BATCH):
            for first, second in pairs:
                findings.add("face_twice", f"faces {first} and {second}")
    return {"identities": Identity.objects.count(), "probes": Probe.objects.count()}


def _note(
    findings: Findings, code: str, rows: "QuerySet[Any]", name: str, *, repaired: bool = False
) -> None:
    for pk in rows.order_by("pk").values_list("pk", flat=True).iterator(chunk_size=_BATCH):
        findings.add(code, f"{name} {pk}", repaired=repaired)
