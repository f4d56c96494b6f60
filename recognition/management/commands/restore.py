"""`manage.py restore FILE`: bring a backup back into an empty installation."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from faceplatform.core.errors import DomainError
from recognition.management.commands.backup import content_lines
from recognition.management.common import COMMAND_LINE
from recognition.management.phases import PhaseLine
from recognition.services.backup.restore import Restored, check_backup, restore_backup


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
            "--check", action="store_true", help="only verify the backup and say what is in it"
        )
        parser.add_argument(
            "--force", action="store_true", help="replace what is there; it is lost"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Restore and say what came back and what did not."""
        try:
            with PhaseLine() as progress:
                if options["check"]:
                    lines = content_lines(check_backup(path=options["file"], progress=progress))
                else:
                    lines = _lines(self._restore(options, progress))
        except DomainError as error:
            raise CommandError(f"{error.detail} ({error.code})") from error
        self.stdout.write("\n".join(lines))

    @staticmethod
    def _restore(options: dict[str, Any], progress: PhaseLine) -> Restored:
        return restore_backup(
            path=options["file"],
            ledger_path=options["ledger"],
            force=options["force"],
            actor=COMMAND_LINE,
            progress=progress,
        )


def _lines(restored: Restored) -> list[str]:
    lines = ["Restored.", *content_lines(restored.manifest)]
    if restored.erased_again:
        lines.append(f"Later erasures, applied again: {restored.erased_again:,}.")
    if restored.purged:
        lines.append(f"Probes forgotten because their time is over: {restored.purged:,}.")
    if restored.requeued:
        lines.append(f"Unfinished jobs that wait for a worker again: {restored.requeued:,}.")
    return lines
