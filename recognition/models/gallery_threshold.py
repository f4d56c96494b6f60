"""A threshold that an evaluation stands behind."""

from django.db import models
from django.db.models import Q

from faceplatform.core.ids import uuid7
from faceplatform.core.models.scoped import ScopedQuerySet
from recognition.models.gallery import Gallery
from recognition.models.model_version import ModelVersion


class GalleryThreshold(models.Model):
    """The score from which a gallery names somebody, with what was measured about it.

    At most one per gallery is active; the others stay because stored answers cite them. The
    evaluation is known by its id and label only. `target` is the rate that was asked for
    (`fpir` or `fmr`) and `target_rate` its value. `misses` is the share of enrolled people that a
    search is expected to miss. `strangers` and `nonmated` are histograms of `bins` equal bins over
    -1..1, from `first_bin` on: the best score of every search with a stranger, and all scores of
    comparisons between two people. `fingerprint` is that of the gallery when it was measured.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(
        "accounts.Organization", on_delete=models.CASCADE, related_name="+"
    )
    gallery = models.ForeignKey(Gallery, on_delete=models.CASCADE, related_name="thresholds")
    model_version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="+")
    active = models.BooleanField(default=True)
    value = models.FloatField()
    score_kind = models.CharField(max_length=16, default="raw")
    target = models.CharField(max_length=8)
    target_rate = models.FloatField()
    fmr = models.FloatField()
    fpir = models.FloatField()
    fpir_low = models.FloatField()
    fpir_high = models.FloatField()
    misses = models.FloatField(null=True)
    misses_low = models.FloatField(null=True)
    misses_high = models.FloatField(null=True)
    supported = models.BooleanField()
    templates = models.PositiveIntegerField()
    strangers = models.JSONField(default=dict)
    nonmated = models.JSONField(default=dict)
    evaluation = models.UUIDField()
    evaluation_label = models.CharField(max_length=255)
    evaluated_at = models.DateTimeField()
    fingerprint = models.CharField(max_length=64)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(
        "accounts.User", null=True, on_delete=models.SET_NULL, related_name="+"
    )

    objects = ScopedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["gallery"], name="gallery_threshold_one_active", condition=Q(active=True)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.value:.3f} by {self.evaluation_label}"
