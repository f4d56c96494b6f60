"""Videos, the tracks of faces in them, and the frames that are kept of a track."""

from django.db import models

from faceplatform.core.ids import uuid7
from faceplatform.core.models import Job
from faceplatform.core.models.scoped import ScopedQuerySet
from recognition.models.face_image import FaceImage
from recognition.models.gallery import Gallery
from recognition.models.identity import Identity
from recognition.models.model_version import ModelVersion
from recognition.models.photo import Photo
from recognition.models.probe import Decision
from recognition.models.scoped import DetectedFaceFields


class Video(models.Model):
    """A video asked about one gallery, with the job that looks through it.

    `file` and `proxy` are storage keys of the upload and of the copy for players, empty once they
    are gone. `info` is what the file says of itself (see `vision.video.types.VideoInfo`). `partial`
    is the code of why the answer covers less than the video. Times are in seconds since the first
    frame. `position` and `checkpoint` are where a further attempt goes on, `stretches` what the
    first pass found worth looking at; `settings` is how the question was asked.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(
        "accounts.Organization", on_delete=models.CASCADE, related_name="videos"
    )
    gallery = models.ForeignKey(Gallery, on_delete=models.CASCADE, related_name="videos")
    job = models.OneToOneField(Job, null=True, on_delete=models.SET_NULL, related_name="video")
    model_version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="videos")
    name = models.CharField(max_length=255)
    file = models.CharField(max_length=255, blank=True)
    proxy = models.CharField(max_length=255, blank=True)
    size = models.PositiveBigIntegerField()
    info = models.JSONField(default=dict)
    rate = models.FloatField()
    thorough = models.BooleanField(default=False)
    threshold = models.JSONField(default=dict)
    settings = models.JSONField(default=dict)
    stretches = models.JSONField(null=True)
    position = models.FloatField(default=0.0)
    checkpoint = models.BinaryField(null=True)
    looked_through = models.BooleanField(default=False)
    seconds = models.FloatField(null=True)
    partial = models.CharField(max_length=40, blank=True)
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
            models.Index(fields=["organization", "-id"], name="video_by_organization"),
            models.Index(fields=["expires_at"], name="video_by_expiry"),
        ]

    def __str__(self) -> str:
        return self.name


class Track(models.Model):
    """One face in one scene of a video, and the decision about it.

    `path` is float32 (n, 5): time and box of every sighting, the box as shares 0..1 of the frame's
    sides. `identity` and `score` are the best candidate's, whether or not it reached the threshold.
    `votes` of `voters` kept frames name that person by themselves. `person` is the number of the
    person in this video, the same for tracks that were linked; None until all was looked at.
    `template` is there only until then.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    video = models.ForeignKey(Video, on_delete=models.CASCADE, related_name="tracks")
    number = models.PositiveIntegerField()
    first = models.FloatField()
    last = models.FloatField()
    sightings = models.PositiveIntegerField()
    path = models.BinaryField()
    template = models.BinaryField(null=True)
    decision = models.CharField(max_length=16, choices=Decision.choices)
    reason = models.CharField(max_length=64, blank=True)
    identity = models.ForeignKey(Identity, null=True, on_delete=models.SET_NULL, related_name="+")
    score = models.FloatField(null=True)
    votes = models.PositiveSmallIntegerField(default=0)
    voters = models.PositiveSmallIntegerField(default=0)
    person = models.PositiveIntegerField(null=True)

    class Meta:
        ordering = ["first", "number"]
        constraints = [
            models.UniqueConstraint(fields=["video", "number"], name="track_number"),
        ]

    def __str__(self) -> str:
        return f"track {self.number} of {self.video_id}"


class TrackFrame(DetectedFaceFields):
    """A kept frame of a track; number 1 is the best. Box and landmarks lie in `photo`.

    The photo is a part of the frame, empty where the gallery keeps answers only. `factors` are what
    made its `worth` (see `vision.video.frames`). `identity` and `score` are what this frame says by
    itself.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    track = models.ForeignKey(Track, on_delete=models.CASCADE, related_name="frames")
    number = models.PositiveSmallIntegerField()
    time = models.FloatField()
    photo = models.ForeignKey(
        Photo, null=True, on_delete=models.PROTECT, related_name="track_frames"
    )
    worth = models.FloatField()
    factors = models.JSONField(default=dict)
    decision = models.CharField(max_length=16, choices=Decision.choices)
    identity = models.ForeignKey(Identity, null=True, on_delete=models.SET_NULL, related_name="+")
    score = models.FloatField(null=True)

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["track", "number"], name="track_frame_number"),
        ]

    def __str__(self) -> str:
        return f"frame at {self.time:.2f} s"


class TrackMatch(models.Model):
    """A stored image that resembles a track's template; it goes when the image goes.

    `similar` rows are the answer's similar images; the others are only the best image of a
    candidate.
    """

    id = models.BigAutoField(primary_key=True)
    track = models.ForeignKey(Track, on_delete=models.CASCADE, related_name="matches")
    face = models.ForeignKey(FaceImage, on_delete=models.CASCADE, related_name="+")
    score = models.FloatField()
    above_threshold = models.BooleanField()
    similar = models.BooleanField(default=True)

    class Meta:
        ordering = ["-score", "id"]

    def __str__(self) -> str:
        return f"{self.score:.3f}"
