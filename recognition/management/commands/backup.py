"""`manage.py backup FILE`: database and pictures in one file, while the platform runs."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from faceplatform.core.errors import DomainError
from recognition.management.common import COMMAND_LINE
from recognition.management.phases import PhaseLine
from recognition.services.backup.archive import Manifest
from recognition.services.backup.create import export_ledger, make_backup


class Command(BaseCommand):
    """Writes under a temporary name; the file is there when it is complete."""

    help = "Write database and pictures to one file, or only the ledger of what was erased."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--ledger-only",
            action="store_true",
            help="write ids and checksums of what was erased; `restore --ledger` erases it again",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Write the file and say what is in it."""
        path: Path = options["file"]
        try:
            if options["ledger_only"]:
                events = export_ledger(path=path)
                self.stdout.write(f"{path}: erasures {events:,}")
                return
            with PhaseLine() as progress:
                manifest = make_backup(path=path, actor=COMMAND_LINE, progress=progress)
        except DomainError as error:
            raise CommandError(f"{error.detail} ({error.code})") from error
        except OSError as error:
            raise CommandError(f"{path} cannot be written: {error.strerror}") from error
        self.stdout.write(f"{path}: {path.stat().st_size / 1e6:,.1f} MB")
        self.stdout.write("\n".join(content_lines(manifest)))


def content_lines(manifest: Manifest) -> list[str]:
    """Return what a backup holds and what was not in order, for people."""
    counts = manifest.counts
    rows = ", ".join(
        f"{title} {counts[name]:,}"
        for name, title in (
            ("galleries", "Galleries"),
            ("identities", "people"),
            ("faces", "faces"),
            ("probes", "probes"),
            ("files", "files"),
        )
    )
    lines = [f"{rows} ({counts['bytes'] / 1e6:,.1f} MB), as of {manifest.created}."]
    for names, sentence in (
        (manifest.erased_meanwhile, "Erased while the backup was made"),
        (manifest.missing, "Missing before, so not in the backup"),
        (manifest.damaged, "Damaged before, in the backup as they were"),
    ):
        if names:
            lines.append(f"{sentence}, files: {len(names):,} ({', '.join(names[:3])})")
    if manifest.missing or manifest.damaged:
        lines.append("Run `manage.py doctor`.")
    return lines
