"""One face in one photo, in one gallery."""

from django.db import models
from django.db.models import Q

from faceplatform.core.ids import uuid7
from faceplatform.core.models.scoped import ScopedQuerySet
from recognition.models.gallery import Gallery
from recognition.models.identity import Identity
from recognition.models.photo import Photo
from recognition.models.scoped import DetectedFaceFields


class FaceState(models.TextChoices):
    """Only enrolled faces are searched."""

    ENROLLED = "enrolled", "Enrolled"
    QUARANTINED = "quarantined", "In review"
    REJECTED = "rejected", "Rejected"


class FaceImage(DetectedFaceFields):
    """A face of a photo that belongs to a gallery, and to an identity once somebody says so.

    The same face of a photo (intersection over union above 0.5) exists once per gallery.
    `path` is where the import found the photo. `reason` is the code behind the state, or a remark
    on an enrolled face; `evidence` holds the scores behind it (see `services.protection`).
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(
        "accounts.Organization", on_delete=models.CASCADE, related_name="face_images"
    )
    photo = models.ForeignKey(Photo, on_delete=models.PROTECT, related_name="faces")
    gallery = models.ForeignKey(Gallery, on_delete=models.CASCADE, related_name="faces")
    identity = models.ForeignKey(
        Identity, null=True, on_delete=models.CASCADE, related_name="faces"
    )
    state = models.CharField(max_length=16, choices=FaceState.choices, default=FaceState.ENROLLED)
    reason = models.CharField(max_length=64, blank=True)
    evidence = models.JSONField(default=dict, blank=True)
    path = models.CharField(max_length=1024, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["gallery", "state"], name="face_by_gallery"),
            models.Index(fields=["identity", "-quality"], name="face_by_identity"),
            models.Index(
                fields=["gallery", "identity"],
                name="face_enrolled",
                condition=Q(state="enrolled"),
            ),
        ]

    def __str__(self) -> str:
        return self.path or str(self.pk)
