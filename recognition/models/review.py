"""What people decided about images, so that it can be undone."""

from django.db import models

from faceplatform.core.ids import uuid7
from faceplatform.core.models.scoped import ScopedQuerySet
from recognition.models.face_image import FaceImage, FaceState
from recognition.models.gallery import Gallery
from recognition.models.identity import Identity


class ReviewAction(models.TextChoices):
    """What a person may decide about an image."""

    ACCEPT = "accept", "Accepted"
    MOVE = "move", "Moved"
    REJECT = "reject", "Rejected"


class ReviewDecision(models.Model):
    """One decision about one image, with what was so before and after it.

    It goes when its image goes. `undone_at` is set once it was undone.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(
        "accounts.Organization", on_delete=models.CASCADE, related_name="review_decisions"
    )
    gallery = models.ForeignKey(Gallery, on_delete=models.CASCADE, related_name="review_decisions")
    face = models.ForeignKey(FaceImage, on_delete=models.CASCADE, related_name="decisions")
    action = models.CharField(max_length=16, choices=ReviewAction.choices)
    state_before = models.CharField(max_length=16, choices=FaceState.choices)
    reason_before = models.CharField(max_length=64, blank=True)
    identity_before = models.ForeignKey(
        Identity, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    state_after = models.CharField(max_length=16, choices=FaceState.choices)
    identity_after = models.ForeignKey(
        Identity, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(
        "accounts.User", null=True, on_delete=models.SET_NULL, related_name="+"
    )
    undone_at = models.DateTimeField(null=True)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["gallery", "-id"], name="decision_by_gallery")]

    def __str__(self) -> str:
        return f"{self.action} of {self.face_id}"
