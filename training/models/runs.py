"""A training run: what was asked for, how far it is, and what came out."""

from django.db import models

from faceplatform.core.ids import uuid7
from faceplatform.core.models import Job
from faceplatform.core.models.scoped import ScopedQuerySet
from recognition.models import ModelVersion
from training.models.dataset import Dataset


class TrainingRun(models.Model):
    """One recipe on one dataset.

    `config` are all settings of the recipe; `components` the ids of the versions whose embeddings
    it trains on, in order. `history` has one row of figures per epoch, `progress` where it is now.
    `result` holds figures and ids of people, never names: what was erased cannot be read in it.
    `dataset_name` and `dataset_digest` stay when the dataset is deleted. Checkpoints and CSV lie in
    a folder of the run (`services.run_files`). `version` is the candidate that it made.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(
        "accounts.Organization", on_delete=models.CASCADE, related_name="training_runs"
    )
    name = models.CharField(max_length=120)
    notes = models.TextField(blank=True)
    recipe = models.CharField(max_length=32)
    config = models.JSONField(default=dict)
    components = models.JSONField(default=list)
    dataset = models.ForeignKey(Dataset, null=True, on_delete=models.SET_NULL, related_name="runs")
    dataset_name = models.CharField(max_length=120)
    dataset_digest = models.CharField(max_length=64)
    cloned_from = models.ForeignKey("self", null=True, on_delete=models.SET_NULL, related_name="+")
    job = models.OneToOneField(Job, null=True, on_delete=models.SET_NULL, related_name="run")
    history = models.JSONField(default=list)
    progress = models.JSONField(default=dict)
    result = models.JSONField(null=True)
    environment = models.JSONField(default=dict)
    version = models.ForeignKey(
        ModelVersion, null=True, on_delete=models.SET_NULL, related_name="runs"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(
        "accounts.User", null=True, on_delete=models.SET_NULL, related_name="+"
    )
    finished_at = models.DateTimeField(null=True)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["organization", "-id"], name="run_by_organization")]

    def __str__(self) -> str:
        return self.name

    @property
    def is_done(self) -> bool:
        """Whether there is a result."""
        return self.result is not None
