"""`manage.py doctor`: does everything still fit together?"""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from recognition.management.common import COMMAND_LINE, print_json
from recognition.management.phases import PhaseLine
from recognition.services.doctor import Report, examine
from recognition.services.doctor_findings import Finding

CLEAN, FOUND = 0, 1


class Command(BaseCommand):
    """Exit code 0: clean, or clean after repairs. 1: something is wrong."""

    help = "Compare rows, files with their checksums, templates, jobs and networks."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        parser.add_argument("--repair", action="store_true", help="mend what loses nothing")
        parser.add_argument("--json", action="store_true", help="print only a JSON record")

    def handle(self, *args: Any, **options: Any) -> None:
        """Examine, print, and end with the exit code that says how it is."""
        with PhaseLine() as progress:
            report = examine(actor=COMMAND_LINE, repair=options["repair"], progress=progress)
        if options["json"]:
            print_json(self.stdout, report.as_json())
        else:
            self.stdout.write("\n".join(_lines(report)))
        sys.exit(CLEAN if report.clean else FOUND)


def _lines(report: Report) -> list[str]:
    counts = ", ".join(
        f"{name.replace('_', ' ')} {number:,}" for name, number in report.checked.items()
    )
    lines = [f"Looked at: {counts}."]
    for finding in report.findings:
        lines += _finding_lines(finding)
    lines.append("Clean." if report.clean else "Something is wrong; see above.")
    return lines


def _finding_lines(finding: Finding) -> list[str]:
    kind = finding.kind
    mended = ""
    if finding.repaired:
        every = finding.repaired == finding.count
        mended = ", repaired" if every else f", {finding.repaired:,} of them repaired"
    head = f"{kind.severity.value:<8} {kind.sentence}: {finding.count:,}{mended} ({finding.code})"
    lines = [head, *(f"           {example}" for example in finding.examples)]
    if finding.count > len(finding.examples):
        lines.append(f"           and {finding.count - len(finding.examples):,} more")
    if finding.repaired < finding.count and kind.advice:
        lines.append(f"         → {kind.advice}")
    return lines
