"""Consent: recording it, taking it back, and what follows for searches.

A person's templates are searchable only while `Identity.matchable` says so. It is changed here
alone, under a lock that waits for everybody who adds an image, and templates follow in the same
transaction: a question that begins after the commit does not find the person.
"""

import datetime as dt
import uuid

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from faceplatform.core import audit
from faceplatform.core.actors import SYSTEM, Actor
from faceplatform.core.errors import Conflict, DomainError
from recognition.models import Consent, FaceImage, FaceState, FaceTemplate, Gallery, Identity
from recognition.selectors.consents import should_match
from recognition.services.thresholds import refresh_threshold

BATCH = 500


@transaction.atomic
def record_consent(
    *,
    identity: Identity,
    purpose: str,
    given_on: dt.date,
    actor: Actor,
    text: str = "",
    evidence: str = "",
    expires_on: dt.date | None = None,
) -> Consent:
    """Note that a person agreed. From then on searches find them, if nothing else forbids it.

    Raises DomainError `consent_invalid` for a purpose that is empty, a day in the future or an
    expiry before the day it was given, Conflict `identity_gone`.
    """
    if not purpose.strip():
        raise DomainError("consent_invalid", "Say what the person agreed to.")
    if given_on > timezone.now().date() + dt.timedelta(days=1):
        raise DomainError("consent_invalid", "A consent cannot be given in the future.")
    if expires_on is not None and expires_on < given_on:
        raise DomainError("consent_invalid", "It would expire before it was given.")
    _hold([identity.pk])
    consent = Consent.objects.create(
        organization_id=identity.organization_id,
        identity=identity,
        purpose=purpose.strip()[:200],
        text=text.strip(),
        evidence=evidence.strip()[:500],
        given_on=given_on,
        expires_on=expires_on,
        created_by_id=actor.user_id,
    )
    _record(consent, "consent.record", actor)
    update_matchable(Identity.objects.filter(pk=identity.pk))
    identity.refresh_from_db(fields=["matchable"])
    return consent


@transaction.atomic
def withdraw_consent(*, consent: Consent, actor: Actor) -> Consent:
    """Take a consent back. Unless another one holds, searches no longer find the person.

    Raises Conflict `already_withdrawn` or `identity_gone`.
    """
    _hold([consent.identity_id])
    held = Consent.objects.select_for_update().get(pk=consent.pk)
    if held.withdrawn_at is not None:
        raise Conflict("already_withdrawn", "This consent was withdrawn before.")
    held.withdrawn_at = timezone.now()
    held.save(update_fields=["withdrawn_at"])
    _record(held, "consent.withdraw", actor)
    update_matchable(Identity.objects.filter(pk=consent.identity_id))
    return held


def update_matchable(identities: "QuerySet[Identity]") -> int:
    """Make `matchable` and templates of these people what their consents say; return changes.

    Call it inside a transaction that holds the people's rows for update, or from one of the sweeps.
    """
    gained = list(should_match(identities.filter(matchable=False)).values_list("pk", flat=True))
    lost = list(
        should_match(identities.filter(matchable=True), yes=False).values_list("pk", flat=True)
    )
    for pks, matchable in ((gained, True), (lost, False)):
        for start in range(0, len(pks), BATCH):
            _set_matchable(pks[start : start + BATCH], matchable=matchable)
    _refresh_thresholds([*gained, *lost])
    return len(gained) + len(lost)


def sweep_consents() -> int:
    """Follow consents that began or expired since the last sweep; return how many people changed.

    Safe to run twice. One transaction per gallery.
    """
    changed = 0
    for gallery in Gallery.objects.order_by("pk").values_list("pk", flat=True):
        with transaction.atomic():
            changed += update_matchable(Identity.objects.filter(gallery=gallery))
    return changed


def sweep_retention() -> int:
    """Erase everybody whose last day has passed; return how many. Safe to run twice."""
    from recognition.services.identities import erase_identity

    erased = 0
    today = timezone.now().date()
    due = Identity.objects.filter(retain_until__lt=today).order_by("pk")
    for pk in list(due.values_list("pk", flat=True)):
        with transaction.atomic():
            identity = due.select_for_update(skip_locked=True).filter(pk=pk).first()
            if identity is not None:
                erase_identity(identity=identity, actor=SYSTEM, reason="retention")
                erased += 1
    return erased


def _set_matchable(pks: list[uuid.UUID], *, matchable: bool) -> None:
    _hold(pks, gone_is_fine=True)
    Identity.objects.filter(pk__in=pks).update(matchable=matchable)
    faces = FaceImage.objects.filter(identity__in=pks, state=FaceState.ENROLLED)
    FaceTemplate.objects.filter(face__in=faces).update(searchable=matchable)


def _hold(pks: list[uuid.UUID], *, gone_is_fine: bool = False) -> None:
    """Wait for everybody who adds images to these people, and keep others from doing so."""
    rows = Identity.objects.select_for_update().filter(pk__in=pks).order_by("pk")
    if len(rows.values_list("pk", flat=True)) < len(pks) and not gone_is_fine:
        raise Conflict("identity_gone", "This person was deleted meanwhile.")


def _refresh_thresholds(pks: list[uuid.UUID]) -> None:
    """Fewer or more templates may ask for another threshold."""
    for gallery in Gallery.objects.filter(
        pk__in=Identity.objects.filter(pk__in=pks).values("gallery")
    ).select_related("model_version"):
        refresh_threshold(gallery)


def _record(consent: Consent, action: str, actor: Actor) -> None:
    audit.record(
        organization_id=consent.organization_id,
        actor=actor,
        action=action,
        target_type="identity",
        target_id=consent.identity_id,
        target_label=consent.identity.name,
        data={"consent": str(consent.pk), "purpose": consent.purpose},
    )
