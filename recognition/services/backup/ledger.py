"""The erasure ledger: what was erased, without saying who it was.

A backup holds people who were erased after it was made. The ledger says which rows and which
bytes these were, so that a restore can erase them again. It is taken from the audit log and has
ids, checksums and times, no names and no pictures:

    {"ledger": 1}
    {"id": ..., "organization": ..., "at": ..., "action": ..., "target": ..., "photos": [sha256]}
    {"events": 1, "sha256": checksum of all lines above}

An event that the restored database has seen already is passed over: what was erased before the
backup, and enrolled again since, stays.
"""

import datetime as dt
import hashlib
import itertools
import json
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import IO, Any

from django.db import connection, transaction

from faceplatform.accounts.models import ApiKey, Organization
from faceplatform.core.actors import Actor
from faceplatform.core.errors import DomainError
from faceplatform.core.models import AuditEvent
from recognition.models import FaceImage, Gallery, Identity, Photo, Probe
from recognition.services.galleries import delete_gallery
from recognition.services.identities import delete_face, erase_identity
from recognition.services.probes import delete_probe

FORMAT = 1
_BATCH = 500
_TABLE = "core_auditevent"
# Read without the model: the database may be one that this version has not migrated.
_EVENTS = """
    SELECT id, organization_id, at, action, target_id, data
      FROM core_auditevent
     WHERE action = ANY(%s) AND organization_id IS NOT NULL AND at >= %s
     ORDER BY id
"""


@dataclass(frozen=True, slots=True)
class Erasure:
    """One event of the audit log that took something away. `photos` are sha256 of erased files."""

    id: str
    organization: str
    at: str
    action: str
    target: str
    photos: list[str]


def write_ledger(stream: IO[bytes], *, since: dt.datetime | None = None) -> int:
    """Write the erasures of this database, oldest first; return how many."""
    digest = hashlib.sha256()

    def put(record: dict[str, Any]) -> None:
        line = json.dumps(record, sort_keys=True).encode() + b"\n"
        digest.update(line)
        stream.write(line)

    put({"ledger": FORMAT})
    events = 0
    for erasure in _recorded(since):
        put(asdict(erasure))
        events += 1
    put({"events": events, "sha256": digest.hexdigest()})
    return events


def read_ledger(stream: IO[bytes]) -> Iterator[Erasure]:
    """Yield the erasures of a ledger.

    Raises DomainError `ledger_damaged` at the first line that is not in order, or at the end when
    that is missing: read it once before anything depends on it.
    """
    digest = hashlib.sha256()
    events = 0
    for number, line in enumerate(stream):
        record = _parse(line)
        if number == 0:
            if record != {"ledger": FORMAT}:
                raise _damaged("it is not a ledger of this format")
        elif "sha256" in record:
            if record != {"events": events, "sha256": digest.hexdigest()}:
                raise _damaged("its checksum is wrong")
            return
        else:
            events += 1
            yield _erasure(record)
        digest.update(line)
    raise _damaged("its end is missing")


def erase_again(erasures: Iterable[Erasure], *, actor: Actor) -> int:
    """Erase what the ledger names and the database still has; return how many events were new.

    Safe to run again: each event is applied in one transaction with a copy of itself in the audit
    log, and never twice.
    """
    iterator = iter(erasures)
    applied = 0
    while batch := list(itertools.islice(iterator, _BATCH)):
        seen = set(
            AuditEvent.objects.filter(pk__in=[e.id for e in batch]).values_list("pk", flat=True)
        )
        organizations = set(
            Organization.objects.filter(pk__in={e.organization for e in batch}).values_list(
                "pk", flat=True
            )
        )
        for erasure in batch:
            if uuid.UUID(erasure.id) in seen:
                continue
            if uuid.UUID(erasure.organization) in organizations:
                _apply(erasure, actor)
                applied += 1
    return applied


@transaction.atomic
def _apply(erasure: Erasure, actor: Actor) -> None:
    _BY_ACTION[erasure.action](erasure, actor)
    # The event's photos were in use by nobody when it happened, whoever has them here.
    for photo in Photo.objects.filter(
        organization_id=erasure.organization, sha256__in=erasure.photos
    ):
        for face in photo.faces.all():
            delete_face(face=face, actor=actor)
        for probe in photo.probes.all():
            delete_probe(probe=probe, actor=actor)
    copy = AuditEvent.objects.create(
        id=erasure.id,
        organization_id=erasure.organization,
        actor_label="erasure ledger",
        action=erasure.action,
        target_type="erased",
        target_id=erasure.target,
        data={"photos_sha256": erasure.photos},
    )
    AuditEvent.objects.filter(pk=copy.pk).update(at=erasure.at)


def _erase_identity(erasure: Erasure, actor: Actor) -> None:
    for identity in Identity.objects.filter(pk=erasure.target):
        erase_identity(identity=identity, actor=actor)


def _delete_face(erasure: Erasure, actor: Actor) -> None:
    for face in FaceImage.objects.filter(pk=erasure.target):
        delete_face(face=face, actor=actor)


def _delete_gallery(erasure: Erasure, actor: Actor) -> None:
    for gallery in Gallery.objects.filter(pk=erasure.target):
        delete_gallery(gallery=gallery, actor=actor)


def _delete_probe(erasure: Erasure, actor: Actor) -> None:
    for probe in Probe.objects.filter(pk=erasure.target):
        delete_probe(probe=probe, actor=actor)


def _revoke_key(erasure: Erasure, actor: Actor) -> None:
    ApiKey.objects.filter(pk=erasure.target, revoked_at=None).update(revoked_at=erasure.at)


_BY_ACTION: dict[str, Callable[[Erasure, Actor], None]] = {
    "identity.erase": _erase_identity,
    "image.delete": _delete_face,
    "gallery.delete": _delete_gallery,
    "probe.delete": _delete_probe,
    "key.revoke": _revoke_key,
}


def _recorded(since: dt.datetime | None) -> Iterator[Erasure]:
    if _TABLE not in connection.introspection.table_names():
        return
    start = since or dt.datetime(1, 1, 1, tzinfo=dt.UTC)
    with connection.chunked_cursor() as cursor:
        cursor.execute(_EVENTS, [list(_BY_ACTION), start])
        for pk, organization, at, action, target, data in cursor:
            kept = json.loads(data) if isinstance(data, str) else data
            yield Erasure(
                id=str(pk),
                organization=str(organization),
                at=at.isoformat(),
                action=action,
                target=target,
                photos=list(kept.get("photos_sha256", [])),
            )


def _parse(line: bytes) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except ValueError as error:
        raise _damaged("a line cannot be read") from error
    if not isinstance(record, dict):
        raise _damaged("a line is no record")
    return record


def _erasure(record: dict[str, Any]) -> Erasure:
    try:
        erasure = Erasure(**record)
        uuid.UUID(erasure.id), uuid.UUID(erasure.organization), uuid.UUID(erasure.target)
        dt.datetime.fromisoformat(erasure.at)
    except (TypeError, ValueError, AttributeError) as error:
        raise _damaged("a line cannot be read") from error
    if erasure.action not in _BY_ACTION:
        raise _damaged(f"it has an action that this version does not know, {erasure.action!r}")
    return erasure


def _damaged(what: str) -> DomainError:
    return DomainError("ledger_damaged", f"The erasure ledger cannot be used: {what}.")
