"""Asking a gallery about many photos, photo by photo, as a job."""

import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any
from uuid import UUID

from django.core.files.base import File
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import Count, Q
from django.urls import reverse

from faceplatform.core import audit, jobs, storage
from faceplatform.core.actors import Actor
from faceplatform.core.errors import Conflict, DomainError
from recognition.models import Gallery, Probe, ProbeBatch, ProbeBatchItem, ProbeFace
from recognition.selectors.answers import csv_line
from recognition.services.asking import DEFAULT, Options, check_options, threshold_for_call
from recognition.services.identification import look_in, store_answers
from recognition.services.import_sources import Entry, EntryRefused, ZipSource
from recognition.services.vision import get_pipeline

KIND = "recognition.identify_batch"
MOST_FILES = 200
_SPOOL = 16 * 1024 * 1024
_COLUMNS = [
    "path", "face", "decision", "identity", "score", "threshold", "quality", "x1", "y1", "x2", "y2",
    "code", "probe_id",
]  # fmt: skip


def start_batch(
    *,
    gallery: Gallery,
    name: str,
    archive: "File[Any]",
    options: Options = DEFAULT,
    actor: Actor,
) -> ProbeBatch:
    """Store a zip of photos with the job that asks about each. The zip is checked as a whole first.

    Raises DomainError with the archive's code or an option's, Conflict `gallery_not_searchable`.
    """
    check_options(options)
    if not gallery.searchable:
        raise Conflict("gallery_not_searchable", "This gallery is closed to searches.")
    threshold_for_call(gallery, options)
    with closing(ZipSource(archive.file, size=archive.size or 0)) as source:  # type: ignore[arg-type]
        source.entries()
    archive.seek(0)
    key = storage.put_archive(gallery.organization_id, archive)
    with transaction.atomic():
        batch = ProbeBatch.objects.create(
            organization_id=gallery.organization_id,
            gallery=gallery,
            name=name[:255],
            archive=key,
            options=options.chosen(),
        )
        batch.job = jobs.enqueue(
            kind=KIND,
            title=f"Identifying {name} in {gallery.name}",
            organization_id=gallery.organization_id,
            actor=actor,
            payload={"batch": str(batch.pk)},
        )
        batch.save(update_fields=["job"])
        audit.record(
            organization_id=gallery.organization_id,
            actor=actor,
            action="identify.batch",
            target_type="gallery",
            target_id=gallery.pk,
            target_label=gallery.name,
            data={"batch": str(batch.pk), "name": batch.name},
        )
    return batch


def packed(uploads: Sequence[UploadedFile]) -> "File[Any]":
    """Put uploaded photos in one zip, unpacked as they are; a repeated name stays a photo."""
    spool = tempfile.SpooledTemporaryFile(_SPOOL)  # noqa: SIM115  the caller's File closes it
    with zipfile.ZipFile(spool, "w", zipfile.ZIP_STORED) as out:
        for number, upload in enumerate(uploads, start=1):
            info = zipfile.ZipInfo((upload.name or f"photo {number}").rpartition("/")[2])
            out.writestr(info, upload.read())
    size = spool.tell()
    spool.seek(0)
    made: File[Any] = File(spool, name="photos.zip")
    made.size = size
    return made


def run_batch(context: jobs.JobContext) -> dict[str, Any]:
    """Ask about every photo that has no line yet; safe to run again after any interruption.

    Answer and line of a photo are one transaction under the job's token.
    """
    batch = ProbeBatch.objects.select_related("gallery__model_version").get(
        pk=context.payload["batch"]
    )
    context.at_end(lambda: storage.delete_archive(batch.archive))
    get_pipeline(batch.gallery.model_version)
    with closing(_source(batch)) as source:
        entries = source.entries()
        done = set(batch.items.values_list("number", flat=True))
        for position, entry in enumerate(entries):
            context.progress(position, len(entries), entry.path)
            if entry.number not in done:
                _answer(batch, source, entry, context)
    context.progress(len(entries), len(entries), force=True)
    counts = counts_of(batch)
    return {
        "sentence": _sentence(counts),
        "url": reverse("probe_batch", args=[batch.pk]),
        "counts": counts,
    }


def counts_of(batch: ProbeBatch) -> dict[str, int]:
    """Return how many photos were answered and refused, and in how many somebody was named."""
    named = ProbeFace.objects.filter(decision="identified").values("probe_id")
    found = batch.items.aggregate(
        answered=Count("pk", filter=Q(code="")),
        refused=Count("pk", filter=~Q(code="")),
        named=Count("pk", filter=Q(probe_id__in=named)),
    )
    return {name: int(number) for name, number in found.items()}


def batch_csv(batch: ProbeBatch) -> Iterator[str]:
    """Yield one CSV line per face, and one for each photo without a face or an answer."""
    yield csv_line(_COLUMNS)
    items = batch.items.order_by("number").select_related("probe")
    items = items.prefetch_related("probe__faces__identity")
    for item in items.iterator(chunk_size=200):
        faces = list(item.probe.faces.all()) if item.probe else []
        for face in faces:
            yield csv_line([item.path, *_face_cells(face, item.probe)])
        if not faces:
            code = item.code or ("no_face" if item.probe else "answer_gone")
            probe = str(item.probe_id or "")
            yield csv_line([item.path, *[""] * (len(_COLUMNS) - 3), code, probe])


def _face_cells(face: ProbeFace, probe: Probe | None) -> list[str]:
    named = face.identity if face.decision == "identified" else None
    threshold = probe.threshold["value"] if probe else 0.0
    return [
        str(face.number),
        face.decision,
        named.name if named else "",
        "" if face.score is None else f"{face.score:.3f}",
        f"{threshold:.3f}",
        f"{face.quality:.3f}",
        *(str(max(0, round(value))) for value in (face.x1, face.y1, face.x2, face.y2)),
        face.reason,
        str(face.probe_id),
    ]


def _answer(batch: ProbeBatch, source: ZipSource, entry: Entry, context: jobs.JobContext) -> None:
    """Ask about one photo and write its line; a refusal is a line as well."""
    options = Options(**batch.options)
    code = detail = ""
    probe_id: UUID | None = None
    try:
        if entry.refusal is not None:
            raise entry.refusal
        data = source.read(entry)
        answers = look_in([batch.gallery], data, options)
    except EntryRefused as refusal:
        code, detail, answers = refusal.code, refusal.detail, []
    except DomainError as error:
        if error.status >= 500:
            raise
        code, detail, answers = error.code, error.detail, []
    with context.writing():
        if answers:
            name = entry.name.rpartition("/")[2]
            probe_id = store_answers(
                answers, data=data, name=name, actor=context.actor, options=options
            )[0].pk
        ProbeBatchItem.objects.create(
            batch=batch,
            number=entry.number,
            path=entry.path,
            code=code,
            detail=detail[:255],
            probe_id=probe_id,
        )


def _source(batch: ProbeBatch) -> ZipSource:
    try:
        handle = storage.open_archive(batch.archive)
    except FileNotFoundError as error:
        raise DomainError("archive_gone", "The uploaded photos are no longer there.") from error
    with handle:
        size = handle.seek(0, 2)
        handle.seek(0)
        return ZipSource(handle, size=size)


def _sentence(counts: dict[str, int]) -> str:
    answered, refused, named = counts["answered"], counts["refused"], counts["named"]
    parts = [f"{answered:,} photo{'s'[: answered != 1]} answered, somebody named in {named:,}"]
    if refused:
        parts.append(f"{refused:,} refused")
    return f"{'; '.join(parts)}."
