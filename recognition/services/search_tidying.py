"""Removing what searches no longer need."""

import datetime as dt

from django.utils import timezone

from recognition.models import TemplateChange
from recognition.services.search_index import drop_orphans

KEPT = dt.timedelta(days=1)
"""Longer than `memory.FORGOTTEN_AFTER`: a matrix that was not asked since is read anew."""


def tidy() -> int:
    """Drop indexes without a gallery and notes of changes older than a day; how many notes."""
    drop_orphans()
    deleted, _ = TemplateChange.objects.filter(at__lt=timezone.now() - KEPT).delete()
    return deleted
