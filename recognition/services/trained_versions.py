"""Versions that the organization trained."""

import hashlib
import uuid
from collections.abc import Sequence
from typing import Any

from django.db import transaction

from faceplatform.core import audit
from faceplatform.core.actors import Actor
from faceplatform.core.errors import DomainError
from recognition.models import EnsembleComponent, ModelVersion, TrainedHead
from recognition.refusals import refusals
from recognition.services.names import clean_name
from recognition.vision import registry
from recognition.vision.calibration import from_json
from recognition.vision.heads import Head

MAX_NAME = 80


def trained_digest(head_sha256: str, components: Sequence[ModelVersion]) -> str:
    """Return the digest of a trained version: its head and its components, in their order."""
    return registry.ensemble_digest([head_sha256, *(version.digest for version in components)])


@transaction.atomic
def register_trained(
    *,
    organization_id: uuid.UUID,
    name: str,
    head: Head,
    components: Sequence[ModelVersion],
    calibration: dict[str, Any],
    card: dict[str, Any],
    actor: Actor,
) -> ModelVersion:
    """Add a trained version; the same head again is the version that is there already.

    `card` says what it was trained on, how well it does and what for. Raises DomainError
    `components_invalid`, `calibration_invalid` or `name_invalid`.
    """
    widths = tuple(version.dimension for version in components)
    if widths != head.widths or any(version.is_trained for version in components):
        raise DomainError("components_invalid", "The head does not fit these models.")
    try:
        from_json(calibration)
    except (LookupError, TypeError, ValueError) as error:
        raise DomainError("calibration_invalid", f"The scores mean nothing: {error}") from error
    content = head.to_bytes()
    with refusals():
        Head.from_bytes(content)
    checksum = hashlib.sha256(content).hexdigest()
    digest = trained_digest(checksum, components)
    version, created = ModelVersion.objects.get_or_create(
        organization_id=organization_id,
        digest=digest,
        defaults={
            "name": clean_name(name, limit=MAX_NAME),
            "backbone": f"trained-{digest[:16]}",
            "dimension": head.dimension,
            "numeric_class": registry.NUMERIC_CLASS,
            "specification": {
                "components": [one.backbone for one in components],
                "head_sha256": checksum,
                "scales": [round(scale, 4) for scale in head.scales],
                **card,
            },
        },
    )
    if created:
        TrainedHead.objects.create(version=version, content=content, calibration=calibration)
        EnsembleComponent.objects.bulk_create(
            EnsembleComponent(ensemble=version, version=one, number=number)
            for number, one in enumerate(components)
        )
        _record(version, "model.register", actor)
    return version


def _record(version: ModelVersion, action: str, actor: Actor) -> None:
    if version.organization_id is None:
        raise ValueError("a trained version belongs to an organization")
    audit.record(
        organization_id=version.organization_id,
        actor=actor,
        action=action,
        target_type="model_version",
        target_id=version.pk,
        target_label=version.name,
        data={"digest": version.digest, "components": version.specification["components"]},
    )
