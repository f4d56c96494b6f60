"""Bringing a backup back, without bringing back what was erased since.

The order makes every interruption harmless. Nothing is touched before every checksum was
compared. Files come before the rows that name them; a file without a row is removed by the next
run or by the doctor. The database is replaced in one transaction. What was erased in the database
that is replaced is written down first, in `var/erasures`, and stays there until it has been erased
again, so a restore that was interrupted is simply started again.
"""

import datetime as dt
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.core.files.base import File
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.db import connection
from django.db.models.functions import Now
from django.utils import timezone

from faceplatform.core import audit
from faceplatform.core.actors import Actor
from faceplatform.core.errors import Conflict, DomainError
from faceplatform.core.models import Job, JobState
from faceplatform.stack.migrations import migration_lock
from recognition.services import stored_files
from recognition.services.backup import archive, database, ledger
from recognition.services.backup.archive import BackupReader, Manifest
from recognition.services.backup.create import export_ledger
from recognition.services.doctor import no_progress
from recognition.services.doctor_files import check_files
from recognition.services.doctor_findings import Findings, Progress
from recognition.services.doctor_jobs import check_imports, check_jobs
from recognition.services.probes import purge_expired_probes

_SPOOL = 8 << 20


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore brought back, and what it did not.

    `erased_again` counts events of the ledgers that the backup did not know, `purged` probes whose
    time was over, `requeued` jobs that ran when the backup was made.
    """

    manifest: Manifest
    files: int
    erased_again: int
    purged: int
    requeued: int


def restore_backup(
    *,
    path: Path,
    actor: Actor,
    ledger_path: Path | None = None,
    force: bool = False,
    progress: Progress = no_progress,
) -> Restored:
    """Replace database and content files by those of a backup.

    Raises DomainError `backup_damaged`, `backup_unreadable`, `backup_format`, `backup_newer`,
    `ledger_damaged`, `database_foreign`, `vector_missing`, `load_failed`, Conflict `not_empty`,
    `platform_running`, `server_older`; nothing is changed then.
    """
    reader = BackupReader(path)
    manifest = check_backup(path=path, progress=progress)
    if ledger_path is not None:
        _check_ledger(ledger_path)
    present = _check_place(force=force)
    with migration_lock():
        if present.used:
            _keep_erasures()
        files = _bring_back(reader, manifest, present, progress)
        progress(0, None, "Bringing the database up to date")
        call_command("migrate", verbosity=0, interactive=False)
        ContentType.objects.clear_cache()
        restored = _reconcile(reader, manifest, files, ledger_path, actor, progress)
    _record(restored, actor)
    return restored


def check_backup(*, path: Path, progress: Progress = no_progress) -> Manifest:
    """Verify every byte of a backup and that this version and server can read it.

    Raises DomainError `backup_damaged`, `backup_unreadable`, `backup_format`, `backup_newer`,
    Conflict `server_older`.
    """
    manifest = BackupReader(path).verify(_Verifying(path, progress))
    _check_fits(manifest)
    return manifest


class _Verifying:
    """Shows how much of the file is verified."""

    def __init__(self, path: Path, progress: Progress) -> None:
        self._total = (path.stat().st_size if path.is_file() else 0) >> 20
        self._progress = progress
        self._seen = 0

    def __call__(self, size: int) -> None:
        self._seen += size
        done = min(self._seen >> 20, self._total)
        self._progress(done, self._total, "Verifying (MB)")


def _check_fits(manifest: Manifest) -> None:
    newer = database.unknown_migrations(manifest.migrations)
    if newer:
        raise DomainError(
            "backup_newer",
            f"The backup was made by a newer version ({manifest.version}, {newer[0]}).",
        )
    database.refuse_newer_dump(manifest.server_version)


def _check_ledger(path: Path) -> None:
    with _opened(path) as stream:
        for _ in ledger.read_ledger(stream):
            pass


def _check_place(*, force: bool) -> database.Contents:
    """Refuse a place that is in use, and without `force` one that holds anything."""
    present = database.contents()
    if present.others:
        raise DomainError(
            "database_foreign",
            f"The database holds tables of something else ({', '.join(present.others[:3])}). "
            "Give the platform a database of its own.",
        )
    sessions = database.other_sessions()
    if sessions:
        raise Conflict(
            "platform_running",
            f"Others are connected to the database ({sessions}). Stop the platform first.",
        )
    if not force and (present.used or not stored_files.is_empty()):
        what = "database" if present.used else "folder of files"
        raise Conflict(
            "not_empty",
            f"The {what} is not empty. Restore into an empty installation, "
            "or replace what is there with --force.",
        )
    database.ensure_vector()
    return present


def _keep_erasures() -> None:
    """Write down what was erased in the database that is about to be replaced."""
    folder = _kept_folder()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    export_ledger(path=folder / f"{timezone.now():%Y%m%d-%H%M%S-%f}.jsonl")


def _kept_folder() -> Path:
    return Path(settings.VAR) / "erasures"


def _bring_back(
    reader: BackupReader, manifest: Manifest, present: database.Contents, progress: Progress
) -> int:
    """Write files, then load the database; files that came for nothing are removed again."""
    with tempfile.SpooledTemporaryFile(_SPOOL) as written, archive.refusing_damage():
        loaded = False
        try:
            files = _write_files(reader, manifest.counts["files"], written, progress)
            progress(0, None, "Loading the database")
            for dump in reader.member(archive.DUMP):
                database.load(dump.stream, drop=present.ours)
                loaded = True
        finally:
            if not loaded:
                _remove_files(written)
    connection.close()  # it may remember types and settings of the tables that were replaced
    return files


def _write_files(reader: BackupReader, total: int, written: IO[bytes], progress: Progress) -> int:
    files = 0
    for files, member in enumerate(reader.files(), start=1):
        _write_file(member, written)
        progress(files, total, "Writing files")
    return files


def _write_file(member: archive.Member, written: IO[bytes]) -> None:
    """Store a file unless it is there already, whole."""
    if default_storage.exists(member.name):
        name, content = stored_files.photo_name(member.name), stored_files.content_of(member.name)
        if name is not None and content is not None and content.sha256 == name.sha256:
            return
        default_storage.delete(member.name)
    else:
        written.write(f"{member.name}\n".encode())
    default_storage.save(member.name, File(member.stream, name=member.name))


def _remove_files(written: IO[bytes]) -> None:
    written.seek(0)
    for line in written:
        default_storage.delete(line.decode().rstrip("\n"))


def _reconcile(
    reader: BackupReader,
    manifest: Manifest,
    files: int,
    ledger_path: Path | None,
    actor: Actor,
    progress: Progress,
) -> Restored:
    """Erase again, forget what is over, give unfinished jobs back, remove files nobody needs."""
    progress(0, None, "Erasing what was erased since")
    kept = sorted(_kept_folder().glob("*.jsonl"))
    given = [ledger_path] if ledger_path is not None else []
    erased = _erase_again(reader, [*kept, *given], actor)
    for path in kept:
        path.unlink()
    purged = purge_expired_probes()
    requeued = _give_jobs_back()
    check_files(Findings(repair=True), progress, settled=dt.timedelta(0))
    database.analyze()
    return Restored(
        manifest=manifest, files=files, erased_again=erased, purged=purged, requeued=requeued
    )


def _erase_again(reader: BackupReader, paths: list[Path], actor: Actor) -> int:
    """Apply the ledger in the backup and those beside it; return how many events were new."""
    erased = 0
    for member in reader.member(archive.ERASURES):
        erased += ledger.erase_again(ledger.read_ledger(member.stream), actor=actor)
    for path in paths:
        with _opened(path) as stream:
            erased += ledger.erase_again(ledger.read_ledger(stream), actor=actor)
    return erased


def _give_jobs_back() -> int:
    """Put jobs that ran during the backup back into the queue: no worker has them any more."""
    running = Job.objects.filter(state=JobState.RUNNING)
    requeued = running.update(lease_until=Now() - dt.timedelta(seconds=1))
    findings = Findings(repair=True)
    check_jobs(findings, no_progress)
    check_imports(findings, no_progress)
    return requeued


def _record(restored: Restored, actor: Actor) -> None:
    audit.record(
        organization_id=None,
        actor=actor,
        action="backup.restore",
        target_type="installation",
        target_id="",
        data={
            "created": restored.manifest.created,
            "files": restored.files,
            "erased_again": restored.erased_again,
            "purged": restored.purged,
        },
    )


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    try:
        stream = path.open("rb")
    except OSError as error:
        raise DomainError(
            "ledger_unreadable", f"{path} cannot be read: {error.strerror}"
        ) from error
    with stream:
        yield stream
