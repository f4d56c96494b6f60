"""Rows and files compared, in both directions."""

import datetime as dt
import itertools
from collections.abc import Iterable, Iterator

from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Q

from faceplatform.core.models.job import ACTIVE_STATES
from faceplatform.core.storage import photo_key
from recognition.models import ImportRun, Photo, ProbeBatch, Video
from recognition.services import stored_files
from recognition.services.doctor_findings import Findings, Progress
from recognition.services.photos import lock_bytes, release_photos

# Whoever stores a photo writes the file first and the row a moment later.
SETTLED = dt.timedelta(hours=1)
_BATCH = 1000


def check_photos(findings: Findings, progress: Progress) -> dict[str, int]:
    """Read the file of every photo: is it there, are checksum and size those of the row?"""
    total, done, size = Photo.objects.count(), 0, 0
    rows = Photo.objects.order_by("organization_id", "sha256").iterator(chunk_size=_BATCH)
    for done, photo in enumerate(rows, start=1):
        size += _check_photo(findings, photo)
        progress(done, total, "Reading files")
    unused = Photo.objects.filter(faces=None, probes=None, verifications=None, track_frames=None)
    for photo in unused.iterator(chunk_size=_BATCH):
        if findings.repair:
            with transaction.atomic():
                release_photos([photo.pk])
        findings.add("photo_unused", f"photo {photo.pk}", repaired=findings.repair)
    return {"photos": done, "bytes": size}


def _check_photo(findings: Findings, photo: Photo) -> int:
    key = photo_key(photo.organization_id, photo.sha256)
    content = stored_files.content_of(key)
    if content is not None and (content.sha256, content.size) == (photo.sha256, photo.size):
        return content.size
    if not Photo.objects.filter(pk=photo.pk).exists():
        return 0  # erased while we looked
    example = f"photo {photo.pk}, file {key}"
    if content is None:
        findings.add("file_missing", example)
        return 0
    if content.sha256 != photo.sha256:
        findings.add("file_damaged", example)
    else:
        if findings.repair:
            Photo.objects.filter(pk=photo.pk).update(size=content.size)
        findings.add("photo_size_wrong", example, repaired=findings.repair)
    return content.size


def check_files(
    findings: Findings, progress: Progress, *, settled: dt.timedelta = SETTLED
) -> dict[str, int]:
    """Ask of every file who needs it. Files younger than `settled` may still get their row."""
    files = 0
    for folder, names in stored_files.walk():
        for some in _batches(names):
            keys = [f"{folder}/{name}" if folder else name for name in some]
            wanted = _wanted_photos(keys) | _wanted_archives(keys) | _wanted_videos(keys)
            for key in keys:
                if key not in wanted:
                    _check_unwanted(findings, key, settled)
            files += len(keys)
            progress(files, None, "Listing files")
    return {"files": files}


def _wanted_photos(keys: Iterable[str]) -> set[str]:
    """Return those of the keys that are a photo's file."""
    asked = {key: name for key in keys if (name := stored_files.photo_name(key)) is not None}
    rows = set(
        Photo.objects.filter(
            organization_id__in={name.organization_id for name in asked.values()},
            sha256__in=[name.sha256 for name in asked.values()],
        ).values_list("organization_id", "sha256")
    )
    return {key for key, name in asked.items() if (name.organization_id, name.sha256) in rows}


def _wanted_archives(keys: Iterable[str]) -> set[str]:
    """Return those of the keys that an import or a batch still reads or will read."""
    asked = [key for key in keys if stored_files.is_archive(key)]
    found: set[str] = set()
    for model in (ImportRun, ProbeBatch):
        rows = model._default_manager.filter(archive__in=asked, job__state__in=ACTIVE_STATES)
        found |= set(rows.values_list("archive", flat=True))
    return found


def _wanted_videos(keys: Iterable[str]) -> set[str]:
    """Return those of the keys that are the file of a video or its copy for players."""
    asked = [key for key in keys if stored_files.is_video(key)]
    rows = Video.objects.filter(Q(file__in=asked) | Q(proxy__in=asked)) if asked else ()
    return {key for row in rows for key in (row.file, row.proxy)}


def _check_unwanted(findings: Findings, key: str, settled: dt.timedelta) -> None:
    name = stored_files.photo_name(key)
    partial = key.rsplit("/", 1)[-1].startswith(stored_files.PARTIAL)
    if name is None and not partial and not stored_files.is_left_behind(key):
        findings.add("file_unknown", key)
        return
    age = stored_files.age_of(key)
    if age is None or age < settled:
        return
    if name is not None:
        if _is_orphan(name, key, remove=findings.repair):
            findings.add("file_orphan", key, repaired=findings.repair)
        return
    if findings.repair:
        default_storage.delete(key)
    findings.add("file_partial" if partial else "archive_leftover", key, repaired=findings.repair)


def _is_orphan(name: stored_files.PhotoName, key: str, *, remove: bool) -> bool:
    """Look again under the lock on these bytes: their row may just have been written."""
    with transaction.atomic():
        lock_bytes(name.organization_id, name.sha256)
        if Photo.objects.filter(organization_id=name.organization_id, sha256=name.sha256).exists():
            return False
        if remove:
            default_storage.delete(key)
        return True


def _batches(names: list[str]) -> Iterator[list[str]]:
    iterator = iter(names)
    while some := list(itertools.islice(iterator, _BATCH)):
        yield some
