"""Two people who turned out to be one, kept so that it can be undone."""

from django.db import models

from faceplatform.core.ids import uuid7
from faceplatform.core.models.scoped import ScopedQuerySet
from recognition.models.identity import Identity


class IdentityMerge(models.Model):
    """One merge. It goes when the person goes: `source` holds who was merged into them.

    `source` is the row that was dissolved, `moved` the ids of what changed its owner, by kind.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(
        "accounts.Organization", on_delete=models.CASCADE, related_name="merges"
    )
    identity = models.ForeignKey(Identity, on_delete=models.CASCADE, related_name="merges")
    source = models.JSONField()
    moved = models.JSONField()
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(
        "accounts.User", null=True, on_delete=models.SET_NULL, related_name="+"
    )
    undone_at = models.DateTimeField(null=True)

    objects = ScopedQuerySet.as_manager()

    def __str__(self) -> str:
        return str(self.source.get("name", ""))
