"""`manage.py backup FILE`: database and pictures in one file, while the platform runs."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from faceplatform.core.errors import DomainError
from recognition.management.common import COMMAND_LINE, ProgressLine
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
                self.stdout.write(f"{path}: {events:,} erasures.")
                return
            manifest = make_backup(path=path, actor=COMMAND_LINE, progress=ProgressLine())
        except DomainError as error:
            raise CommandError(f"{error.detail} ({error.code})") from error
        except OSError as error:
            raise CommandError(f"{path} cannot be written: {error.strerror}") from error
        self.stdout.write(f"{path}: {path.stat().st_size / 1e6:,.1f} MB.")
        self.stdout.write("\n".join(content_lines(manifest)))


def content_lines(manifest: Manifest) -> list[str]:
    """Return what a backup holds and what was not in order, for people."""
    counts = manifest.counts
    rows = ", ".join(
        f"{counts[name]:,} {title}"
        for name, title in (
            ("galleries", "galleries"),
            ("identities", "people"),
            ("faces", "faces"),
            ("probes", "probes"),
            ("files", "files"),
        )
    )
    lines = [f"{rows} ({counts['bytes'] / 1e6:,.1f} MB), as of {manifest.created}."]
    for names, sentence in (
        (manifest.erased_meanwhile, "files were erased while the backup was made"),
        (manifest.missing, "files were missing, so they are not in the backup"),
        (manifest.damaged, "files were damaged and are in the backup as they were"),
    ):
        if names:
            lines.append(f"{len(names):,} {sentence}: {', '.join(names[:3])}")
    if manifest.missing or manifest.damaged:
        lines.append("Run `manage.py doctor`.")
    return lines
