"""Which database answers: everything goes to the first one, searches may go to a replica."""

from typing import Any

from django.db.models import Model

from recognition.selectors import replica


class SearchRouter:
    """Sends reads that say `searching=True` to the replica of `SEARCH_DATABASE_URL`.

    Only where the replica has everything that was committed before (`selectors.replica`).
    """

    def db_for_read(self, model: type[Model], **hints: Any) -> str | None:
        """Return the replica for a search, and no opinion about anything else."""
        return replica.ALIAS if hints.get("searching") and replica.is_current() else None

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool | None:
        """Return False for the replica: its tables come from the first database."""
        return False if db == replica.ALIAS else None
