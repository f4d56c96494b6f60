"""Making, changing and erasing people of a gallery."""

from typing import Any

from django.db import IntegrityError, transaction

from faceplatform.core import audit
from faceplatform.core.actors import Actor
from faceplatform.core.errors import Conflict, DomainError
from recognition.models import FaceImage, Gallery, Identity
from recognition.services.forgetting import forget_identity
from recognition.services.holding import hold_gallery
from recognition.services.names import clean_name
from recognition.services.photos import release_photos

MAX_NAME = 200


@transaction.atomic
def create_identity(
    *,
    gallery: Gallery,
    name: str,
    external_id: str = "",
    metadata: dict[str, Any] | None = None,
    notes: str = "",
    actor: Actor,
) -> Identity:
    """Add a person without pictures.

    Raises Conflict `identity_exists`, `external_id_exists` or `gallery_gone`, DomainError
    `name_invalid`.
    """
    hold_gallery(gallery)
    identity = Identity(
        organization_id=gallery.organization_id,
        gallery=gallery,
        name=clean_name(name, limit=MAX_NAME),
        external_id=external_id.strip(),
        metadata=metadata or {},
        notes=notes.strip(),
    )
    _save(identity)
    _record(identity, "identity.create", actor)
    return identity


@transaction.atomic
def change_identity(
    *,
    identity: Identity,
    name: str | None = None,
    external_id: str | None = None,
    metadata: dict[str, Any] | None = None,
    notes: str | None = None,
    actor: Actor,
) -> Identity:
    """Change what is given and leave the rest; errors as in `create_identity`."""
    before = identity.name
    if name is not None:
        identity.name = clean_name(name, limit=MAX_NAME)
    if external_id is not None:
        identity.external_id = external_id.strip()
    if metadata is not None:
        identity.metadata = metadata
    if notes is not None:
        identity.notes = notes.strip()
    _save(identity)
    _record(identity, "identity.change", actor, {"name_before": before})
    return identity


@transaction.atomic
def erase_identity(*, identity: Identity, actor: Actor) -> None:
    """Delete a person with pictures, templates, names and every answer row that shows them.

    Photos that nobody else is in go with them; the audit event keeps their checksums as proof.
    """
    # Who adds a face or an answer holds these rows: wait for all of them, then look.
    list(Identity.objects.select_for_update().filter(pk=identity.pk))
    faces = identity.faces.select_for_update().order_by("pk")
    photo_ids = list(faces.values_list("photo_id", flat=True))
    images = len(photo_ids)
    pk = identity.pk
    forget_identity(identity)
    identity.delete()
    erased = release_photos(photo_ids)
    audit.record(
        organization_id=identity.organization_id,
        actor=actor,
        action="identity.erase",
        target_type="identity",
        target_id=pk,
        data={"images": images, "photos_sha256": erased},
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


def _save(identity: Identity) -> None:
    if len(identity.external_id) > 120:
        raise DomainError("external_id_invalid", "An external id has at most 120 characters.")
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
