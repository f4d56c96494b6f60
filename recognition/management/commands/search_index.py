"""`manage.py search_index list|build|measure|drop`: HNSW indexes of large galleries."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from faceplatform.core.errors import DomainError
from faceplatform.core.jobs import run_here
from faceplatform.core.models import Job, JobState
from recognition.management.common import (
    COMMAND_LINE,
    ProgressLine,
    find_gallery,
    organization_named,
)
from recognition.models import Gallery, SearchIndex
from recognition.selectors.tiers import search_plan
from recognition.services.search_index import drop, drop_orphans, measure, start_index


class Command(BaseCommand):
    """Builds in its own process, as a job that pages show as well."""

    help = "List, build, measure or drop the search index of a gallery."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        parser.add_argument("action", choices=("list", "build", "measure", "drop"))
        parser.add_argument("gallery", nargs="?", default="")
        parser.add_argument("--organization", default="")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do what is asked."""
        if options["action"] == "list":
            self._list()
            return
        if not options["gallery"]:
            raise CommandError("Name a gallery.")
        gallery = find_gallery(organization_named(options["organization"]), options["gallery"])
        if options["action"] == "build":
            self._build(gallery)
            return
        index = SearchIndex.objects.filter(
            gallery=gallery, model_version_id=gallery.model_version_id
        ).first()
        if index is None:
            raise CommandError(f"{gallery.name} has no index.")
        if options["action"] == "drop":
            drop(index)
            self.stdout.write(f"The index of {gallery.name} is gone; searches are exact.")
        else:
            self.stdout.write(_recall(measure(index)))

    def _list(self) -> None:
        for gallery in Gallery.objects.select_related("model_version").order_by("name"):
            plan = search_plan(gallery)
            self.stdout.write(f"{gallery.name}: {plan.reason}")
            if plan.index is not None:
                self.stdout.write(f"  {plan.index.name}: {_recall(plan.index)}")
        for name in drop_orphans():
            self.stdout.write(f"removed {name}, whose gallery is gone")

    def _build(self, gallery: Gallery) -> None:
        try:
            job = start_index(gallery=gallery, actor=COMMAND_LINE, ring=False)
            run_here(job.pk, listener=ProgressLine())
        except DomainError as error:
            raise CommandError(f"{error.detail} ({error.code})") from error
        job = Job.objects.get(pk=job.pk)
        if job.state != JobState.SUCCEEDED:
            raise CommandError(job.error_detail or "The index was not built.")
        self.stdout.write(str(job.result["sentence"]))


def _recall(index: SearchIndex) -> str:
    if index.first_same is None:
        return f"{index.templates:,} templates, not measured"
    mates = "" if index.mates_found is None else f", {index.mates_found:.1%} of mates found"
    return (
        f"{index.templates:,} templates, {index.size_bytes / 1e6:.0f} MB, built in "
        f"{index.build_seconds:.0f} s; same person first for {index.first_same:.1%} of "
        f"{index.probes:,} probes{mates}"
    )
