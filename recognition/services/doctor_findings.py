"""What the doctor can find, how bad it is, and what to do about it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

EXAMPLES = 5
Progress = Callable[[int, int | None, str], None]


class Severity(StrEnum):
    """An error costs data or answers, a warning costs space or time, a note is for information."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Kind:
    """One thing that can be wrong. `advice` says what helps where the doctor cannot."""

    severity: Severity
    sentence: str
    advice: str = ""


_RESTORE = "Restore a backup, or erase these images and add them again."
_REPORT = "Please report this as a fault of the platform."
_REPAIR = "Run `manage.py doctor --repair`."

KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        # files
        "file_missing": Kind(Severity.ERROR, "Photos whose file is gone", _RESTORE),
        "file_damaged": Kind(Severity.ERROR, "Photos whose file has another checksum", _RESTORE),
        "photo_size_wrong": Kind(Severity.WARNING, "Photos with a wrong size on record", _REPAIR),
        "photo_unused": Kind(Severity.WARNING, "Photos that nothing refers to", _REPAIR),
        "file_orphan": Kind(Severity.WARNING, "Files of photos that no row knows", _REPAIR),
        "file_partial": Kind(Severity.WARNING, "Files that were never finished", _REPAIR),
        "file_unknown": Kind(
            Severity.WARNING,
            "Files that the platform did not write",
            "Find out who put them there, and move them away.",
        ),
        "archive_leftover": Kind(
            Severity.WARNING, "Archives and videos of jobs that are over", _REPAIR
        ),
        "archive_missing": Kind(
            Severity.ERROR, "Waiting imports whose archive is gone", "Upload the archives again."
        ),
        # faces and templates
        "template_missing": Kind(
            Severity.ERROR,
            "Enrolled faces without a template of their gallery's model: nobody finds them",
            "Erase these images and add them again.",
        ),
        "template_searchable_wrong": Kind(
            Severity.ERROR, "Templates that are searched, or not, against their face", _REPAIR
        ),
        "template_gallery_wrong": Kind(
            Severity.ERROR, "Templates of another gallery than their face", _REPAIR
        ),
        "template_malformed": Kind(
            Severity.ERROR, "Templates of a wrong length or norm", "Add these images again."
        ),
        "face_twice": Kind(
            Severity.WARNING,
            "Faces that are in their gallery twice",
            "Delete one image of each pair.",
        ),
        "reference_foreign": Kind(
            Severity.ERROR, "Rows that point into another organization or gallery", _REPORT
        ),
        "threshold_stale": Kind(
            Severity.NOTE,
            "Galleries whose stored threshold is for another size; answers use the right one",
            _REPAIR,
        ),
        # probes
        "probe_expired": Kind(
            Severity.WARNING,
            "Probes that should have been forgotten more than a day ago",
            f"{_REPAIR} Check that beat and a worker run: they do this every night.",
        ),
        "probe_without_end": Kind(Severity.WARNING, "Probes that would be kept for ever", _REPAIR),
        # jobs
        "job_silent": Kind(
            Severity.WARNING, "Running jobs whose worker has gone silent", f"{_REPAIR} Or start up."
        ),
        "job_unknown_kind": Kind(
            Severity.ERROR, "Waiting jobs of a kind that this version does not know", _REPAIR
        ),
        "job_unclaimable": Kind(
            Severity.ERROR, "Waiting jobs that no worker would take any more", _REPAIR
        ),
        "import_without_job": Kind(Severity.WARNING, "Imports that no job works on", _REPAIR),
        # models
        "model_unknown": Kind(
            Severity.ERROR,
            "Galleries whose network this version does not have",
            "Install the version of the platform that has it.",
        ),
        "model_mismatch": Kind(
            Severity.ERROR,
            "Galleries made with another version of their network",
            "Install the version of the platform that made them.",
        ),
        "model_uncalibrated": Kind(
            Severity.ERROR,
            "Networks without a usable calibration file",
            "Install the platform again: the file is part of it.",
        ),
        "model_damaged": Kind(
            Severity.ERROR, "Networks whose files do not have their checksum", _REPAIR
        ),
        "model_unprepared": Kind(
            Severity.NOTE, "Networks that are not ready yet", "The first photo makes them ready."
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One kind of fault: how often, a few examples (ids, no names), how many are repaired."""

    code: str
    count: int
    repaired: int
    examples: tuple[str, ...]

    @property
    def kind(self) -> Kind:
        return KINDS[self.code]

    @property
    def open(self) -> bool:
        """Whether something is still wrong. Notes never are."""
        return self.repaired < self.count and self.kind.severity != Severity.NOTE


@dataclass(slots=True)
class Findings:
    """Collects findings; `repair` tells the checks to mend what they can."""

    repair: bool = False
    _counts: dict[str, int] = field(default_factory=dict)
    _repaired: dict[str, int] = field(default_factory=dict)
    _examples: dict[str, list[str]] = field(default_factory=dict)

    def add(self, code: str, example: str, *, repaired: bool = False) -> None:
        """Note one case of a code in `KINDS`."""
        if code not in KINDS:
            raise KeyError(code)
        examples = self._examples.setdefault(code, [])
        if len(examples) < EXAMPLES:
            examples.append(example)
        self._counts[code] = self._counts.get(code, 0) + 1
        self._repaired[code] = self._repaired.get(code, 0) + int(repaired)

    def result(self) -> tuple[Finding, ...]:
        """Return the findings in the order of `KINDS`."""
        return tuple(
            Finding(code, self._counts[code], self._repaired[code], tuple(self._examples[code]))
            for code in KINDS
            if code in self._counts
        )
