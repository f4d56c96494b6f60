"""Whether two faces are one person, and whether a face is somebody in particular."""

from django.db import models

from faceplatform.core.ids import uuid7
from faceplatform.core.models.scoped import ScopedQuerySet
from recognition.models.face_image import FaceImage
from recognition.models.gallery import Gallery
from recognition.models.identity import Identity
from recognition.models.model_version import ModelVersion
from recognition.models.photo import Photo
from recognition.models.scoped import DetectedFaceFields


class Verdict(models.TextChoices):
    """The answer for one pair, or for one face and one person."""

    SAME = "same", "Same person"
    DIFFERENT = "different", "Different people"
    LOW_QUALITY = "low_quality", "Too poor to tell"


class Verification(models.Model):
    """Two photos compared, or one photo compared with one person.

    With an identity, `rule` says how the scores of its images were fused. Of two photos `matrix`
    holds the score of every face of the first (rows) with every face of the second. `threshold`
    records value, false match rate and source of the threshold used; `timings` are milliseconds.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(
        "accounts.Organization", on_delete=models.CASCADE, related_name="verifications"
    )
    model_version = models.ForeignKey(
        ModelVersion, on_delete=models.PROTECT, related_name="verifications"
    )
    gallery = models.ForeignKey(
        Gallery, null=True, on_delete=models.CASCADE, related_name="verifications"
    )
    identity = models.ForeignKey(
        Identity, null=True, on_delete=models.CASCADE, related_name="verifications"
    )
    rule = models.CharField(max_length=16, blank=True)
    matrix = models.JSONField(default=list)
    threshold = models.JSONField(default=dict)
    timings = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    created_by = models.ForeignKey(
        "accounts.User", null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_key = models.ForeignKey(
        "accounts.ApiKey", null=True, on_delete=models.SET_NULL, related_name="+"
    )

    objects = ScopedQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["organization", "-id"], name="verification_by_organization"),
            models.Index(fields=["expires_at"], name="verification_by_expiry"),
        ]

    def __str__(self) -> str:
        return str(self.pk)


class VerificationPhoto(models.Model):
    """A photo of a verification; `side` is 1 or 2. `photo` is empty where only answers are kept."""

    id = models.BigAutoField(primary_key=True)
    verification = models.ForeignKey(Verification, on_delete=models.CASCADE, related_name="photos")
    side = models.PositiveSmallIntegerField()
    photo = models.ForeignKey(
        Photo, null=True, on_delete=models.PROTECT, related_name="verifications"
    )
    name = models.CharField(max_length=255, blank=True)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()

    class Meta:
        ordering = ["side"]
        constraints = [
            models.UniqueConstraint(fields=["verification", "side"], name="verification_side"),
        ]

    def __str__(self) -> str:
        return self.name or f"photo {self.side}"


class VerificationFace(DetectedFaceFields):
    """One face of a photo of a verification.

    `score` and `verdict` are set where it was compared with a person; `reason` holds the codes of
    the quality limits that it misses.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    picture = models.ForeignKey(VerificationPhoto, on_delete=models.CASCADE, related_name="faces")
    number = models.PositiveSmallIntegerField()
    reason = models.CharField(max_length=64, blank=True)
    score = models.FloatField(null=True)
    verdict = models.CharField(max_length=16, choices=Verdict.choices, blank=True)

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["picture", "number"], name="verification_face_number"),
        ]

    def __str__(self) -> str:
        return f"face {self.number}"


class VerificationAnchor(models.Model):
    """The score of a face with one image of the person; it goes when the image goes."""

    id = models.BigAutoField(primary_key=True)
    face = models.ForeignKey(VerificationFace, on_delete=models.CASCADE, related_name="anchors")
    image = models.ForeignKey(FaceImage, on_delete=models.CASCADE, related_name="+")
    score = models.FloatField()

    class Meta:
        ordering = ["-score", "id"]
        constraints = [
            models.UniqueConstraint(fields=["face", "image"], name="verification_anchor_once"),
        ]

    def __str__(self) -> str:
        return f"{self.score:.3f}"
