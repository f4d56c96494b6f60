"""Where people are enrolled and searched."""

from django.db import models

from faceplatform.core.ids import uuid7
from faceplatform.core.models.scoped import ScopedQuerySet
from recognition.models.model_version import ModelVersion


class ScoreKind(models.TextChoices):
    """How two faces are compared; see `recognition.vision.scoring`."""

    RAW = "raw", "Plain"
    NORMALISED = "normalised", "Cohort-normalised"
    FUSED = "fused", "Fused"
    FUSED_NORMALISED = "fused_normalised", "Fused and cohort-normalised"


class Gallery(models.Model):
    """A set of identities that are searched together, under one model version.

    `default_threshold` is the calibrated score for `default_threshold_templates` searchable
    templates; it is computed again when the gallery has grown by a quarter. `probe_days` is how
    long photos of probes and their answers are kept; 0 keeps the answer without the photo. With
    `consent_required` only people with a consent that holds are found.
    `quality_limits` are the gallery's own limits for enrollment, by name; others are the defaults.
    `fusion_rule` makes one score of those of a person's images (`vision.fusion`), in identification
    and verification alike; empty means the nearest image when identifying and the mean face when
    verifying.
    `score_kind` is changed by a job alone, when everything it needs is stored; fused kinds use the
    versions of `ensemble`, of which `model_version` is the first.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(
        "accounts.Organization", on_delete=models.CASCADE, related_name="galleries"
    )
    name = models.CharField(max_length=120)
    description = models.TextField(blank=True)
    searchable = models.BooleanField(default=True)
    model_version = models.ForeignKey(
        ModelVersion, on_delete=models.PROTECT, related_name="galleries"
    )
    fusion_rule = models.CharField(max_length=16, blank=True)
    score_kind = models.CharField(max_length=20, choices=ScoreKind.choices, default=ScoreKind.RAW)
    ensemble = models.ForeignKey(
        ModelVersion, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    default_threshold = models.FloatField(null=True)
    default_threshold_templates = models.PositiveIntegerField(default=0)
    consent_required = models.BooleanField(default=False)
    probe_days = models.PositiveSmallIntegerField(default=30)
    quality_limits = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(
        "accounts.User", null=True, on_delete=models.SET_NULL, related_name="+"
    )

    objects = ScopedQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "galleries"
        constraints = [
            models.UniqueConstraint(fields=["organization", "name"], name="gallery_name_once"),
        ]

    def __str__(self) -> str:
        return self.name
