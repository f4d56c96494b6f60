"""`manage.py train RECIPE --dataset NAME [--set key=value ...]`: train without a browser."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from faceplatform.core.errors import DomainError
from faceplatform.core.jobs import run_here
from faceplatform.core.models import JobState
from recognition.management.common import (
    COMMAND_LINE,
    ProgressLine,
    organization_named,
    print_json,
)
from recognition.models import ModelVersion
from recognition.refusals import refusals
from recognition.services.model_versions import builtin_version, default_version
from training.engine import configs, recipes
from training.engine.data import save
from training.models import Dataset, TrainingRun
from training.services.run_files import folder_of
from training.services.training import Wanted, resume_run, start_run
from training.services.training_data import stored_embeddings


class Command(BaseCommand):
    """Trains in its own process, with progress."""

    help = "Train a recipe on a dataset; without arguments after the recipe list its settings."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        names = [recipe.name for recipe in recipes.recipes()]
        parser.add_argument("recipe", choices=names)
        parser.add_argument("--dataset", default="", help="name of a frozen dataset")
        parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
        parser.add_argument(
            "--model", action="append", default=[], help="backbone to train on; several are stacked"
        )
        parser.add_argument("--name", default="", help="what the run is called")
        parser.add_argument("--resume", default="", help="id of a run to go on with")
        parser.add_argument(
            "--export", type=Path, help="write the training data here instead, for torchrun"
        )
        parser.add_argument("--organization", default="")
        parser.add_argument("--json", action="store_true", help="print only a JSON record")

    def handle(self, *args: Any, **options: Any) -> None:
        """Train and print what came out."""
        if not options["dataset"] and not options["resume"]:
            self._list(options["recipe"])
            return
        try:
            if options["export"]:
                self._export(options)
                return
            run = self._resumed(options) if options["resume"] else self._started(options)
        except DomainError as error:
            raise CommandError(f"{error.detail} ({error.code})") from error
        job = run.job
        if job is None:
            raise CommandError("The run has no job.")
        run_here(job.pk, listener=ProgressLine())
        job.refresh_from_db()
        if job.state != JobState.SUCCEEDED:
            raise CommandError(f"{job.error_detail or job.state} ({job.error_code or job.state})")
        run.refresh_from_db()
        self._print(run, job.result["sentence"], as_json=options["json"])

    def _list(self, name: str) -> None:
        recipe = recipes.get(name)
        self.stdout.write(f"{recipe.title}: {recipe.summary}")
        for one in configs.options(recipe.config):
            known = f" ({', '.join(one.choices)})" if one.choices else ""
            self.stdout.write(f"  --set {one.name}={one.default}  {one.label}{known}")

    def _export(self, options: dict[str, Any]) -> None:
        """Write the stored embeddings of a dataset for `python -m training.engine`."""
        dataset = _dataset(options)
        versions = _versions(options["model"]) or [default_version()]
        data = stored_embeddings(dataset, versions)
        save(options["export"], data)
        images = sum(len(part) for part in data.parts.values())
        self.stdout.write(f"{images:,} images of {len(data.people):,} people")

    def _started(self, options: dict[str, Any]) -> TrainingRun:
        return start_run(
            dataset=_dataset(options),
            wanted=Wanted(
                options["recipe"],
                dict(_pair(text) for text in options["set"]),
                _versions(options["model"]),
            ),
            name=options["name"],
            actor=COMMAND_LINE,
            ring=False,
        )

    def _resumed(self, options: dict[str, Any]) -> TrainingRun:
        organization = organization_named(options["organization"])
        rows = TrainingRun.objects.filter(organization=organization, recipe=options["recipe"])
        run = next((row for row in rows if str(row.pk).startswith(options["resume"])), None)
        if run is None:
            raise CommandError(f"There is no run {options['resume']!r} of {options['recipe']}.")
        return resume_run(run=run, actor=COMMAND_LINE, ring=False)

    def _print(self, run: TrainingRun, sentence: str, *, as_json: bool) -> None:
        result = run.result or {}
        if as_json:
            kept = {key: result[key] for key in ("figures", "baseline", "reason", "images")}
            record = {"run": str(run.pk), "version": str(run.version_id or ""), **kept}
            print_json(self.stdout, record)
            return
        self.stdout.write(sentence)
        for name, value in result["figures"].items():
            self.stdout.write(f"  {name:<28} {value:.4f}")
        for name, value in result["baseline"].items():
            self.stdout.write(f"  naive Bayes {name:<16} {value:.4f}")
        if result["reason"]:
            self.stdout.write(f"  {result['reason']}")
        made = f"version {run.version}" if run.version else f"no version: {result['no_version']}"
        self.stdout.write(f"  {made}")
        self.stdout.write(f"  files in {folder_of(run.pk)}")


def _dataset(options: dict[str, Any]) -> Dataset:
    organization = organization_named(options["organization"])
    dataset = Dataset.objects.filter(organization=organization, name=options["dataset"]).first()
    if dataset is None:
        raise CommandError(f"There is no dataset {options['dataset']!r}.")
    return dataset


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise CommandError(f"--set takes key=value, not {text!r}.")
    return name.strip(), value.strip()


def _versions(names: list[str]) -> list[ModelVersion]:
    with refusals():
        return [builtin_version(name) for name in names]
