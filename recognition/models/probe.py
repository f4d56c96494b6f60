"""What was asked, and what was answered."""

from django.db import models

from faceplatform.core.ids import uuid7
from faceplatform.core.models.scoped import ScopedQuerySet
from recognition.models.face_image import FaceImage
from recognition.models.gallery import Gallery
from recognition.models.identity import Identity
from recognition.models.model_version import ModelVersion
from recognition.models.photo import Photo
from recognition.models.scoped import DetectedFaceFields


class Decision(models.TextChoices):
    """The answer for one face."""

    IDENTIFIED = "identified", "Identified"
    UNKNOWN = "unknown", "Not in the database"
    LOW_QUALITY = "low_quality", "Too poor to tell"


class Probe(models.Model):
    """One photo asked about one gallery, with its answer.

    `photo` is empty where the gallery keeps answers only. `threshold` records value, source and
    reach of the threshold used; `timings` are milliseconds per step. `settings` is how the question
    was asked: `limits` of quality, the `engine` and `precision` of the network, and what was chosen
    for this call.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(
        "accounts.Organization", on_delete=models.CASCADE, related_name="probes"
    )
    gallery = models.ForeignKey(Gallery, on_delete=models.CASCADE, related_name="probes")
    model_version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="probes")
    photo = models.ForeignKey(Photo, null=True, on_delete=models.PROTECT, related_name="probes")
    name = models.CharField(max_length=255, blank=True)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    threshold = models.JSONField(default=dict)
    timings = models.JSONField(default=dict)
    settings = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True)
    created_by = models.ForeignKey(
        "accounts.User", null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_key = models.ForeignKey(
        "accounts.ApiKey", null=True, on_delete=models.SET_NULL, related_name="+"
    )

    objects = ScopedQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["organization", "-id"], name="probe_by_organization"),
            models.Index(fields=["expires_at"], name="probe_by_expiry"),
        ]

    def __str__(self) -> str:
        return self.name or str(self.pk)


class ProbeFace(DetectedFaceFields):
    """One face of a probe and the decision about it.

    `identity` and `score` are the best candidate's, whether or not it reached the threshold.
    `reported_at` is set once somebody said that the answer is wrong.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    probe = models.ForeignKey(Probe, on_delete=models.CASCADE, related_name="faces")
    number = models.PositiveSmallIntegerField()
    decision = models.CharField(max_length=16, choices=Decision.choices)
    reason = models.CharField(max_length=64, blank=True)
    identity = models.ForeignKey(
        Identity, null=True, on_delete=models.SET_NULL, related_name="sightings"
    )
    score = models.FloatField(null=True)
    reported_at = models.DateTimeField(null=True)
    reported_by = models.ForeignKey(
        "accounts.User", null=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["probe", "number"], name="probe_face_number"),
        ]

    def __str__(self) -> str:
        return f"face {self.number} of {self.probe_id}"


class ProbeMatch(models.Model):
    """A stored image that answered a probe's face; it goes when the image goes.

    `similar` rows are the answer's similar images; the others are only the best image of a
    candidate. `score` is the image's own. `person_score` is the candidate's by the gallery's rule,
    on the row of their best image; None on other rows, and in answers from before there were rules.
    `components` are that image's cosines under each network of an ensemble.
    """

    id = models.BigAutoField(primary_key=True)
    probe_face = models.ForeignKey(ProbeFace, on_delete=models.CASCADE, related_name="matches")
    face = models.ForeignKey(FaceImage, on_delete=models.CASCADE, related_name="+")
    score = models.FloatField()
    person_score = models.FloatField(null=True)
    components = models.JSONField(default=list)
    above_threshold = models.BooleanField()
    similar = models.BooleanField(default=True)

    class Meta:
        ordering = ["-score", "id"]
        indexes = [models.Index(fields=["probe_face", "-score"], name="match_by_score")]

    def __str__(self) -> str:
        return f"{self.score:.3f}"
