"""What the scores of a version mean: from the platform's files, or from the training run."""

import uuid
from functools import lru_cache

from recognition.models import ModelVersion, TrainedHead
from recognition.vision.calibration import Calibration, from_json
from recognition.vision.errors import CalibrationMissing, ModelDamaged
from recognition.vision.scoring import ScoreKind


def calibration_of_version(version: ModelVersion, kind: ScoreKind = "raw") -> Calibration:
    """Return a version's calibration for a kind of score (kept in memory).

    A trained version has one for raw scores. Raises CalibrationMissing or ModelDamaged.
    """
    if not version.is_trained:
        return Calibration.load(version.backbone, kind=kind)
    if kind != "raw":
        raise CalibrationMissing(f"{version.name} was trained here and has plain scores only.")
    return _trained(version.pk, version.digest)


@lru_cache(maxsize=32)
def _trained(version_id: uuid.UUID, digest: str) -> Calibration:
    row = TrainedHead.objects.filter(version_id=version_id).values_list("calibration", flat=True)
    record = row.first()
    if record is None:
        raise CalibrationMissing(f"There is no calibration of the version {digest[:12]}.")
    try:
        return from_json(record)
    except (LookupError, TypeError, ValueError) as error:
        raise ModelDamaged(f"The calibration of {digest[:12]} cannot be read: {error}") from error
