"""Which face images a measurement or a training run uses."""

from django.db import models

from faceplatform.core.ids import uuid7
from faceplatform.core.models import Job
from faceplatform.core.models.scoped import ScopedQuerySet
from recognition.models import FaceImage, Gallery, Identity


class SplitKind(models.TextChoices):
    """How the images are shared out."""

    NONE = "none", "No split"
    STRATIFIED = "stratified", "Every person in every part"
    DISJOINT = "disjoint", "Every person in one part only"


class InputKind(models.TextChoices):
    """What an evaluation gives to the detector: whole photos, or faces cut out of them."""

    PHOTO = "photo", "As photographed"
    CROP = "crop", "As pre-cropped faces"


class Dataset(models.Model):
    """A frozen selection of face images with a split. It holds no pictures of its own.

    `filters` is what was asked for, in names and numbers that stay readable; `digest` is the
    sha256 of the manifest, so two datasets with one digest hold the same images with the same
    people and parts. `images` and `identities` are counts at the time of freezing: images deleted
    since leave the dataset as well, because consent ends everywhere at once. `leaks` is what the
    check between the parts found, empty until `job` has run.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(
        "accounts.Organization", on_delete=models.CASCADE, related_name="datasets"
    )
    name = models.CharField(max_length=120)
    description = models.TextField(blank=True)
    galleries = models.ManyToManyField(Gallery, related_name="+")
    filters = models.JSONField(default=dict)
    input_kind = models.CharField(max_length=8, choices=InputKind.choices, default=InputKind.PHOTO)
    split_kind = models.CharField(max_length=16, choices=SplitKind.choices)
    seed = models.PositiveIntegerField(default=0)
    digest = models.CharField(max_length=64)
    images = models.PositiveIntegerField()
    identities = models.PositiveIntegerField()
    job = models.OneToOneField(Job, null=True, on_delete=models.SET_NULL, related_name="dataset")
    leaks = models.JSONField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(
        "accounts.User", null=True, on_delete=models.SET_NULL, related_name="+"
    )

    objects = ScopedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "name"], name="dataset_name_once"),
        ]

    def __str__(self) -> str:
        return self.name


class DatasetItem(models.Model):
    """One face image of a dataset, with the person it counted as and the part it is in."""

    id = models.BigAutoField(primary_key=True)
    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="items")
    face = models.ForeignKey(FaceImage, on_delete=models.CASCADE, related_name="+")
    identity = models.ForeignKey(Identity, on_delete=models.CASCADE, related_name="+")
    part = models.CharField(max_length=8)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["dataset", "face"], name="dataset_item_once"),
        ]
        indexes = [models.Index(fields=["dataset", "part"], name="dataset_item_by_part")]

    def __str__(self) -> str:
        return f"{self.part} {self.face_id}"
