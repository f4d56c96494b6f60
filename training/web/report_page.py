"""What the report page shows: figures, tables, pairs as pictures, thresholds to choose from."""

from typing import Any

from faceplatform.accounts.principal import Principal
from recognition.models import GalleryThreshold
from training.evaluation.plotly_figures import figures
from training.evaluation.report import HardPair, NamedSuspect, Report
from training.evaluation.tables import tables
from training.models import Evaluation
from training.services.exports import named_report
from training.web.cards import PairCard, face_pairs

PAIRS = 24
OTHERS = 50


def report_context(principal: Principal, evaluation: Evaluation) -> dict[str, Any]:
    """Return the context of the page of a finished evaluation."""
    stored = evaluation.report or {}
    report = named_report(evaluation)
    drawn = figures(report)
    applied = GalleryThreshold.objects.filter(
        gallery=evaluation.gallery, active=True, evaluation=evaluation.pk
    ).first()
    return {
        "evaluation": evaluation,
        "report": report,
        "headline": stored["headline"],
        "figures": [{"name": name, "title": one["title"]} for name, one in drawn.items()],
        "plots": {"figures": drawn, "curves": _curves(report), "threshold": _start(stored, report)},
        "tables": tables(report),
        "choices": _choices(stored, applied),
        "applied": applied,
        "suspects": face_pairs(principal, [_suspect(one) for one in report.suspects[:PAIRS]]),
        "hardest_mated": _cards(principal, report.hardest_mated),
        "hardest_nonmated": _cards(principal, report.hardest_nonmated),
        "changed": _changed(principal, report, stored),
        "comparable": _comparable(principal, evaluation),
    }


def _comparable(principal: Principal, evaluation: Evaluation) -> list[Evaluation]:
    """Return finished evaluations to put beside this one: those of the same source first."""
    rows = Evaluation.objects.visible_to(principal).filter(finished_at__isnull=False)
    rows = rows.exclude(pk=evaluation.pk).select_related("gallery", "dataset", "model_version")
    source = (evaluation.gallery_id, evaluation.dataset_id)
    found = rows.defer("report", "pairs").order_by("-pk")[:OTHERS]
    return sorted(found, key=lambda one: (one.gallery_id, one.dataset_id) != source)


def _changed(
    principal: Principal, report: Report, stored: dict[str, Any]
) -> list[tuple[str, list[PairCard]]]:
    """Return the pairs that only one of two models decides rightly, by model."""
    if report.models is None:
        return []
    pairs = list(zip(stored.get("changed", ()), report.models.changed, strict=True))
    found = []
    for which, name in (("first", report.subject.model), ("second", report.other_model)):
        own = [(a, b, one.second_score) for (a, b, *_), one in pairs if one.better == which]
        found.append((name, face_pairs(principal, own[:PAIRS])))
    return found


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


def _start(stored: dict[str, Any], report: Report) -> float:
    """Return where the slider begins: the threshold that the headline speaks of."""
    choices = stored["choices"]
    strict = [c for c in choices if c["target"] == "fpir" and c["rate"] <= 0.01]
    chosen = strict[:1] or choices[-1:]
    if chosen:
        return float(chosen[0]["threshold"])
    if report.identification is not None:
        points = report.identification.rules[0].points
        supported = [point.threshold for point in points if point.threshold is not None]
        return supported[-1] if supported else 0.0
    return report.verification.eer_threshold if report.verification is not None else 0.0


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
