"""What a person agreed to, and when they took it back."""

from django.db import models

from faceplatform.core.ids import uuid7
from faceplatform.core.models.scoped import ScopedQuerySet
from recognition.models.identity import Identity


class Consent(models.Model):
    """One consent of one person.

    `text` is what was agreed to, `evidence` where the proof lies (a document number, an address).
    It holds from the day it was given until `expires_on` or `withdrawn_at`, whichever is first.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(
        "accounts.Organization", on_delete=models.CASCADE, related_name="consents"
    )
    identity = models.ForeignKey(Identity, on_delete=models.CASCADE, related_name="consents")
    purpose = models.CharField(max_length=200)
    text = models.TextField(blank=True)
    evidence = models.CharField(max_length=500, blank=True)
    given_on = models.DateField()
    expires_on = models.DateField(null=True)
    withdrawn_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(
        "accounts.User", null=True, on_delete=models.SET_NULL, related_name="+"
    )

    objects = ScopedQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["expires_on"], name="consent_by_expiry")]

    def __str__(self) -> str:
        return self.purpose
