"""The bytes of a picture."""

from django.db import models

from faceplatform.core.ids import uuid7
from faceplatform.core.models.scoped import ScopedQuerySet


class Photo(models.Model):
    """One file, stored once per organization under its sha256.

    `width` and `height` are those of the upright picture. `original_path` is where the first
    import found it. A photo says nothing about faces: see `FaceImage` and `ProbeFace`.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(
        "accounts.Organization", on_delete=models.CASCADE, related_name="photos"
    )
    sha256 = models.CharField(max_length=64)
    size = models.PositiveBigIntegerField()
    media_type = models.CharField(max_length=32)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    original_path = models.CharField(max_length=1024, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "sha256"], name="photo_bytes_once"),
        ]

    def __str__(self) -> str:
        return self.original_path or self.sha256[:12]
