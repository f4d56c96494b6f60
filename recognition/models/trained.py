"""What a training run added to the platform's own networks."""

from django.db import models

from recognition.models.model_version import ModelVersion


class TrainedHead(models.Model):
    """The head of a trained version, and what its scores mean.

    `content` is a file of safetensors (`recognition.vision.heads`), kept in the database so that
    every process has it and backups hold it; its checksum is part of the version's digest.
    `calibration` has the form of a calibration file. The version's components, in order, are its
    `EnsembleComponent` rows.
    """

    version = models.OneToOneField(ModelVersion, on_delete=models.CASCADE, related_name="head")
    content = models.BinaryField()
    calibration = models.JSONField()

    def __str__(self) -> str:
        return f"head of {self.version_id}"
