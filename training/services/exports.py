"""Reports as files. What draws them is imported when somebody asks for a drawing."""

import io
import json
import zipfile
from collections.abc import Iterable
from dataclasses import replace

from faceplatform.core.errors import Conflict
from recognition.models import Identity
from training.evaluation.report import Report
from training.models import Evaluation


def stored_report(evaluation: Evaluation) -> Report:
    """Return the report; Conflict `evaluation_unfinished` where there is none yet."""
    if evaluation.report is None:
        raise Conflict("evaluation_unfinished", "This evaluation has no report yet.")
    return Report.from_dict(evaluation.report["report"])


def named_report(evaluation: Evaluation) -> Report:
    """Return the report to be looked at: classes, stored as ids, have the names of their people.

    Who was erased since has no name. Raises Conflict `evaluation_unfinished`.
    """
    report = stored_report(evaluation)
    found = report.classification
    if found is None:
        return report
    ids = [one.name for one in found.classes]
    rows = Identity.objects.filter(pk__in=ids, organization_id=evaluation.organization_id)
    known = {str(pk): name for pk, name in rows.values_list("pk", "name")}

    def name_of(pk: str) -> str:
        return known.get(pk, "erased")

    named = replace(
        found,
        classes=tuple(replace(one, name=name_of(one.name)) for one in found.classes),
        confused=tuple(
            replace(one, truth=name_of(one.truth), answer=name_of(one.answer))
            for one in found.confused
        ),
    )
    return replace(report, classification=named)


def report_json(evaluation: Evaluation) -> bytes:
    """Return the report as JSON; images are named by their ids."""
    record = {"evaluation": str(evaluation.pk)} | stored_report(evaluation).to_dict()
    return json.dumps(record, ensure_ascii=False, allow_nan=False).encode()


def csv_zip(evaluation: Evaluation) -> bytes:
    """Return a zip with one CSV per table."""
    from training.evaluation.tables import csv_files

    files = csv_files(named_report(evaluation))
    return _zip((f"{name}.csv", text.encode()) for name, text in files.items())


def figures_zip(evaluation: Evaluation) -> bytes:
    """Return a zip with every figure as SVG and PNG."""
    from training.evaluation.plots import draw, names

    report = named_report(evaluation)
    return _zip(
        (f"{name}.{kind}", draw(report, name, kind))
        for name in names(report)
        for kind in ("svg", "png")
    )


def pdf(evaluation: Evaluation) -> bytes:
    """Return the report as PDF, A4."""
    from training.evaluation.pdf import write_pdf

    return write_pdf(named_report(evaluation))


def _zip(files: Iterable[tuple[str, bytes]]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files:
            archive.writestr(name, data)
    return out.getvalue()
