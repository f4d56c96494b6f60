"""A person into another gallery; some of a person's images into a new person."""

from collections.abc import Iterable
from uuid import UUID

from django.db import transaction

from faceplatform.core import audit
from faceplatform.core.actors import Actor
from faceplatform.core.errors import Conflict, DomainError
from recognition.models import (
    Consent,
    FaceImage,
    FaceTemplate,
    Gallery,
    Identity,
    ReviewDecision,
    Verification,
)
from recognition.services.consents import update_matchable
from recognition.services.faces import box_of, find_same_face
from recognition.services.holding import hold_gallery
from recognition.services.identities import create_identity, save_identity
from recognition.services.thresholds import refresh_threshold

_AGREED = (
    "purpose", "text", "evidence", "given_on", "expires_on", "withdrawn_at", "created_by_id"
)  # fmt: skip


@transaction.atomic
def move_identity(*, identity: Identity, gallery: Gallery, actor: Actor) -> Identity:
    """Move a person with all images to another gallery of the organization.

    Answers that were given stay with the gallery that was asked. Raises DomainError
    `same_gallery`, Conflict `other_model` where the galleries use different model versions,
    `duplicate_image` where the other gallery has one of the faces already, `identity_exists` or
    `external_id_exists`, `gallery_gone`, `identity_gone`.
    """
    origin = identity.gallery
    if gallery.pk == origin.pk:
        raise DomainError("same_gallery", "The person is in this gallery already.")
    if gallery.organization_id != identity.organization_id:
        raise DomainError("other_organization", "This gallery belongs to somebody else.")
    if gallery.model_version_id != origin.model_version_id:
        raise Conflict(
            "other_model", "The galleries use different models, whose templates do not compare."
        )
    for each in sorted((origin, gallery), key=lambda row: row.pk):
        hold_gallery(each)
    if not Identity.objects.select_for_update().filter(pk=identity.pk).exists():
        raise Conflict("identity_gone", "This person was deleted meanwhile.")
    _refuse_duplicates(identity, gallery)
    identity.gallery = gallery
    save_identity(identity)
    FaceImage.objects.filter(identity=identity).update(gallery=gallery)
    FaceTemplate.objects.filter(face__identity=identity).update(gallery=gallery)
    ReviewDecision.objects.filter(face__identity=identity).update(gallery=gallery)
    Verification.objects.filter(identity=identity).update(gallery=gallery)
    update_matchable(Identity.objects.filter(pk=identity.pk))
    for each in (origin, gallery):
        refresh_threshold(each)
    audit.record(
        organization_id=identity.organization_id,
        actor=actor,
        action="identity.move",
        target_type="identity",
        target_id=identity.pk,
        target_label=identity.name,
        data={"from": str(origin.pk), "to": str(gallery.pk)},
    )
    return identity


@transaction.atomic
def split_identity(
    *, identity: Identity, images: Iterable[UUID], name: str, actor: Actor
) -> Identity:
    """Make a new person of some of a person's images.

    The new person takes over what was agreed, and what was taken back: searches find them exactly
    when they found the old one. Raises DomainError `images_invalid` unless all images are
    the person's, and some are left; errors of `create_identity`; Conflict `identity_gone`.
    """
    wanted = set(images)
    identity_now = Identity.objects.select_for_update().filter(pk=identity.pk).first()
    if identity_now is None:
        raise Conflict("identity_gone", "This person was deleted meanwhile.")
    own = set(identity.faces.values_list("pk", flat=True))
    if not wanted or not wanted <= own:
        raise DomainError("images_invalid", "Choose images of this person.")
    if wanted == own:
        raise DomainError("images_invalid", "All images were chosen; rename the person instead.")
    created = create_identity(gallery=identity.gallery, name=name, actor=actor)
    Identity.objects.filter(pk=created.pk).update(matchable=identity_now.matchable)
    _copy_consents(identity_now, created)
    FaceImage.objects.filter(pk__in=wanted).update(identity=created)
    audit.record(
        organization_id=identity.organization_id,
        actor=actor,
        action="identity.split",
        target_type="identity",
        target_id=identity.pk,
        target_label=identity.name,
        data={"new": str(created.pk), "images": sorted(str(pk) for pk in wanted)},
    )
    return created


def _copy_consents(identity: Identity, created: Identity) -> None:
    """Give the new person copies: a withdrawal must not be undone by splitting."""
    Consent.objects.bulk_create(
        Consent(
            organization_id=consent.organization_id,
            identity=created,
            **{field: getattr(consent, field) for field in _AGREED},
        )
        for consent in identity.consents.order_by("pk")
    )


def _refuse_duplicates(identity: Identity, gallery: Gallery) -> None:
    for face in identity.faces.select_related("photo"):
        same = find_same_face(gallery=gallery, photo_sha256=face.photo.sha256, box=box_of(face))
        if same is not None:
            owner = same.identity.name if same.identity else "nobody"
            raise Conflict(
                "duplicate_image", f"{gallery.name} has one of the faces already, as {owner}."
            )
