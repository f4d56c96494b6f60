"""Deciding about images that wait for a person, and taking a decision back."""

from uuid import UUID

from django.db import transaction
from django.utils import timezone

from faceplatform.core import audit
from faceplatform.core.actors import Actor
from faceplatform.core.errors import Conflict, DomainError
from recognition.models import (
    FaceImage,
    FaceState,
    Gallery,
    Identity,
    ReviewAction,
    ReviewDecision,
)
from recognition.services.enrollment import hold_identity
from recognition.services.identities import MAX_NAME, create_identity
from recognition.services.names import clean_name
from recognition.services.protection import set_searchable
from recognition.services.thresholds import refresh_threshold

NOT_THIS_PERSON = "not_this_person"


@transaction.atomic
def decide(
    *,
    face: FaceImage,
    action: ReviewAction,
    actor: Actor,
    identity: Identity | None = None,
    name: str = "",
) -> ReviewDecision:
    """Accept an image as its person's, move it to another person, or reject it.

    To move, give `identity` of the same gallery, or a `name`: of somebody there, or of somebody
    new. An accepted or moved image is searchable at once, a rejected one is kept and never
    searched.

    Raises DomainError `identity_missing` or `other_gallery`, Conflict `identity_gone` or
    `image_gone`, and what `create_identity` raises.
    """
    if action == ReviewAction.MOVE and identity is None:
        identity = _named(face.gallery, name, actor)
    owner = identity if action == ReviewAction.MOVE else face.identity
    if action != ReviewAction.REJECT:
        if owner is None:
            raise DomainError("identity_missing", "Nobody is named for this image; move it.")
        if owner.gallery_id != face.gallery_id:
            raise DomainError("other_gallery", "This person belongs to another gallery.")
        hold_identity(owner)
    held = _hold_face(face)
    decision = ReviewDecision.objects.create(
        organization_id=held.organization_id,
        gallery_id=held.gallery_id,
        face=held,
        action=action,
        state_before=held.state,
        reason_before=held.reason,
        identity_before_id=held.identity_id,
        state_after=FaceState.REJECTED if action == ReviewAction.REJECT else FaceState.ENROLLED,
        identity_after_id=owner.pk if owner else held.identity_id,
        created_by_id=actor.user_id,
    )
    reason = NOT_THIS_PERSON if action == ReviewAction.REJECT else ""
    _apply(held, decision.state_after, reason, owner.pk if owner else held.identity_id)
    _record(decision, f"image.{action}", actor)
    return decision


@transaction.atomic
def undo(*, decision: ReviewDecision, actor: Actor) -> FaceImage:
    """Put an image back to what it was before a decision.

    Raises Conflict `already_undone`, `changed_meanwhile` when something else happened to the
    image since, `identity_gone` or `image_gone`.
    """
    if decision.identity_before is not None:
        hold_identity(decision.identity_before)
    face = _hold_face(decision.face)
    held = ReviewDecision.objects.select_for_update().get(pk=decision.pk)
    if held.undone_at is not None:
        raise Conflict("already_undone", "This decision was undone before.")
    if (face.state, face.identity_id) != (held.state_after, held.identity_after_id):
        raise Conflict("changed_meanwhile", "The image was changed after this decision.")
    held.undone_at = timezone.now()
    held.save(update_fields=["undone_at"])
    _apply(face, held.state_before, held.reason_before, held.identity_before_id)
    _record(held, "image.undo", actor)
    return face


def _named(gallery: Gallery, name: str, actor: Actor) -> Identity:
    """Return the person of that name, made if there is none."""
    if not name.strip():
        raise DomainError("identity_missing", "Say whom the image is to be moved to.")
    wanted = clean_name(name, limit=MAX_NAME)
    found: Identity | None = Identity.objects.filter(gallery=gallery, name=wanted).first()
    return found or create_identity(gallery=gallery, name=wanted, actor=actor)


def _apply(face: FaceImage, state: str, reason: str, identity_id: UUID | None) -> None:
    face.state, face.reason, face.identity_id = state, reason, identity_id
    face.save(update_fields=["state", "reason", "identity"])
    set_searchable(face)
    refresh_threshold(face.gallery)


def _hold_face(face: FaceImage) -> FaceImage:
    held: FaceImage | None = (
        FaceImage.objects.select_for_update(of=("self",), no_key=True)
        .select_related("gallery__model_version", "identity")
        .filter(pk=face.pk)
        .first()
    )
    if held is None:
        raise Conflict("image_gone", "This image was deleted meanwhile.")
    return held


def _record(decision: ReviewDecision, action: str, actor: Actor) -> None:
    audit.record(
        organization_id=decision.organization_id,
        actor=actor,
        action=action,
        target_type="image",
        target_id=decision.face_id,
        target_label=str(decision.face),
        data={
            "decision": str(decision.pk),
            "state_before": decision.state_before,
            "state_after": decision.state_after,
            "identity_before": str(decision.identity_before_id or ""),
            "identity_after": str(decision.identity_after_id or ""),
        },
    )
