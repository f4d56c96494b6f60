"""Forgetting what was asked."""

from django.db import transaction
from django.utils import timezone

from faceplatform.core import audit
from faceplatform.core.actors import SYSTEM, Actor
from recognition.models import Probe
from recognition.services.photos import release_photos

BATCH = 200


@transaction.atomic
def delete_probe(*, probe: Probe, actor: Actor) -> None:
    """Delete a probe with its answer, and its photo if nothing else refers to it."""
    photo_id, pk = probe.photo_id, probe.pk
    probe.delete()
    erased = release_photos([photo_id] if photo_id is not None else [])
    audit.record(
        organization_id=probe.organization_id,
        actor=actor,
        action="probe.delete",
        target_type="probe",
        target_id=pk,
        data={"photos_sha256": erased},
    )


def purge_expired_probes() -> int:
    """Delete every probe whose time is over; return how many. Safe to run twice."""
    purged = 0
    while True:
        with transaction.atomic():
            expired = list(
                Probe.objects.select_for_update(skip_locked=True)
                .filter(expires_at__lte=timezone.now())
                .order_by("pk")[:BATCH]
            )
            for probe in expired:
                delete_probe(probe=probe, actor=SYSTEM)
        purged += len(expired)
        if len(expired) < BATCH:
            return purged
