"""Two finished evaluations side by side."""

from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import urlencode

from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse

from faceplatform.accounts.access import PolicyView
from faceplatform.accounts.policy import Action
from training.evaluation.headlines import estimate_cell, percent, rate_cell
from training.evaluation.plotly_figures import COLORS, figures
from training.evaluation.report import Report
from training.models import Evaluation
from training.services.exports import named_report
from training.web.evaluations import plotly_styles

DRAWN = ("scores", "det", "roc", "cmc", "open_set")
Row = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two: the row, its report and the sentence above it."""

    evaluation: Evaluation
    report: Report
    headline: str


@plotly_styles
class EvaluationCompareView(PolicyView):
    """Figures of two evaluations in one table and one plot each."""

    actions: ClassVar[dict[str, Action]] = {"GET": Action.EVALUATION_VIEW}

    def get(self, request: HttpRequest) -> HttpResponse:
        sides = self._side(request, "first"), self._side(request, "second")
        drawn = overlaid(sides)
        context = {
            "sides": sides,
            "rows": rows_of(sides[0].report, sides[1].report),
            "figures": [{"name": name, "title": one["title"]} for name, one in drawn.items()],
            "plots": {"figures": drawn, "curves": {}, "threshold": 0.0},
            "pairwise": _pairwise(sides),
        }
        return render(request, "training/evaluation_compare.html", context)

    def _side(self, request: HttpRequest, name: str) -> Side:
        rows = Evaluation.objects.visible_to(self.principal).select_related(
            "gallery", "dataset", "model_version"
        )
        try:
            found: Evaluation = get_object_or_404(
                rows, pk=request.GET.get(name) or None, report__isnull=False
            )
        except ValidationError as error:
            raise Http404 from error
        return Side(found, named_report(found), (found.report or {})["headline"])


def _pairwise(sides: tuple[Side, Side]) -> str:
    """Return where both models can be compared on the same pairs, if that makes sense."""
    first, second = (side.evaluation for side in sides)
    same = (first.gallery_id, first.dataset_id) == (second.gallery_id, second.dataset_id)
    if not same or first.model_version_id == second.model_version_id:
        return ""
    source = {"gallery": first.gallery_id} if first.gallery_id else {"dataset": first.dataset_id}
    query: dict[str, Any] = source | {
        "protocol": "models",
        "model": first.model_version_id,
        "other": second.model_version_id,
    }
    return f"{reverse('evaluation_new')}?{urlencode(query)}"


def rows_of(first: Report, second: Report) -> list[Row]:
    """Return the figures that one of both has, in words."""
    one, two = _cells(first), _cells(second)
    names = list(dict.fromkeys([*one, *two]))
    return [(name, one.get(name, "–"), two.get(name, "–")) for name in names]


def _cells(report: Report) -> dict[str, str]:
    subject = report.subject
    found = {
        "Images": f"{subject.images:,}",
        "People": f"{subject.identities:,}",
        "Without a face to compare": f"{subject.failures:,}",
        "Input": "pre-cropped faces" if subject.input_kind == "crop" else "as photographed",
    }
    if report.verification is not None:
        pairs = report.verification
        found["Equal error rate"] = estimate_cell(pairs.eer)
        found["AUC"] = estimate_cell(pairs.auc)
        found |= {
            f"FNMR at FMR {percent(point.target_fmr)}": rate_cell(point.fnmr_there or point.fnmr)
            for point in pairs.points
            if point.threshold is not None
        }
    if report.identification is not None:
        best = report.identification.rules[0]
        found["Found first"] = estimate_cell(best.rank_1)
        found |= {
            f"FNIR at FPIR {percent(point.target_fpir)}": rate_cell(point.fnir)
            for point in best.points
            if point.threshold is not None
        }
    if report.classification is not None:
        named = report.classification
        found["Named rightly"] = estimate_cell(named.accuracy)
        found["Among the first five"] = estimate_cell(named.top_5)
        found["F1, mean over people"] = f"{named.macro_f1:.3f}"
    return found


def overlaid(sides: tuple[Side, Side]) -> dict[str, dict[str, Any]]:
    """Return the figures that both have with the lines of both, the second's dashed."""
    both = [figures(side.report) for side in sides]
    labels = _labels(sides)
    found = {}
    for name in DRAWN:
        if not all(name in drawn for drawn in both):
            continue
        data = [
            _relabelled(trace, label, number, dash)
            for drawn, label, dash in zip(both, labels, ("solid", "dash"), strict=True)
            for number, trace in enumerate(drawn[name]["data"])
        ]
        layout = {k: v for k, v in both[0][name]["layout"].items() if k != "annotations"}
        layout["shapes"] = []
        found[name] = both[0][name] | {"data": data, "layout": layout}
    return found


def _labels(sides: tuple[Side, Side]) -> tuple[str, str]:
    names = [side.report.subject.model for side in sides]
    if names[0] == names[1]:
        names = [side.evaluation.source_name for side in sides]
    if names[0] == names[1]:
        names = ["first", "second"]
    return names[0], names[1]


def _relabelled(trace: dict[str, Any], label: str, number: int, dash: str) -> dict[str, Any]:
    line = trace["line"] | {"dash": dash, "color": COLORS[number % len(COLORS)]}
    if dash == "dash" and "fill" not in trace and number == 0:
        line["color"] = COLORS[1]
    return {k: v for k, v in trace.items() if k != "fill"} | {
        "name": f"{label}: {trace['name']}",
        "line": line,
    }
