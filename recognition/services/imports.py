"""Bringing a folder or a zip of people into a gallery, image by image, as a job."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from django.core.files.base import File
from django.db import transaction
from django.db.models import Count
from django.urls import reverse

from faceplatform.core import audit, jobs, storage
from faceplatform.core.actors import Actor
from faceplatform.core.errors import DomainError
from recognition.models import Gallery, ImportItem, ImportRun, ItemStatus
from recognition.selectors.answers import csv_line
from recognition.services.import_batches import import_batches
from recognition.services.import_people import apply_people
from recognition.services.import_sources import FolderSource, Source, ZipSource
from recognition.services.people_csv import read_people_csv
from recognition.services.thresholds import refresh_threshold
from recognition.services.vision import get_pipeline

KIND = "recognition.import"


def start_import(
    *,
    gallery: Gallery,
    name: str,
    archive: "File[Any] | None" = None,
    folder: Path | None = None,
    people: bytes | None = None,
    keep_unnamed: bool = False,
    actor: Actor,
    ring: bool = True,
) -> ImportRun:
    """Store what is to be imported with its job. A zip and a CSV are checked as a whole first.

    `people` is a CSV that describes people (`services.people_csv`); with `keep_unnamed` faces of
    photos in no person's folder are kept for naming. Raises DomainError with the archive's code,
    `people_csv_invalid` with an error per line or `folder_missing`, Conflict `already_running`.
    """
    if (archive is None) == (folder is None):
        raise ValueError("an import has either an archive or a folder")
    lines = read_people_csv(people) if people is not None else []
    key = ""
    if archive is not None:
        size = archive.size or 0
        with closing(ZipSource(archive.file, size=size)) as source:  # type: ignore[arg-type]
            source.entries()
        archive.seek(0)
        key = storage.put_archive(gallery.organization_id, archive)
    elif folder is not None:
        FolderSource(folder)
    with transaction.atomic():
        run = ImportRun.objects.create(
            organization_id=gallery.organization_id,
            gallery=gallery,
            name=name[:255],
            archive=key,
            folder=str(folder.resolve()) if folder else "",
            people=[line.as_json() for line in lines],
            keep_unnamed=keep_unnamed,
        )
        run.job = jobs.enqueue(
            kind=KIND,
            title=f"Importing {name} into {gallery.name}",
            organization_id=gallery.organization_id,
            actor=actor,
            payload={"import_run": str(run.pk)},
            ring=ring,
        )
        run.save(update_fields=["job"])
        audit.record(
            organization_id=gallery.organization_id,
            actor=actor,
            action="import.start",
            target_type="gallery",
            target_id=gallery.pk,
            target_label=gallery.name,
            data={"import": str(run.pk), "name": run.name},
        )
    return run


def run_import(context: jobs.JobContext) -> dict[str, Any]:
    """Import what is not imported yet; safe to run again after any interruption.

    Every batch writes faces and result lines in one transaction under the job's token, so a line
    exists exactly when its face does. The archive stays until the job has ended.
    """
    run = ImportRun.objects.select_related("gallery__model_version", "job").get(
        pk=context.payload["import_run"]
    )
    if run.archive:
        context.at_end(lambda: storage.delete_archive(run.archive))
    get_pipeline(run.gallery.model_version)
    source = open_source(run)
    try:
        apply_people(run, context)
        import_batches(run=run, source=source, context=context)
    finally:
        source.close()
    refresh_threshold(run.gallery)
    counts = counts_of(run)
    return {
        "sentence": _sentence(counts, run.gallery.name),
        "url": reverse("import_run", args=[run.pk]),
        "counts": counts,
    }


def open_source(run: ImportRun) -> Source:
    """Open what the run imports from. Raises DomainError `archive_gone` or `folder_missing`."""
    if run.folder:
        return FolderSource(Path(run.folder))
    try:
        handle = storage.open_archive(run.archive)
    except FileNotFoundError as error:
        raise DomainError("archive_gone", "The uploaded archive is no longer there.") from error
    with handle:
        handle.seek(0, 2)
        size = handle.tell()
        handle.seek(0)
        return ZipSource(handle, size=size)


def counts_of(run: ImportRun) -> dict[str, int]:
    """Return how many images ended how."""
    rows = dict(run.items.order_by().values_list("status").annotate(number=Count("pk")))
    return {status.value: rows.get(status.value, 0) for status in ItemStatus}


def items_csv(run: ImportRun) -> Iterator[str]:
    """Yield one CSV line per image: path, identity, status, reason."""
    yield csv_line(["path", "identity", "status", "code", "detail"])
    for item in ImportItem.objects.filter(run=run).order_by("number").iterator(chunk_size=1000):
        yield csv_line([item.path, item.identity_name, item.status, item.code, item.detail])


def _sentence(counts: dict[str, int], gallery: str) -> str:
    parts = [f"{counts['enrolled']:,} images enrolled in {gallery}"]
    if counts["quarantined"]:
        parts.append(f"{counts['quarantined']:,} to review")
    if counts["unnamed"]:
        parts.append(f"{counts['unnamed']:,} to name")
    if counts["skipped"]:
        parts.append(f"{counts['skipped']:,} skipped")
    if counts["failed"]:
        parts.append(f"{counts['failed']:,} refused")
    return f"{', '.join(parts)}."
