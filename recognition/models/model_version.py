"""A network with its weights and preprocessing, as one unchangeable thing."""

from typing import Any

from django.db import models
from django.db.models import Q

from faceplatform.core.ids import uuid7


class ModelVersionQuerySet(models.QuerySet["ModelVersion"]):
    """Querysets of versions."""

    def visible_to(self, principal: Any) -> "ModelVersionQuerySet":
        """Return built-in versions and those of the principal's organization."""
        if principal.organization_id is None:
            return self.none()
        return self.filter(Q(organization=None) | Q(organization_id=principal.organization_id))


class ModelVersion(models.Model):
    """What a template was made with; templates of two versions are never compared.

    `digest` covers weights, preprocessing and centring vector. `calibration_sha256` is the
    calibration that default thresholds rest on; it is no part of the digest, because it changes
    what a score means and not what a template is. Built-in versions have no organization and are
    written only by `services.model_versions`.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(
        "accounts.Organization",
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="model_versions",
    )
    name = models.CharField(max_length=80)
    backbone = models.CharField(max_length=80)
    digest = models.CharField(max_length=64)
    dimension = models.PositiveSmallIntegerField()
    numeric_class = models.CharField(max_length=16, default="float")
    calibration_sha256 = models.CharField(max_length=64, blank=True)
    specification = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ModelVersionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "digest"],
                name="model_version_once",
                nulls_distinct=False,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.digest[:8]})"

    @property
    def is_trained(self) -> bool:
        """Whether the organization trained it; see `TrainedHead`."""
        return "head_sha256" in self.specification

    @property
    def network(self) -> str:
        """Name of the backbone that sees the picture: of a trained version its first one."""
        if not self.is_trained:
            return self.backbone
        return str(self.specification["components"][0])
