"""Making, changing and erasing people of a gallery."""

import datetime as dt
from collections.abc import Iterable
from typing import Any, Literal
from uuid import UUID

from django.db import IntegrityError, transaction

from faceplatform.core import audit
from faceplatform.core.actors import Actor
from faceplatform.core.errors import Conflict, DomainError
from recognition.models import FaceImage, Gallery, Identity
from recognition.services.forgetting import forget_identity, forget_in_log
from recognition.services.holding import hold_gallery
from recognition.services.names import clean_name
from recognition.services.photos import photos_of_verifications, release_photos

MAX_NAME = 200
MAX_EXTERNAL_ID = 120
MAX_TAG = 40
MAX_TAGS = 50


@transaction.atomic
def create_identity(
    *,
    gallery: Gallery,
    name: str,
    external_id: str = "",
    metadata: dict[str, Any] | None = None,
    tags: Iterable[str] = (),
    notes: str = "",
    retain_until: dt.date | None = None,
    actor: Actor,
) -> Identity:
    """Add a person without pictures.

    Raises Conflict `identity_exists`, `external_id_exists` or `gallery_gone`, DomainError
    `name_invalid` or `tags_invalid`.
    """
    hold_gallery(gallery)
    identity = Identity(
        organization_id=gallery.organization_id,
        gallery=gallery,
        name=clean_name(name, limit=MAX_NAME),
        external_id=clean_external_id(external_id),
        metadata=metadata or {},
        tags=clean_tags(tags),
        notes=notes.strip(),
        retain_until=retain_until,
    )
    save_identity(identity)
    _record(identity, "identity.create", actor)
    return identity


@transaction.atomic
def change_identity(
    *,
    identity: Identity,
    name: str | None = None,
    external_id: str | None = None,
    metadata: dict[str, Any] | None = None,
    tags: Iterable[str] | None = None,
    notes: str | None = None,
    retain_until: dt.date | Literal["keep"] | None = "keep",
    actor: Actor,
) -> Identity:
    """Change what is given and leave the rest; errors as in `create_identity`.

    `retain_until` is the last day, None for no end.
    """
    before = identity.name
    if name is not None:
        identity.name = clean_name(name, limit=MAX_NAME)
    if external_id is not None:
        identity.external_id = clean_external_id(external_id)
    if metadata is not None:
        identity.metadata = metadata
    if tags is not None:
        identity.tags = clean_tags(tags)
    if notes is not None:
        identity.notes = notes.strip()
    if retain_until != "keep":
        identity.retain_until = retain_until
    save_identity(identity)
    _record(identity, "identity.change", actor, {"name_before": before})
    return identity


@transaction.atomic
def erase_identity(*, identity: Identity, actor: Actor, reason: str = "") -> None:
    """Delete a person with pictures, templates, names and every answer row that shows them.

    Photos that nobody else is in go with them; the audit event keeps their checksums as proof.
    """
    # Who adds a face or an answer holds these rows: wait for all of them, then look.
    list(Identity.objects.select_for_update().filter(pk=identity.pk))
    faces = identity.faces.select_for_update().order_by("pk")
    photo_ids = list(faces.values_list("photo_id", flat=True))
    images = len(photo_ids)
    photo_ids += photos_of_verifications(verification__identity=identity)
    pk = identity.pk
    forget_identity(identity)
    # Those who were merged into this person are this person.
    forget_in_log(UUID(pk) for pk in identity.merges.values_list("source__id", flat=True))
    identity.delete()
    erased = release_photos(photo_ids)
    audit.record(
        organization_id=identity.organization_id,
        actor=actor,
        action="identity.erase",
        target_type="identity",
        target_id=pk,
        data={"images": images, "photos_sha256": erased} | ({"reason": reason} if reason else {}),
    )


@transaction.atomic
def delete_face(*, face: FaceImage, actor: Actor) -> None:
    """Remove one image of a person, with its template and its photo if nobody else is in it."""
    photo_id, pk, label = face.photo_id, face.pk, str(face)
    list(FaceImage.objects.select_for_update(of=("self",)).filter(pk=pk))
    face.delete()
    erased = release_photos([photo_id])
    audit.record(
        organization_id=face.organization_id,
        actor=actor,
        action="image.delete",
        target_type="image",
        target_id=pk,
        target_label=label,
        data={"identity": str(face.identity_id or ""), "photos_sha256": erased},
    )


def clean_tags(tags: Iterable[str]) -> list[str]:
    """Return different tags in order, without empty ones. Raises DomainError `tags_invalid`."""
    cleaned = list(dict.fromkeys(" ".join(tag.split()) for tag in tags if tag.strip()))
    if len(cleaned) > MAX_TAGS or any(len(tag) > MAX_TAG for tag in cleaned):
        raise DomainError(
            "tags_invalid", f"At most {MAX_TAGS} tags of at most {MAX_TAG} characters."
        )
    return cleaned


def clean_external_id(text: str) -> str:
    """Return the id without space around it. Raises DomainError `external_id_invalid`."""
    if len(text.strip()) > MAX_EXTERNAL_ID:
        raise DomainError(
            "external_id_invalid", f"An external id has at most {MAX_EXTERNAL_ID} characters."
        )
    return text.strip()


def save_identity(identity: Identity) -> None:
    """Write the row. Raises Conflict `identity_exists` or `external_id_exists`."""
    try:
        with transaction.atomic():
            identity.save()
    except IntegrityError as error:
        if "identity_name_once" in str(error):
            raise Conflict("identity_exists", "Somebody of that name is here already.") from error
        if "identity_external_id_once" in str(error):
            raise Conflict(
                "external_id_exists", "Somebody with that external id is here already."
            ) from error
        raise


def _record(
    identity: Identity, action: str, actor: Actor, data: dict[str, Any] | None = None
) -> None:
    audit.record(
        organization_id=identity.organization_id,
        actor=actor,
        action=action,
        target_type="identity",
        target_id=identity.pk,
        target_label=identity.name,
        data=data,
    )
