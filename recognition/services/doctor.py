"""Looks for whatever does not fit together, and mends what can be mended without losing data.

Works while the platform runs: what changes during the look is looked at twice.
"""

from dataclasses import asdict, dataclass
from typing import Any

from faceplatform.core import audit
from faceplatform.core.actors import Actor
from recognition.services.doctor_faces import check_references, check_templates
from recognition.services.doctor_files import check_files, check_photos
from recognition.services.doctor_findings import Finding, Findings, Progress
from recognition.services.doctor_jobs import check_imports, check_jobs
from recognition.services.doctor_models import check_models, check_probes, check_thresholds

# Jobs come before files: an import that is over no longer needs its archive. Probes come
# before photos, which they hold.
CHECKS = (
    check_jobs,
    check_imports,
    check_probes,
    check_references,
    check_templates,
    check_thresholds,
    check_models,
    check_photos,
    check_files,
)


@dataclass(frozen=True, slots=True)
class Report:
    """What was looked at (how many of each) and what was found."""

    checked: dict[str, int]
    findings: tuple[Finding, ...]

    @property
    def clean(self) -> bool:
        """Whether nothing is wrong, or nothing is wrong any more."""
        return not any(finding.open for finding in self.findings)

    def as_json(self) -> dict[str, Any]:
        """Return the form that the command prints."""
        return {
            "clean": self.clean,
            "checked": self.checked,
            "findings": [
                asdict(finding)
                | {
                    "severity": finding.kind.severity.value,
                    "sentence": finding.kind.sentence,
                    "advice": finding.kind.advice,
                }
                for finding in self.findings
            ],
        }


def no_progress(done: int, total: int | None, note: str) -> None:
    """Tell nobody."""


def examine(*, actor: Actor, repair: bool = False, progress: Progress = no_progress) -> Report:
    """Compare rows, files, templates, jobs and networks with each other.

    `repair` mends what loses nothing: files nobody needs, flags, jobs that would wait for ever,
    probes whose time is over, networks that can be made again. It never makes up a lost photo.
    """
    findings = Findings(repair=repair)
    checked: dict[str, int] = {}
    for check in CHECKS:
        checked |= check(findings, progress)
    report = Report(checked=checked, findings=findings.result())
    mended = {found.code: found.repaired for found in report.findings if found.repaired}
    if mended:
        audit.record(
            organization_id=None,
            actor=actor,
            action="doctor.repair",
            target_type="installation",
            target_id="",
            data=mended,
        )
    return report
