"""Reports as files. What draws them is imported when somebody asks for a drawing."""

import io
import json
import zipfile
from collections.abc import Iterable

from faceplatform.core.errors import Conflict
from training.evaluation.report import Report
from training.models import Evaluation


def stored_report(evaluation: Evaluation) -> Report:
    """Return the report; Conflict `evaluation_unfinished` where there is none yet."""
    if evaluation.report is None:
        raise Conflict("evaluation_unfinished", "This evaluation has no report yet.")
    return Report.from_dict(evaluation.report["report"])


def report_json(evaluation: Evaluation) -> bytes:
    """Return the report as JSON; images are named by their ids."""
    record = {"evaluation": str(evaluation.pk)} | stored_report(evaluation).to_dict()
    return json.dumps(record, ensure_ascii=False, allow_nan=False).encode()


def csv_zip(evaluation: Evaluation) -> bytes:
    """Return a zip with one CSV per table."""
    from training.evaluation.tables import csv_files

    files = csv_files(stored_report(evaluation))
    return _zip((f"{name}.csv", text.encode()) for name, text in files.items())


def figures_zip(evaluation: Evaluation) -> bytes:
    """Return a zip with every figure as SVG and PNG."""
    from training.evaluation.plots import draw, names

    report = stored_report(evaluation)
    return _zip(
        (f"{name}.{kind}", draw(report, name, kind))
        for name in names(report)
        for kind in ("svg", "png")
    )


def pdf(evaluation: Evaluation) -> bytes:
    """Return the report as PDF, A4."""
    from training.evaluation.pdf import write_pdf

    return write_pdf(stored_report(evaluation))


def _zip(files: Iterable[tuple[str, bytes]]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files:
            archive.writestr(name, data)
    return out.getvalue()
