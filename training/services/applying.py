"""From a report to the threshold of a gallery."""

import math
from typing import Any

from faceplatform.core.actors import Actor
from faceplatform.core.errors import Conflict, DomainError, Unprocessable
from recognition.models import GalleryThreshold
from recognition.services.thresholds import Measured, apply_threshold
from training.models import Evaluation


def apply_evaluation(
    *, evaluation: Evaluation, target: str, rate: float, actor: Actor
) -> GalleryThreshold:
    """Let the evaluated gallery decide by the threshold that the report offers for a rate.

    Raises Conflict `evaluation_unfinished`, Unprocessable `no_gallery`, DomainError
    `target_invalid` for a rate that the report does not offer, and what `apply_threshold` raises.
    """
    report, gallery = evaluation.report, evaluation.gallery
    if report is None or evaluation.finished_at is None:
        raise Conflict("evaluation_unfinished", "This evaluation has no report yet.")
    if gallery is None:
        raise Unprocessable("no_gallery", "Thresholds are applied from evaluations of a gallery.")
    choice = find_choice(report, target, rate)
    measured = Measured(
        model_version_id=evaluation.model_version_id,
        value=choice["threshold"],
        target=target,
        target_rate=choice["rate"],
        fmr=choice["fmr"],
        fpir=choice["fpir"],
        fpir_low=choice["fpir_low"],
        fpir_high=choice["fpir_high"],
        misses=choice["misses"],
        misses_low=choice["misses_low"],
        misses_high=choice["misses_high"],
        supported=choice["sound"],
        templates=sum(report["strangers"]["counts"]),
        strangers=report["strangers"],
        nonmated=report["nonmated"],
        evaluation=evaluation.pk,
        evaluation_label=str(evaluation)[:255],
        evaluated_at=evaluation.finished_at,
        fingerprint=evaluation.fingerprint,
    )
    return apply_threshold(gallery=gallery, measured=measured, actor=actor)


def find_choice(report: dict[str, Any], target: str, rate: float) -> dict[str, Any]:
    """Return the offered choice; DomainError `target_invalid` if there is none."""
    for choice in report.get("choices", []):
        if choice["target"] == target and math.isclose(choice["rate"], rate, rel_tol=1e-6):
            found: dict[str, Any] = choice
            return found
    raise DomainError("target_invalid", "The report offers no threshold for this rate.")
