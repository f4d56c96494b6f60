"""What was measured, how, and what came out."""

from django.db import models
from django.db.models import Q

from faceplatform.core.ids import uuid7
from faceplatform.core.models import Job
from faceplatform.core.models.scoped import ScopedQuerySet
from recognition.models import Gallery, ModelVersion
from training.models.dataset import Dataset, InputKind


class ProtocolKind(models.TextChoices):
    """Who is compared with whom."""

    ALL_PAIRS = "all_pairs", "Every image with every other"
    OPEN_SET = "open_set", "Enrolled people, their probes, and strangers"
    BALANCED = "balanced", "As many mated as nonmated pairs"
    PAIRS = "pairs", "Pairs from a file"
    CLASSIFICATION = "classification", "Naming the test images of a dataset"
    MODELS = "models", "Two models on the same pairs"


class Evaluation(models.Model):
    """One protocol on one set of faces under one model version.

    Exactly one of `gallery` and `dataset` is the source. `other_version` is the second model of
    protocol `models`. `pairs` are the pairs of an uploaded file
    as `[face id, face id, mated]`. `report` holds numbers and ids of faces, never names or
    pictures: what was erased cannot be read in it. `fingerprint` is the gallery's at the start.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(
        "accounts.Organization", on_delete=models.CASCADE, related_name="evaluations"
    )
    job = models.OneToOneField(Job, null=True, on_delete=models.SET_NULL, related_name="evaluation")
    gallery = models.ForeignKey(
        Gallery, null=True, on_delete=models.CASCADE, related_name="evaluations"
    )
    dataset = models.ForeignKey(
        Dataset, null=True, on_delete=models.CASCADE, related_name="evaluations"
    )
    part = models.CharField(max_length=8, blank=True)
    model_version = models.ForeignKey(
        ModelVersion, on_delete=models.PROTECT, related_name="evaluations"
    )
    other_version = models.ForeignKey(
        ModelVersion, null=True, on_delete=models.PROTECT, related_name="+"
    )
    protocol = models.CharField(max_length=16, choices=ProtocolKind.choices)
    seed = models.PositiveIntegerField(default=0)
    pairs = models.JSONField(default=list)
    pairs_name = models.CharField(max_length=255, blank=True)
    fingerprint = models.CharField(max_length=64, blank=True)
    report = models.JSONField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(
        "accounts.User", null=True, on_delete=models.SET_NULL, related_name="+"
    )
    finished_at = models.DateTimeField(null=True)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["organization", "-id"], name="evaluation_by_organization")]
        constraints = [
            models.CheckConstraint(
                condition=Q(gallery__isnull=True) ^ Q(dataset__isnull=True),
                name="evaluation_one_source",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_protocol_display()}: {self.source_name}"

    @property
    def source_name(self) -> str:
        """Name of the gallery or dataset that was measured."""
        source = self.gallery or self.dataset
        return source.name if source else ""

    @property
    def input_kind(self) -> str:
        """What goes to the detector: a dataset says it, galleries have whole photos."""
        return self.dataset.input_kind if self.dataset else InputKind.PHOTO

    @property
    def is_done(self) -> bool:
        """Whether there is a report."""
        return self.report is not None
