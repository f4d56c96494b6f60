"""Built-in model versions as rows, and the calibration that is in force for each."""

import logging

import numpy as np
from django.conf import settings
from django.db import transaction
from django.db.models import Q

from faceplatform.core.errors import DomainError
from recognition.models import EnsembleComponent, Gallery, ModelVersion
from recognition.refusals import refusals
from recognition.services.thresholds import refresh_threshold
from recognition.vision import registry
from recognition.vision.calibration import Calibration
from recognition.vision.centring import centring_of
from recognition.vision.errors import CalibrationMissing, ModelDamaged, VisionError
from recognition.vision.registry import BackboneSpec
from recognition.vision.scoring import KINDS

logger = logging.getLogger(__name__)


def default_version() -> ModelVersion:
    """Return the version that new galleries use, registering it on first use.

    Raises DomainError 503 `model_uncalibrated` where the backbone has no calibration file: without
    one no threshold can be given.
    """
    return builtin_version(settings.DEFAULT_BACKBONE)


def builtin_version(backbone: str) -> ModelVersion:
    """Return the row of a backbone that comes with the platform, registering it on first use.

    Raises DomainError 503 `model_uncalibrated`, or the code of an unknown backbone.
    """
    with refusals():
        spec = registry.get(backbone)
        if not spec.calibration:
            raise DomainError(
                "model_uncalibrated",
                f"{spec.title} has no calibration yet, so it cannot serve a gallery.",
                status=503,
            )
        calibration = calibrations_digest(spec.name)
        digest = digest_of(spec)
    version, _ = ModelVersion.objects.get_or_create(
        organization=None,
        digest=digest,
        defaults={
            "name": spec.title,
            "backbone": spec.name,
            "dimension": spec.dimension,
            "numeric_class": registry.NUMERIC_CLASS,
            "calibration_sha256": calibration,
            "specification": {
                "preprocessing": registry.described(spec.preprocessing),
                "weights_sha256": spec.weights_sha256,
                "licence": spec.licence,
                "training_data": spec.training_data,
            },
        },
    )
    return version


def ensemble_with(first: ModelVersion) -> ModelVersion | None:
    """Return the built-in ensemble in which this version finds the candidates, None without one.

    Registers it and its components on first use.
    """
    spec = next((e for e in registry.ensembles() if e.components[0] == first.backbone), None)
    if spec is None or first.organization_id is not None:
        return None
    versions = [builtin_version(name) for name in spec.components]
    if versions[0].pk != first.pk:
        return None  # the gallery was made with another version of this backbone
    with transaction.atomic():
        ensemble, created = ModelVersion.objects.get_or_create(
            organization=None,
            digest=registry.ensemble_digest([version.digest for version in versions]),
            defaults={
                "name": spec.title,
                "backbone": spec.name,
                "dimension": sum(version.dimension for version in versions),
                "numeric_class": registry.NUMERIC_CLASS,
                "calibration_sha256": calibrations_digest(spec.name),
                "specification": {"components": list(spec.components)},
            },
        )
        if created:
            EnsembleComponent.objects.bulk_create(
                EnsembleComponent(ensemble=ensemble, version=version, number=number)
                for number, version in enumerate(versions)
            )
    return ensemble


def digest_of(spec: BackboneSpec, weights_sha256: str = "") -> str:
    """Return the digest of the version that this backbone makes, by default with its own weights.

    Raises ModelDamaged where the centring vector cannot be read.
    """
    return registry.version_digest(spec, weights_sha256 or spec.weights_sha256, centring_of(spec))


def calibration_of(spec: BackboneSpec) -> Calibration:
    """Return the calibration of a backbone.

    Raises CalibrationMissing, and ModelDamaged where it was measured with another centring vector
    than the backbone's: its scores would say nothing about ours.
    """
    calibration = Calibration.load(spec.name)
    centring = centring_of(spec)
    own = centring if centring is not None else np.empty(0, np.float32)
    if not np.array_equal(calibration.centring, own):
        raise ModelDamaged(f"The calibration of {spec.name!r} belongs to another version of it.")
    return calibration


def adopt_calibrations() -> int:
    """Put calibrations that were measured anew in force; return how many galleries that touched.

    Templates stay as they are: a calibration changes what a score means, not the score. Default
    thresholds of the version's galleries are computed again. Safe to call at any time.
    """
    touched = 0
    for version in ModelVersion.objects.filter(organization=None):
        try:
            digest = calibrations_digest(version.backbone)
        except VisionError as error:
            logger.warning("%s keeps its thresholds: %s", version.backbone, error)
            continue
        if digest != version.calibration_sha256:
            touched += _adopt(version, digest)
    return touched


def calibrations_digest(name: str) -> str:
    """Return one digest over the calibrations of every kind of score of a backbone or ensemble.

    Raises CalibrationMissing where a backbone has none for raw scores, and ModelDamaged.
    """
    digests = [calibration_of(registry.get(name)).digest] if name in _backbones() else []
    for kind in KINDS[1:]:
        try:
            digests.append(Calibration.load(name, kind=kind).digest)
        except CalibrationMissing:
            continue
    return digests[0] if len(digests) == 1 else registry.ensemble_digest(digests)


def _backbones() -> set[str]:
    return {spec.name for spec in registry.backbones()}


@transaction.atomic
def _adopt(version: ModelVersion, digest: str) -> int:
    held = ModelVersion.objects.select_for_update().get(pk=version.pk)
    if held.calibration_sha256 == digest:
        return 0
    galleries = Gallery.objects.filter(
        Q(model_version=held) | Q(ensemble=held), default_threshold__isnull=False
    )
    touched = 0
    for gallery in galleries.order_by("pk"):
        refresh_threshold(gallery, anew=True)
        touched += 1
    held.calibration_sha256 = digest
    held.save(update_fields=["calibration_sha256"])
    logger.info("%s has a new calibration; %d thresholds computed again", held, touched)
    return touched
