"""What the report page shows: figures, tables, pairs as pictures, thresholds to choose from."""

from typing import Any

from faceplatform.accounts.principal import Principal
from recognition.models import GalleryThreshold
from training.evaluation.plotly_figures import figures
from training.evaluation.report import HardPair, NamedSuspect, Report
from training.evaluation.tables import tables
from training.models import Evaluation
from training.web.cards import PairCard, face_pairs

PAIRS = 24


def report_context(principal: Principal, evaluation: Evaluation) -> dict[str, Any]:
    """Return the context of the page of a finished evaluation."""
    stored = evaluation.report or {}
    report = Report.from_dict(stored["report"])
    drawn = figures(report)
    applied = GalleryThreshold.objects.filter(
        gallery=evaluation.gallery, active=True, evaluation=evaluation.pk
    ).first()
    return {
        "evaluation": evaluation,
        "report": report,
        "headline": stored["headline"],
        "figures": [{"name": name, "title": one["title"]} for name, one in drawn.items()],
        "plots": {"figures": drawn, "curves": _curves(report), "threshold": _start(stored)},
        "tables": tables(report),
        "choices": _choices(stored, applied),
        "applied": applied,
        "suspects": face_pairs(principal, [_suspect(one) for one in report.suspects[:PAIRS]]),
        "hardest_mated": _cards(principal, report.hardest_mated),
        "hardest_nonmated": _cards(principal, report.hardest_nonmated),
    }


def _curves(report: Report) -> dict[str, Any]:
    """Return both errors by threshold, for the slider."""
    curves: dict[str, Any] = {}
    if report.verification is not None:
        curve = report.verification.curve
        curves["pairs"] = {"at": curve.thresholds, "fmr": curve.fmr, "fnmr": curve.fnmr}
    if report.identification is not None:
        rule = report.identification.rules[0]
        if rule.curve_thresholds:
            curves["searches"] = {
                "at": rule.curve_thresholds,
                "fpir": rule.curve_fpir,
                "fnir": rule.curve_fnir,
            }
    return curves


def _start(stored: dict[str, Any]) -> float:
    """Return where the slider begins: the threshold that the headline speaks of."""
    choices = stored["choices"]
    strict = [c for c in choices if c["target"] == "fpir" and c["rate"] <= 0.01]
    chosen = strict[:1] or choices[-1:]
    return float(chosen[0]["threshold"]) if chosen else 0.0


def _choices(stored: dict[str, Any], applied: GalleryThreshold | None) -> list[dict[str, Any]]:
    """Return the rates on offer, by what they count; the one in use and the usual one marked."""
    offered = []
    for choice in stored["choices"]:
        one_in = round(1 / choice["rate"])
        what = "stranger" if choice["target"] == "fpir" else "pair of strangers"
        in_use = (
            applied is not None
            and applied.target == choice["target"]
            and applied.target_rate == choice["rate"]
        )
        offered.append(choice | {"words": f"1 {what} in {one_in:,}", "in_use": in_use})
    return offered


def _cards(principal: Principal, pairs: tuple[HardPair, ...]) -> list[PairCard]:
    return face_pairs(principal, [(one.first, one.second, one.score) for one in pairs[:PAIRS]])


def _suspect(one: NamedSuspect) -> tuple[str, str, float]:
    return one.image, one.other, one.other_score
