"""Requests that their sender may repeat."""

from django.db import models

from faceplatform.core.ids import uuid7


class RepeatableRequest(models.Model):
    """A POST with an Idempotency-Key: what was asked, as a hash, and the row that it made.

    It holds nothing of the request or the answer itself, so there is nothing to erase in it; a
    repetition is answered from the row, if that is still there. `row` is empty while the first
    request runs. Rows older than a day are worth nothing and go with the next request.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(
        "accounts.Organization", on_delete=models.CASCADE, related_name="+"
    )
    caller = models.CharField(max_length=64)
    key = models.CharField(max_length=128)
    fingerprint = models.CharField(max_length=64)
    row = models.UUIDField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["caller", "key"], name="repeatable_request_once"),
        ]
        indexes = [models.Index(fields=["created_at"], name="repeatable_request_by_age")]

    def __str__(self) -> str:
        return f"{self.key} of {self.caller}"
