"""Rows that belong to an organization."""

from typing import Any, Protocol, Self
from uuid import UUID

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
