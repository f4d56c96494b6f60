"""Who did what to whom."""

from django.db import models

from faceplatform.core.ids import uuid7
from faceplatform.core.models.scoped import ScopedQuerySet


class AuditEvent(models.Model):
    """One change, written in the transaction of the change and never altered.

    Labels are copied so that a line stays readable after its rows are gone. Erasing a person is the
    exception: it empties the labels that name them.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(
        "accounts.Organization", null=True, on_delete=models.CASCADE, related_name="+"
    )
    at = models.DateTimeField(auto_now_add=True)
    actor_label = models.CharField(max_length=255)
    actor_user = models.ForeignKey(
        "accounts.User", null=True, on_delete=models.SET_NULL, related_name="+"
    )
    actor_key = models.ForeignKey(
        "accounts.ApiKey", null=True, on_delete=models.SET_NULL, related_name="+"
    )
    action = models.CharField(max_length=64)
    target_type = models.CharField(max_length=64)
    target_id = models.CharField(max_length=64)
    target_label = models.CharField(max_length=255, blank=True)
    data = models.JSONField(default=dict)
    request_id = models.CharField(max_length=64, blank=True)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["organization", "-id"], name="audit_by_organization")]

    def __str__(self) -> str:
        return f"{self.actor_label} {self.action} {self.target_label or self.target_id}"
