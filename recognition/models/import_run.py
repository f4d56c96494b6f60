"""Bringing many photos in at once."""

from django.db import models

from faceplatform.core.ids import uuid7
from faceplatform.core.models import Job
from faceplatform.core.models.scoped import ScopedQuerySet
from recognition.models.face_image import FaceImage
from recognition.models.gallery import Gallery


class ItemStatus(models.TextChoices):
    """How one image of an import ended."""

    ENROLLED = "enrolled", "Enrolled"
    QUARANTINED = "quarantined", "In review"
    SKIPPED = "skipped", "Skipped"
    FAILED = "failed", "Refused"
    UNNAMED = "unnamed", "Waits for a name"


class ImportRun(models.Model):
    """One import into one gallery, from an uploaded zip or a folder of the server's operator.

    Exactly one of `archive` (storage key) and `folder` (path on the machine) is set. `people` are
    lines of the CSV beside it that were not applied yet (`services.people_csv`). With
    `keep_unnamed` faces of photos in no person's folder are kept for naming.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(
        "accounts.Organization", on_delete=models.CASCADE, related_name="imports"
    )
    gallery = models.ForeignKey(Gallery, on_delete=models.CASCADE, related_name="imports")
    job = models.OneToOneField(Job, null=True, on_delete=models.SET_NULL, related_name="import_run")
    name = models.CharField(max_length=255)
    archive = models.CharField(max_length=255, blank=True)
    folder = models.CharField(max_length=4096, blank=True)
    people = models.JSONField(default=list, blank=True)
    keep_unnamed = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ScopedQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name


class ImportItem(models.Model):
    """One image of an import: what became of it and why.

    The row is written with the face it made, so an import that is run again continues after it.
    `path` is unique within a run: the second entry of one name in an archive gets a number. When
    the person is erased, it becomes `erased/<number>/`, and `identity_name` is emptied.
    """

    id = models.BigAutoField(primary_key=True)
    run = models.ForeignKey(ImportRun, on_delete=models.CASCADE, related_name="items")
    number = models.PositiveIntegerField()
    path = models.CharField(max_length=1100)
    identity_name = models.CharField(max_length=200, blank=True)
    status = models.CharField(max_length=16, choices=ItemStatus.choices)
    code = models.CharField(max_length=64, blank=True)
    detail = models.CharField(max_length=255, blank=True)
    face = models.ForeignKey(FaceImage, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "path"], name="import_item_once"),
        ]

    def __str__(self) -> str:
        return f"{self.path}: {self.status} {self.code}"
