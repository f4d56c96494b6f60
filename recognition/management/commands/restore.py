"""`manage.py restore FILE`: bring a backup back into an empty installation."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from faceplatform.core.errors import DomainError
from recognition.management.commands.backup import content_lines
from recognition.management.common import COMMAND_LINE, ProgressLine
from recognition.services.backup.restore import Restored, restore_backup


class Command(BaseCommand):
    """Changes nothing before the whole backup was verified."""

    help = "Replace database and pictures by those of a backup; the platform must not run."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--ledger", type=Path, help="erase again what this file of `backup --ledger-only` names"
        )
        parser.add_argument(
            "--force", action="store_true", help="replace what is there; it is lost"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Restore and say what came back and what did not."""
        try:
            restored = restore_backup(
                path=options["file"],
                ledger_path=options["ledger"],
                force=options["force"],
                actor=COMMAND_LINE,
                progress=ProgressLine(),
            )
        except DomainError as error:
            raise CommandError(f"{error.detail} ({error.code})") from error
        self.stdout.write("\n".join(_lines(restored)))


def _lines(restored: Restored) -> list[str]:
    lines = ["Restored.", *content_lines(restored.manifest)]
    if restored.erased_again:
        lines.append(f"{restored.erased_again:,} later erasures were applied again.")
    if restored.purged:
        lines.append(f"{restored.purged:,} probes whose time was over were forgotten.")
    if restored.requeued:
        lines.append(f"{restored.requeued:,} unfinished jobs wait for a worker again.")
    return lines
