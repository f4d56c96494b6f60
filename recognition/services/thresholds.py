"""Keeping the default threshold in step with the gallery, and applying evaluated ones."""

import datetime as dt
import uuid
from dataclasses import asdict, dataclass
from typing import Any

from django.db import transaction

from faceplatform.core import audit
from faceplatform.core.actors import Actor
from faceplatform.core.errors import Conflict, DomainError
from recognition.models import Gallery, GalleryThreshold
from recognition.selectors.thresholds import basis_of, threshold_for_size

TARGETS = ("fpir", "fmr")


@dataclass(frozen=True, slots=True)
class Measured:
    """A threshold and what an evaluation found out about it; see `GalleryThreshold`."""

    model_version_id: uuid.UUID
    value: float
    target: str
    target_rate: float
    fmr: float
    fpir: float
    fpir_low: float
    fpir_high: float
    misses: float | None
    misses_low: float | None
    misses_high: float | None
    supported: bool
    templates: int
    strangers: dict[str, Any]
    nonmated: dict[str, Any]
    evaluation: uuid.UUID
    evaluation_label: str
    evaluated_at: dt.datetime
    fingerprint: str
    score_kind: str = "raw"


@transaction.atomic
def apply_threshold(*, gallery: Gallery, measured: Measured, actor: Actor) -> GalleryThreshold:
    """Let the gallery decide by a measured threshold from now on.

    Raises Conflict `model_changed` or `score_kind_differs` when the gallery uses another model or
    kind of score than was measured, DomainError `threshold_invalid` for a score or a target that
    makes no sense.
    """
    if measured.target not in TARGETS or not -1.0 <= measured.value <= 1.0:
        raise DomainError("threshold_invalid", "A threshold is a score from -1 to 1.")
    locked = Gallery.objects.select_for_update().get(pk=gallery.pk)
    if locked.model_version_id != measured.model_version_id:
        raise Conflict("model_changed", "The gallery uses another model than was evaluated.")
    if locked.score_kind != measured.score_kind:
        raise Conflict(
            "score_kind_differs",
            "The gallery compares by another kind of score than was evaluated.",
        )
    GalleryThreshold.objects.filter(gallery=gallery, active=True).update(active=False)
    row = GalleryThreshold.objects.create(
        organization_id=gallery.organization_id,
        gallery=gallery,
        created_by_id=actor.user_id,
        **asdict(measured),
    )
    _record(gallery, "threshold.apply", actor, row)
    return row


@transaction.atomic
def reset_threshold(*, gallery: Gallery, actor: Actor) -> None:
    """Go back to the default threshold; Conflict `threshold_default` where it is used already."""
    Gallery.objects.select_for_update().get(pk=gallery.pk)
    row = GalleryThreshold.objects.filter(gallery=gallery, active=True).first()
    if row is None:
        raise Conflict("threshold_default", "This gallery uses the default threshold already.")
    GalleryThreshold.objects.filter(pk=row.pk).update(active=False)
    _record(gallery, "threshold.reset", actor, row)


def refresh_threshold(gallery: Gallery, *, anew: bool = False) -> None:
    """Store the default threshold if the size asks for another one, or `anew` in any case."""
    basis = basis_of(gallery)
    known = basis == gallery.default_threshold_templates and gallery.default_threshold is not None
    if known and not anew:
        return
    info = threshold_for_size(gallery, basis)
    Gallery.objects.filter(pk=gallery.pk).update(
        default_threshold=info.value, default_threshold_templates=basis
    )
    gallery.default_threshold = info.value
    gallery.default_threshold_templates = basis


def _record(gallery: Gallery, action: str, actor: Actor, row: GalleryThreshold) -> None:
    audit.record(
        organization_id=gallery.organization_id,
        actor=actor,
        action=action,
        target_type="gallery",
        target_id=gallery.pk,
        target_label=gallery.name,
        data={
            "threshold": str(row.pk),
            "value": row.value,
            "target": row.target,
            "target_rate": row.target_rate,
            "evaluation": str(row.evaluation),
        },
    )
