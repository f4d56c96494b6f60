"""`manage.py import_dataset PATH --gallery NAME`: bring a folder or zip of people in."""

from pathlib import Path
from typing import Any

from django.core.files.base import File
from django.core.management.base import BaseCommand, CommandError, CommandParser

from faceplatform.core.errors import DomainError
from faceplatform.core.jobs import run_here
from faceplatform.core.models import JobState
from recognition.management.common import (
    COMMAND_LINE,
    ProgressLine,
    find_or_create_gallery,
    organization_named,
    print_json,
)
from recognition.models import ImportRun
from recognition.services.imports import counts_of, items_csv, start_import


class Command(BaseCommand):
    """Imports in its own process, with progress."""

    help = "Import a folder (or zip) with one folder of photos per person into a gallery."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        parser.add_argument("path", type=Path)
        parser.add_argument("--gallery", required=True, help="made if there is none of that name")
        parser.add_argument("--organization", default="")
        parser.add_argument("--report", type=Path, help="write one CSV line per image here")
        parser.add_argument("--people", type=Path, help="a CSV that describes the people")
        parser.add_argument(
            "--keep-unnamed", action="store_true", help="keep faces of photos in no folder"
        )
        parser.add_argument("--json", action="store_true", help="print only a JSON record")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the import to its end and say what came of it."""
        try:
            gallery = find_or_create_gallery(
                organization_named(options["organization"]), options["gallery"]
            )
            run = self._start(gallery, options["path"], _beside(options))
        except DomainError as error:
            raise CommandError(f"{error.detail} ({error.code})") from error
        job = run.job
        if job is None:
            raise CommandError("The import has no job.")
        run_here(job.pk, listener=ProgressLine())
        job.refresh_from_db()
        if options["report"]:
            options["report"].write_text("".join(items_csv(run)), encoding="utf-8")
        if job.state != JobState.SUCCEEDED:
            raise CommandError(f"{job.error_detail or job.state} ({job.error_code or job.state})")
        if options["json"]:
            record = {
                "gallery": gallery.name,
                "counts": counts_of(run),
                "images": image_records(run),
            }
            print_json(self.stdout, record)
        else:
            self.stdout.write(job.result["sentence"])
            for line in refusal_lines(run):
                self.stdout.write(line)

    @staticmethod
    def _start(gallery: Any, path: Path, beside: dict[str, Any]) -> ImportRun:
        shared = {"gallery": gallery, "name": path.name, "actor": COMMAND_LINE, "ring": False}
        if path.is_file():
            with path.open("rb") as handle:
                archive = File(handle, name=path.name)
                return start_import(archive=archive, **shared, **beside)
        return start_import(folder=path, **shared, **beside)


def _beside(options: dict[str, Any]) -> dict[str, Any]:
    """Return what is imported beside the photos."""
    people = options["people"]
    return {
        "people": people.read_bytes() if people else None,
        "keep_unnamed": options["keep_unnamed"],
    }


def image_records(run: ImportRun) -> list[dict[str, str]]:
    """Return what became of every image, as JSON-ready rows."""
    return [
        {
            "path": item.path,
            "identity": item.identity_name,
            "status": item.status,
            "code": item.code,
            "detail": item.detail,
        }
        for item in run.items.order_by("number")
    ]


def refusal_lines(run: ImportRun, *, limit: int = 20) -> list[str]:
    """Return one line per image that was not enrolled, at most `limit`."""
    left = run.items.exclude(status="enrolled").order_by("number")
    lines = [f"  {item.path}: {item.status}, {item.detail}" for item in left[:limit]]
    more = left.count() - len(lines)
    return [*lines, f"  and {more:,} more"] if more > 0 else lines
