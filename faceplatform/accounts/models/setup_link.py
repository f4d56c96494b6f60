"""The way in for the first administrator."""

from django.db import models


class SetupLink(models.Model):
    """A one-time link, stored as a hash; it works while nobody administers the installation."""

    token_sha256 = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"setup link of {self.created_at:%Y-%m-%d %H:%M}"
