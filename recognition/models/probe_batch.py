"""Many photos asked about one gallery at once."""

from django.db import models

from faceplatform.core.ids import uuid7
from faceplatform.core.models import Job
from faceplatform.core.models.scoped import ScopedQuerySet
from recognition.models.gallery import Gallery
from recognition.models.probe import Probe


class ProbeBatch(models.Model):
    """A batch of photos with its job. `archive` is the storage key of their zip.

    `options` are the choices for all of them; see `services.asking.Options`.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(
        "accounts.Organization", on_delete=models.CASCADE, related_name="probe_batches"
    )
    gallery = models.ForeignKey(Gallery, on_delete=models.CASCADE, related_name="probe_batches")
    job = models.OneToOneField(
        Job, null=True, on_delete=models.SET_NULL, related_name="probe_batch"
    )
    name = models.CharField(max_length=255)
    archive = models.CharField(max_length=255)
    options = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ScopedQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name


class ProbeBatchItem(models.Model):
    """One photo of a batch: its answer, or the code of why there is none.

    The row is written with the answer, so a batch that is run again continues after it. `probe` is
    empty for a refused photo, and once the answer was deleted or its time was over.
    """

    id = models.BigAutoField(primary_key=True)
    batch = models.ForeignKey(ProbeBatch, on_delete=models.CASCADE, related_name="items")
    number = models.PositiveIntegerField()
    path = models.CharField(max_length=1100)
    code = models.CharField(max_length=64, blank=True)
    detail = models.CharField(max_length=255, blank=True)
    probe = models.ForeignKey(Probe, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["batch", "number"], name="probe_batch_item_once"),
        ]

    def __str__(self) -> str:
        return self.path
