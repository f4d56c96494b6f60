"""Two people become one, and two again."""

from typing import Any
from uuid import UUID

from django.db import transaction
from django.forms.models import model_to_dict
from django.utils import timezone

from faceplatform.core import audit
from faceplatform.core.actors import Actor
from faceplatform.core.errors import Conflict, DomainError
from recognition.models import (
    Consent,
    FaceImage,
    Identity,
    IdentityMerge,
    ProbeFace,
    Verification,
)
from recognition.services.consents import update_matchable
from recognition.services.identities import save_identity

_KEPT = ("name", "external_id", "metadata", "tags", "notes")
_OWNED: dict[str, Any] = {
    "images": FaceImage,
    "sightings": ProbeFace,
    "verifications": Verification,
    "consents": Consent,
}


@transaction.atomic
def merge_identities(*, identity: Identity, source: Identity, actor: Actor) -> IdentityMerge:
    """Give everything of `source` to `identity` and dissolve `source`.

    The person keeps name, number and notes; tags and missing metadata of the other are added.
    Raises DomainError `same_identity` or `other_gallery`, Conflict `identity_gone`, and
    `consent_differs` where searches may find one of the two and not the other.
    """
    if identity.pk == source.pk:
        raise DomainError("same_identity", "These are one person already.")
    if identity.gallery_id != source.gallery_id:
        raise DomainError("other_gallery", "They are in different galleries; move one first.")
    identity, source = _hold(identity.pk, source.pk)
    if identity.matchable != source.matchable:
        raise Conflict(
            "consent_differs", "Searches may find one of them and not the other; settle it first."
        )
    before = {"tags": identity.tags, "metadata": identity.metadata}
    identity.tags = [*identity.tags, *(tag for tag in source.tags if tag not in identity.tags)]
    identity.metadata = source.metadata | identity.metadata
    moved = {kind: _give(model, source.pk, identity.pk) for kind, model in _OWNED.items()}
    merge = IdentityMerge.objects.create(
        organization_id=identity.organization_id,
        identity=identity,
        source=_snapshot(source),
        moved=moved | {"before": before},
        created_by_id=actor.user_id,
    )
    IdentityMerge.objects.filter(identity=source).update(identity=identity)
    source.delete()
    identity.save(update_fields=["tags", "metadata"])
    _record(merge, identity, "identity.merge", actor)
    return merge


@transaction.atomic
def undo_merge(*, merge: IdentityMerge, actor: Actor) -> Identity:
    """Make the dissolved person again, with everything of theirs that is still there.

    What was deleted or moved elsewhere meanwhile stays so. Raises Conflict `already_undone`,
    `identity_exists` or `external_id_exists` where the name or number was taken meanwhile.
    """
    identity = _hold(merge.identity_id)[0]
    held = IdentityMerge.objects.select_for_update().get(pk=merge.pk)
    if held.undone_at is not None:
        raise Conflict("already_undone", "This merge was undone before.")
    source = Identity(
        pk=UUID(held.source["id"]),
        organization_id=identity.organization_id,
        gallery_id=identity.gallery_id,
        retain_until=held.source["retain_until"],
        **{field: held.source[field] for field in _KEPT},
    )
    save_identity(source)
    # Templates are as the merged person's were until consents are looked at below.
    Identity.objects.filter(pk=source.pk).update(
        created_at=held.source["created_at"], matchable=identity.matchable
    )
    for kind, model in _OWNED.items():
        rows = model.objects.filter(pk__in=held.moved[kind], identity=identity)
        rows.update(identity=source)
    for field, value in held.moved["before"].items():
        setattr(identity, field, value)
    identity.save(update_fields=["tags", "metadata"])
    update_matchable(Identity.objects.filter(pk__in=[identity.pk, source.pk]))
    held.undone_at = timezone.now()
    held.save(update_fields=["undone_at"])
    _record(held, source, "identity.merge_undo", actor)
    return source


def _hold(*pks: UUID) -> list[Identity]:
    """Lock people for update, in the order of their ids; return them in the order asked for."""
    rows = {
        row.pk: row
        for row in Identity.objects.select_for_update().filter(pk__in=pks).order_by("pk")
    }
    if len(rows) < len(pks):
        raise Conflict("identity_gone", "This person was deleted meanwhile.")
    return [rows[pk] for pk in pks]


def _give(model: Any, source: UUID, identity: UUID) -> list[str]:
    """Change the owner of rows; return their ids."""
    rows = model.objects.filter(identity_id=source)
    ids = [str(pk) for pk in rows.order_by("pk").values_list("pk", flat=True)]
    model.objects.filter(pk__in=ids).update(identity_id=identity)
    return ids


def _snapshot(source: Identity) -> dict[str, Any]:
    return model_to_dict(source, fields=_KEPT) | {
        "id": str(source.pk),
        "retain_until": source.retain_until.isoformat() if source.retain_until else None,
        "created_at": source.created_at.isoformat(),
    }


def _record(merge: IdentityMerge, identity: Identity, action: str, actor: Actor) -> None:
    audit.record(
        organization_id=merge.organization_id,
        actor=actor,
        action=action,
        target_type="identity",
        target_id=identity.pk,
        target_label=identity.name,
        data={
            "merge": str(merge.pk),
            "source": merge.source["id"],
            "into": str(merge.identity_id),
            "images": len(merge.moved["images"]),
        },
    )
