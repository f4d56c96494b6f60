"""What keeps searches fast: indexes of single galleries, and what changed in the templates."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from recognition.models.gallery import Gallery
from recognition.models.model_version import ModelVersion


class SearchIndex(models.Model):
    """An HNSW index over one gallery's templates of one version, with its measured recall.

    `first_same` is the share of probes for which it puts the same person first as an exact search,
    `mates_found` the share of the probe's own images among the nearest that it finds as well.
    """

    gallery = models.ForeignKey(Gallery, on_delete=models.CASCADE, related_name="search_indexes")
    model_version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=63, unique=True)
    templates = models.PositiveIntegerField()
    build_seconds = models.FloatField()
    size_bytes = models.PositiveBigIntegerField()
    ef_search = models.PositiveSmallIntegerField()
    probes = models.PositiveIntegerField(default=0)
    first_same = models.FloatField(null=True)
    mates_found = models.FloatField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "search indexes"
        constraints = [
            models.UniqueConstraint(fields=["gallery", "model_version"], name="search_index_once"),
        ]

    def __str__(self) -> str:
        return self.name


class TemplateChange(models.Model):
    """A template that was added, changed or removed; written by triggers, also by cascades.

    `template_id` is empty after a statement that touched many: then everything is read again.
    `transaction` is PostgreSQL's number of the writing transaction: a reader asks again for
    everything from the oldest one that was still running when it looked last.
    """

    id = models.BigAutoField(primary_key=True)
    gallery_id = models.UUIDField()
    model_version_id = models.UUIDField()
    template_id = models.BigIntegerField(null=True)
    transaction = models.BigIntegerField()
    at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [
            models.Index(
                fields=["gallery_id", "model_version_id", "transaction"],
                name="template_change_lookup",
            ),
            models.Index(fields=["at"], name="template_change_age"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(transaction__gt=0), name="change_transaction"),
        ]

    def __str__(self) -> str:
        return f"change {self.pk}"
