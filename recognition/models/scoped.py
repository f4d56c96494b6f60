"""Rows that belong to an organization, and what a detected face consists of."""

from typing import Any, Protocol, Self
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db import models


class Asks(Protocol):
    """Whoever asks for rows; see `faceplatform.accounts.principal.Principal`."""

    @property
    def organization_id(self) -> UUID | None:
        """The organization whose rows may be seen, None for no rows."""


class ScopedQuerySet(models.QuerySet[Any]):
    """Querysets of rows with an `organization`."""

    def visible_to(self, principal: Asks) -> Self:
        """Return the rows of the principal's organization; none without one."""
        if principal.organization_id is None:
            return self.none()
        return self.filter(organization_id=principal.organization_id)


class DetectedFaceFields(models.Model):
    """Where a face lies in its photo and how good it is.

    Box and landmarks are in pixels of the upright photo. `landmarks` are x, y of left eye, right
    eye, nose, left and right corner of the mouth, as seen in the picture. `detector` records the
    detector with its settings.
    """

    x1 = models.FloatField()
    y1 = models.FloatField()
    x2 = models.FloatField()
    y2 = models.FloatField()
    landmarks = ArrayField(models.FloatField(), size=10)
    detection_score = models.FloatField()
    quality = models.FloatField()
    quality_parts = models.JSONField(default=dict)
    detector = models.CharField(max_length=120)

    class Meta:
        abstract = True
