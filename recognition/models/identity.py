"""A person in a gallery."""

from django.db import models
from django.db.models import Q

from faceplatform.core.ids import uuid7
from faceplatform.core.models.scoped import ScopedQuerySet
from recognition.models.gallery import Gallery


class Identity(models.Model):
    """An enrolled person. Names are kept in Unicode NFC and unique within a gallery."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(
        "accounts.Organization", on_delete=models.CASCADE, related_name="identities"
    )
    gallery = models.ForeignKey(Gallery, on_delete=models.CASCADE, related_name="identities")
    name = models.CharField(max_length=200)
    external_id = models.CharField(max_length=120, blank=True)
    metadata = models.JSONField(default=dict, blank=True)
    notes = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "identities"
        constraints = [
            models.UniqueConstraint(fields=["gallery", "name"], name="identity_name_once"),
            models.UniqueConstraint(
                fields=["gallery", "external_id"],
                name="identity_external_id_once",
                condition=~Q(external_id=""),
            ),
        ]

    def __str__(self) -> str:
        return self.name
