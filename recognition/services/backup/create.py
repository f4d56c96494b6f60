"""Writing a backup while the platform runs.

The database is dumped from one snapshot. Files come after it: they are stored under their
checksum and never change, so the file that a row of the snapshot names either has the right bytes
or was erased meanwhile.
"""

import datetime as dt
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from django.core.files.storage import default_storage
from django.utils import timezone

from faceplatform import __version__
from faceplatform.accounts.models import Organization, User
from faceplatform.core import audit
from faceplatform.core.actors import Actor
from faceplatform.core.errors import DomainError
from faceplatform.core.models import Job
from faceplatform.core.models.job import ACTIVE_STATES
from faceplatform.core.storage import photo_key
from recognition.models import (
    FaceImage,
    FaceTemplate,
    Gallery,
    Identity,
    ImportRun,
    Photo,
    Probe,
    ProbeBatch,
    Video,
)
from recognition.services import stored_files
from recognition.services.backup import archive, database, ledger
from recognition.services.doctor import no_progress
from recognition.services.doctor_findings import Progress

# Events are stamped before they are committed; a transaction does not take a day.
_OVERLAP = dt.timedelta(days=1)
_SPOOL = 8 << 20
_COUNTED = {
    "organizations": Organization,
    "users": User,
    "galleries": Gallery,
    "identities": Identity,
    "photos": Photo,
    "faces": FaceImage,
    "templates": FaceTemplate,
    "probes": Probe,
    "jobs": Job,
}


@dataclass(slots=True)
class _Copied:
    """What became of the content files."""

    files: int = 0
    bytes: int = 0
    missing: list[str] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)
    erased_meanwhile: list[str] = field(default_factory=list)


def make_backup(*, path: Path, actor: Actor, progress: Progress = no_progress) -> archive.Manifest:
    """Write database and content files to `path`, which appears when it is complete.

    A photo that is missing or damaged already does not stop the backup; the manifest names it.
    Raises DomainError `backup_exists`, `folder_missing` or `dump_failed`.
    """
    _check_folder(path)
    with (
        archive.writing(path) as backup,
        tempfile.SpooledTemporaryFile(_SPOOL) as wanted,
        _draft(path) as dump,
    ):
        progress(0, None, "Writing the database")
        facts = _dump(dump, wanted)
        with dump.open("rb") as stream:
            backup.add(archive.DUMP, stream, dump.stat().st_size)
        dump.unlink()
        copied = _copy_files(backup, wanted, progress)
        _add_erasures(backup, facts["created"])
        manifest = _finish(backup, facts, copied)
    audit.record(
        organization_id=None,
        actor=actor,
        action="backup.create",
        target_type="installation",
        target_id="",
        data={"files": copied.files, "bytes": copied.bytes},
    )
    return manifest


def export_ledger(*, path: Path) -> int:
    """Write the erasure ledger of this database to a file; return the number of events."""
    _check_folder(path)
    if path.exists():
        raise DomainError("backup_exists", f"{path} exists already; choose another name.")
    draft = path.with_name(f".{path.name}.part")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(handle, "wb") as stream:
            events = ledger.write_ledger(stream)
            stream.flush()
            os.fsync(stream.fileno())
        draft.rename(path)
    finally:
        draft.unlink(missing_ok=True)
    return events


def _dump(target: Path, wanted: IO[bytes]) -> dict[str, Any]:
    """Dump the database and list the files that the same snapshot refers to."""
    with database.snapshot() as name:
        created = timezone.now()
        database.dump(target, snapshot_name=name)
        counts = {title: model._default_manager.count() for title, model in _COUNTED.items()}
        for key in _referenced():
            wanted.write(f"{key}\n".encode())
        return {
            "created": created,
            "counts": counts,
            "migrations": database.applied_migrations(),
            "server_version": database.server_version(),
        }


def _referenced() -> Iterator[str]:
    """Yield the names of all content files: photos, and archives that wait for their job."""
    photos = Photo.objects.order_by("organization_id", "sha256")
    for organization_id, sha256 in photos.values_list("organization_id", "sha256").iterator():
        yield photo_key(organization_id, sha256)
    for model in (ImportRun, ProbeBatch):
        runs = model._default_manager.filter(job__state__in=ACTIVE_STATES).exclude(archive="")
        yield from runs.order_by("archive").values_list("archive", flat=True).iterator()
    for files in Video.objects.order_by("pk").values_list("file", "proxy").iterator():
        yield from filter(None, files)


def _copy_files(backup: archive.BackupWriter, wanted: IO[bytes], progress: Progress) -> _Copied:
    total = wanted.tell() and _count_lines(wanted)
    copied = _Copied()
    wanted.seek(0)
    for number, line in enumerate(wanted, start=1):
        _copy_file(backup, line.decode().rstrip("\n"), copied)
        progress(number, total, "Writing files")
    return copied


def _copy_file(backup: archive.BackupWriter, key: str, copied: _Copied) -> None:
    name = stored_files.photo_name(key)
    try:
        handle = default_storage.open(key)
    except FileNotFoundError:
        # Files go after their rows, so a row that is still there lost its file otherwise.
        gone = (
            name is None
            or not Photo.objects.filter(
                organization_id=name.organization_id, sha256=name.sha256
            ).exists()
        )
        (copied.erased_meanwhile if gone else copied.missing).append(key)
        return
    with handle:
        digest = backup.add(f"{archive.FILES}{key}", handle, handle.size)
        copied.files += 1
        copied.bytes += handle.size
    if name is not None and digest != name.sha256:
        copied.damaged.append(key)


def _add_erasures(backup: archive.BackupWriter, created: dt.datetime) -> None:
    """Add what was erased since the snapshot, so that a restore does not bring it back."""
    with tempfile.SpooledTemporaryFile(_SPOOL) as stream:
        ledger.write_ledger(stream, since=created - _OVERLAP)
        size = stream.tell()
        stream.seek(0)
        backup.add(archive.ERASURES, stream, size)


def _finish(
    backup: archive.BackupWriter, facts: dict[str, Any], copied: _Copied
) -> archive.Manifest:
    return backup.finish(
        created=facts["created"].isoformat(timespec="seconds"),
        version=__version__,
        server_version=facts["server_version"],
        migrations=facts["migrations"],
        counts=facts["counts"] | {"files": copied.files, "bytes": copied.bytes},
        missing=copied.missing,
        damaged=copied.damaged,
        erased_meanwhile=copied.erased_meanwhile,
    )


def _count_lines(stream: IO[bytes]) -> int:
    stream.seek(0)
    return sum(1 for _ in stream)


def _check_folder(path: Path) -> None:
    if not path.parent.is_dir():
        raise DomainError("folder_missing", f"There is no folder {path.parent}.")


@contextmanager
def _draft(path: Path) -> Iterator[Path]:
    """Yield a private file beside the backup for the dump, whose size the tar asks for first."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".dump", dir=path.parent)
    os.close(handle)
    try:
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)
