"""`manage.py up`: the whole platform in one terminal."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from faceplatform.stack.errors import AlreadyRunningError
from faceplatform.stack.health import Probe, as_json, platform_report
from faceplatform.stack.layout import Layout
from faceplatform.stack.plan import Plan
from faceplatform.stack.supervisor import Supervisor


class Command(BaseCommand):
    """Runs, or with `--check` reports on, every part.

    Exit codes: 0 stopped by a signal, or all well; 1 it could not start, or a part does
    not work; 3 another `up` runs already on the same data.
    """

    help = (
        "Start, supervise and stop everything: database, broker, workers, scheduler, "
        "dispatcher and web server. Ctrl-C stops it."
    )
    requires_system_checks = []
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--check",
            action="store_true",
            help="start nothing; report every part, exit with 1 if one does not work",
        )
        parser.add_argument("--json", action="store_true", help="print the report as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        layout = Layout.current()
        plan = Plan.from_environment()
        if options["check"]:
            self._check(layout, plan, as_data=options["json"])
        elif options["json"]:
            raise CommandError("--json goes with --check")
        else:
            try:
                Supervisor(layout, plan).run()
            except AlreadyRunningError as error:
                raise CommandError(str(error), returncode=3) from None

    def _check(self, layout: Layout, plan: Plan, *, as_data: bool) -> None:
        report = platform_report(layout, bind=plan.bind, host=plan.public_url.host)
        if as_data:
            self.stdout.write(json.dumps(as_json(report), indent=2))
        else:
            for name, probe in report.items():
                self.stdout.write(_line(name, probe))
        if not all(probe.ok for probe in report.values()):
            raise SystemExit(1)


def _line(name: str, probe: Probe) -> str:
    mark = "ok  " if probe.ok else "FAIL"
    return f"{mark}  {name:<16}  {probe.detail}  ({probe.ms:.0f} ms)"
