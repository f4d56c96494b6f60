"""What a look through a gallery found."""

from django.db import models
from django.db.models import Q

from faceplatform.core.ids import uuid7
from faceplatform.core.models import Job
from faceplatform.core.models.scoped import ScopedQuerySet
from recognition.models.face_image import FaceImage
from recognition.models.gallery import Gallery
from recognition.models.identity import Identity


class FindingKind(models.TextChoices):
    """What may be wrong."""

    MISLABELLED = "mislabelled", "Looks like somebody else"
    SWAPPED = "swapped", "Swapped with somebody else"
    OUTLIER = "outlier", "Unlike the person's other images"
    LOOK_ALIKE = "look_alike", "One person under two names?"
    DUPLICATE = "duplicate", "The same image twice"
    LOW_QUALITY = "low_quality", "Misses a quality limit"


class HygieneRun(models.Model):
    """One look through a gallery. Its findings replace those of the run before."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(
        "accounts.Organization", on_delete=models.CASCADE, related_name="hygiene_runs"
    )
    gallery = models.ForeignKey(Gallery, on_delete=models.CASCADE, related_name="hygiene_runs")
    job = models.OneToOneField(
        Job, null=True, on_delete=models.SET_NULL, related_name="hygiene_run"
    )
    images = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)

    objects = ScopedQuerySet.as_manager()

    def __str__(self) -> str:
        return f"look through {self.gallery_id}"


class HygieneFinding(models.Model):
    """One image, or a pair, that is worth a look; `severity` orders findings of a kind.

    `identity` is whom the image was filed under then: a finding counts only while that is so.
    `other` is the image it is compared with, `score` their score, `own` the best score against
    the person's other images. A dismissed finding is not reported again.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(
        "accounts.Organization", on_delete=models.CASCADE, related_name="hygiene_findings"
    )
    gallery = models.ForeignKey(Gallery, on_delete=models.CASCADE, related_name="hygiene_findings")
    kind = models.CharField(max_length=16, choices=FindingKind.choices)
    face = models.ForeignKey(FaceImage, on_delete=models.CASCADE, related_name="findings")
    other = models.ForeignKey(FaceImage, null=True, on_delete=models.CASCADE, related_name="+")
    identity = models.ForeignKey(Identity, on_delete=models.CASCADE, related_name="+")
    score = models.FloatField(null=True)
    own = models.FloatField(null=True)
    reasons = models.CharField(max_length=160, blank=True)
    severity = models.FloatField()
    dismissed_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "face", "other"], name="finding_once", nulls_distinct=False
            ),
        ]
        indexes = [
            models.Index(
                fields=["gallery", "kind", "-severity"],
                name="finding_open",
                condition=Q(dismissed_at=None),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind}: {self.face_id}"
