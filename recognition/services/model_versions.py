"""Built-in model versions as rows."""

from dataclasses import asdict

from django.conf import settings

from faceplatform.core.errors import DomainError
from recognition.models import ModelVersion
from recognition.refusals import refusals
from recognition.vision import registry
from recognition.vision.calibration import Calibration


def default_version() -> ModelVersion:
    """Return the version that new galleries use, registering it on first use.

    Raises DomainError 503 `model_uncalibrated` where the backbone has no calibration file: without
    one no threshold can be given.
    """
    with refusals():
        spec = registry.get(settings.DEFAULT_BACKBONE)
        if not spec.calibration:
            raise DomainError(
                "model_uncalibrated",
                f"{spec.title} has no calibration yet, so it cannot serve a gallery.",
                status=503,
            )
        calibration = Calibration.load(spec.name)
    digest = registry.version_digest(spec, spec.weights_sha256, calibration.centring)
    version, _ = ModelVersion.objects.get_or_create(
        organization=None,
        digest=digest,
        defaults={
            "name": spec.title,
            "backbone": spec.name,
            "dimension": spec.dimension,
            "numeric_class": registry.NUMERIC_CLASS,
            "specification": {
                "preprocessing": asdict(spec.preprocessing),
                "weights_sha256": spec.weights_sha256,
                "licence": spec.licence,
                "training_data": spec.training_data,
            },
        },
    )
    return version
