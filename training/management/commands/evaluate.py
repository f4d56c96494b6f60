"""`manage.py evaluate lfw|gallery|dataset|pairs ...`: measure without a browser."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from faceplatform.core.errors import DomainError
from faceplatform.core.jobs import run_here
from faceplatform.core.models import JobState
from recognition.management.common import (
    COMMAND_LINE,
    ProgressLine,
    find_gallery,
    organization_named,
    print_json,
)
from recognition.models import ModelVersion
from recognition.services.model_versions import default_version
from training.evaluation import codec
from training.evaluation.export import FileFormat, Selection
from training.evaluation.headlines import estimate_text, rate_text
from training.evaluation.uncertainty import Rate
from training.evaluation.verification import OperatingPoint
from training.models import Dataset, Evaluation, ProtocolKind
from training.services import pair_export
from training.services.evaluations import PairsFile, Source, start_evaluation
from training.services.exports import pdf
from training.services.lfw import LfwResult, evaluate_lfw

KINDS = {"photo": "as photographed", "crop": "pre-cropped faces"}


class Command(BaseCommand):
    """Runs evaluations in its own process, with progress."""

    help = "Measure how far answers can be trusted: on LFW, a gallery, a dataset or pairs."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments of the four things that can be measured."""
        kinds = parser.add_subparsers(dest="kind", required=True)
        lfw = kinds.add_parser("lfw", help="LFW View 2, as photographed and pre-cropped")
        lfw.add_argument("--data", type=Path, required=True, help="folder with pairs.txt")
        gallery = kinds.add_parser("gallery", help="every image of a gallery with every other")
        gallery.add_argument("name")
        dataset = kinds.add_parser("dataset", help="the images of a dataset, or of one part")
        dataset.add_argument("name")
        dataset.add_argument("--part", default="", choices=("", "train", "val", "test"))
        pairs = kinds.add_parser("pairs", help="pairs of a CSV: image, image, mated or nonmated")
        pairs.add_argument("file", type=Path)
        pairs.add_argument("--gallery", required=True)
        for one in (gallery, dataset):
            choices = [kind for kind in ProtocolKind.values if kind != ProtocolKind.PAIRS]
            one.add_argument("--protocol", default="all_pairs", choices=choices)
            one.add_argument("--other-model", default="", help="second model of protocol models")
        for one in (gallery, dataset, pairs):
            one.add_argument("--organization", default="")
            one.add_argument("--seed", type=int, default=0)
            one.add_argument("--pdf", type=Path, help="write the report here as PDF")
            one.add_argument(
                "--scores",
                type=Path,
                help="write the scores of all pairs here: .csv.gz or .parquet",
            )
        for one in (lfw, gallery, dataset, pairs):
            one.add_argument("--model", default="", help="name, backbone or digest of a model")
            one.add_argument("--json", action="store_true", help="print only a JSON record")

    def handle(self, *args: Any, **options: Any) -> None:
        """Measure and print what was found."""
        try:
            if options["kind"] == "lfw":
                self._lfw(options)
            else:
                self._stored(options)
        except DomainError as error:
            raise CommandError(f"{error.detail} ({error.code})") from error

    def _lfw(self, options: dict[str, Any]) -> None:
        version = version_named(options["model"]) or default_version()
        cache = Path(settings.VAR) / "evaluation"
        results = evaluate_lfw(
            options["data"], version=version, cache=cache, listener=ProgressLine()
        )
        if options["json"]:
            print_json(self.stdout, lfw_record(version, results))
            return
        self.stdout.write(f"LFW View 2 under {version.name}; failures to enroll are errors")
        for result in results:
            for line in lfw_lines(result):
                self.stdout.write(line)

    def _stored(self, options: dict[str, Any]) -> None:
        evaluation = _start(options)
        job = evaluation.job
        if job is None:
            raise CommandError("The evaluation has no job.")
        run_here(job.pk, listener=ProgressLine())
        job.refresh_from_db()
        if job.state != JobState.SUCCEEDED:
            raise CommandError(f"{job.error_detail or job.state} ({job.error_code or job.state})")
        evaluation.refresh_from_db()
        if options["pdf"]:
            options["pdf"].write_bytes(pdf(evaluation))
        if options["scores"]:
            self._scores(evaluation, options["scores"])
        stored = evaluation.report or {}
        if options["json"]:
            record = {key: stored[key] for key in ("headline", "choices", "report")}
            print_json(self.stdout, {"evaluation": str(evaluation.pk)} | record)
            return
        self.stdout.write(stored["headline"])
        for sentence in stored["report"]["headline"]["sentences"]:
            self.stdout.write(f"  {sentence}")

    def _scores(self, evaluation: Evaluation, path: Path) -> None:
        """Write the file of all pairs; its size is told before."""
        kind: FileFormat = "parquet" if path.suffix == ".parquet" else "csv.gz"
        what = pair_export.compared(evaluation)
        size = pair_export.told_size(what, Selection(), kind)
        about = "" if size.exact else "about "
        self.stderr.write(f"{path}: {about}{size.pairs:,} pairs, about {size.bytes:,} bytes")
        pair_export.write_file(path, what, Selection(), kind)


def version_named(name: str) -> ModelVersion | None:
    """Return the built-in version of that name, backbone or digest; None for no name."""
    if not name:
        return None
    default = default_version()  # registers it on first use
    rows = [default, *ModelVersion.objects.filter(organization=None).exclude(pk=default.pk)]
    for row in rows:
        if name in {row.name, row.backbone} or row.digest.startswith(name):
            return row
    known = ", ".join(row.backbone for row in rows)
    raise CommandError(f"There is no model {name!r}. Known: {known}.")


def lfw_record(version: ModelVersion, results: tuple[LfwResult, ...]) -> dict[str, Any]:
    """Return what `--json` prints; rates are shares, 0 to 1."""
    return {
        "protocol": "LFW View 2, ten folds",
        "model": {"name": version.name, "backbone": version.backbone, "digest": version.digest},
        "results": {result.input_kind: _figures(result) for result in results},
    }


def lfw_lines(result: LfwResult) -> list[str]:
    """Return the figures of one kind of input for people who read a terminal."""
    found = result.verification
    point = next(point for point in found.points if point.target_fmr == 1e-3)
    accuracy = found.folds.accuracy if found.folds else found.best_accuracy
    return [
        f"{KINDS[result.input_kind]}, {result.images:,} images, {result.failures} without a face",
        f"  accuracy over folds  {estimate_text(accuracy)}",
        f"  equal error rate     {estimate_text(found.eer)}",
        f"  FNMR at FMR 0.1 %    {rate_text(point.fnmr_there or point.fnmr)}",
        f"  with the threshold's uncertainty  {rate_text(point.fnmr)}",
    ]


def _figures(result: LfwResult) -> dict[str, Any]:
    found = result.verification
    point = next(point for point in found.points if point.target_fmr == 1e-3)
    return {
        "images": result.images,
        "failures_to_enroll": result.failures,
        "pairs": found.mated + found.nonmated,
        "pairs_without_face": found.failed_mated + found.failed_nonmated,
        "accuracy": codec.encode(found.folds.accuracy) if found.folds else None,
        "eer": codec.encode(found.eer),
        "eer_threshold": found.eer_threshold,
        "tar_at_fmr_1e3": _tar(point),
    }


def _tar(point: OperatingPoint) -> dict[str, Any] | None:
    """Return 1 - FNMR with its two intervals, None where the pairs do not support it.

    `low` and `high` take the threshold as given. The other two hold its uncertainty as well, which
    is large where few false matches stand behind it.
    """
    there, anywhere = point.fnmr_there, point.fnmr
    if not isinstance(there, Rate) or not isinstance(anywhere, Rate):
        return None
    return {
        "value": 1 - there.value,
        "low": 1 - there.interval.high,
        "high": 1 - there.interval.low,
        "low_with_threshold": 1 - anywhere.interval.high,
        "high_with_threshold": 1 - anywhere.interval.low,
        "threshold": point.threshold,
        "false_matches": point.fmr.errors if isinstance(point.fmr, Rate) else 0,
    }


def _start(options: dict[str, Any]) -> Evaluation:
    """Start what a subcommand names, without ringing a worker."""
    organization = organization_named(options["organization"])
    pairs: PairsFile | None = None
    if options["kind"] == "dataset":
        dataset = Dataset.objects.filter(organization=organization, name=options["name"]).first()
        if dataset is None:
            raise CommandError(f"There is no dataset {options['name']!r}.")
        source = Source(dataset=dataset, part=options["part"])
    else:
        source = Source(find_gallery(organization, options.get("name") or options["gallery"]))
    if options["kind"] == "pairs":
        try:
            pairs = PairsFile(options["file"].name, options["file"].read_bytes())
        except OSError as error:
            raise CommandError(f"{options['file']} cannot be read: {error.strerror}") from error
    return start_evaluation(
        source=source,
        protocol=options.get("protocol") or ProtocolKind.PAIRS,
        model_version=version_named(options["model"]),
        other_version=version_named(options.get("other_model", "")),
        seed=options["seed"],
        pairs=pairs,
        actor=COMMAND_LINE,
        ring=False,
    )
