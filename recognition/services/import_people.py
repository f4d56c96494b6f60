"""Writing what the CSV of an import says about people, before their images come."""

import datetime as dt
from typing import Any

from django.db import transaction

from faceplatform.core.actors import Actor
from faceplatform.core.errors import DomainError
from faceplatform.core.jobs import JobContext
from recognition.models import Identity, ImportItem, ImportRun, ItemStatus
from recognition.services.consents import record_consent
from recognition.services.identities import change_identity, create_identity
from recognition.services.people_csv import PersonLine

BATCH = 100
LINES_FROM = 10_000_000
"""Numbers of result lines about CSV lines; images have the smaller ones."""


def apply_people(run: ImportRun, context: JobContext) -> None:
    """Make or change the people of the run's CSV; safe to run again after any interruption.

    What is written is taken off the run in the same transaction. A line that collides with what is
    stored changes nothing and becomes a result line with its reason.
    """
    while run.people:
        batch = run.people[:BATCH]
        context.progress(0, 0, f"Reading {len(run.people):,} lines about people")
        with context.writing():
            refused = [item for record in batch if (item := _apply(run, record, context.actor))]
            ImportItem.objects.bulk_create(refused)
            _take_off(run, batch)


def _take_off(run: ImportRun, applied: list[dict[str, Any]]) -> None:
    """Leave the lines that were not applied yet, and are still there: people may be erased."""
    done = {record["line"] for record in applied}
    held = ImportRun.objects.select_for_update().only("people").get(pk=run.pk)
    run.people = [record for record in held.people if record["line"] not in done]
    run.save(update_fields=["people"])


def _apply(run: ImportRun, record: dict[str, Any], actor: Actor) -> ImportItem | None:
    line = PersonLine.from_json(record)
    try:
        with transaction.atomic():
            _describe(run, line, actor)
    except DomainError as refusal:
        if refusal.status >= 500:
            raise
        return ImportItem(
            run=run,
            number=LINES_FROM + line.line,
            path=f"CSV, line {line.line}",
            identity_name=line.name,
            status=ItemStatus.FAILED,
            code=refusal.code,
            detail=refusal.detail[:255],
        )
    return None


def _describe(run: ImportRun, line: PersonLine, actor: Actor) -> None:
    gallery = run.gallery
    until = dt.date.fromisoformat(line.retain_until) if line.retain_until else None
    known = Identity.objects.filter(gallery=gallery, name=line.name).first()
    if known is None:
        identity = create_identity(
            gallery=gallery,
            name=line.name,
            external_id=line.external_id,
            metadata=dict(line.metadata),
            tags=line.tags,
            notes=line.notes,
            retain_until=until,
            actor=actor,
        )
    else:
        identity = change_identity(
            identity=known,
            external_id=line.external_id or None,
            metadata=known.metadata | line.metadata if line.metadata else None,
            tags=[*known.tags, *line.tags] if line.tags else None,
            notes=line.notes or None,
            retain_until=until or "keep",
            actor=actor,
        )
    if line.consent:
        _consent(identity, line.consent, actor)


def _consent(identity: Identity, given: dict[str, str], actor: Actor) -> None:
    """Record the consent unless the person has the same one, in force or withdrawn."""
    days = {name: dt.date.fromisoformat(given[name]) for name in _DAYS if given.get(name)}
    texts = {name: given.get(name, "") for name in ("purpose", "evidence", "text")}
    purpose, on = texts["purpose"].strip()[:200], days["given_on"]
    if not identity.consents.filter(purpose=purpose, given_on=on).exists():
        record_consent(identity=identity, actor=actor, **days, **texts)  # type: ignore[arg-type]


_DAYS = ("given_on", "expires_on")
