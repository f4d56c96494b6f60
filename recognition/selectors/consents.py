"""Whose consent holds."""

import datetime as dt

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from recognition.models import Consent, Identity


def holding(today: dt.date | None = None) -> "QuerySet[Consent]":
    """Return the consents that hold today."""
    day = today or timezone.now().date()
    return Consent.objects.filter(withdrawn_at=None, given_on__lte=day).filter(
        Q(expires_on=None) | Q(expires_on__gte=day)
    )


def should_match(identities: "QuerySet[Identity]", *, yes: bool = True) -> "QuerySet[Identity]":
    """Return those who may, or may not, be found by searches.

    A consent that holds allows it in any gallery. Without one a person is found unless the gallery
    requires consent or a consent of theirs was withdrawn.
    """
    own = Consent.objects.filter(identity=OuterRef("pk"))
    held = Exists(holding().filter(identity=OuterRef("pk")))
    withdrawn = Exists(own.filter(withdrawn_at__isnull=False))
    allowed = held | (~withdrawn & Q(gallery__consent_required=False))
    return identities.filter(allowed) if yes else identities.exclude(allowed)
