"""Making, changing and deleting galleries."""

import uuid
from typing import Any

from django.db import IntegrityError, transaction

from faceplatform.core import audit
from faceplatform.core.actors import Actor
from faceplatform.core.errors import Conflict, DomainError
from recognition.models import FaceImage, Gallery, Identity, Probe, Video
from recognition.services.consents import update_matchable
from recognition.services.forgetting import forget_in_log
from recognition.services.gates import clean_limits
from recognition.services.model_versions import default_version
from recognition.services.names import clean_name
from recognition.services.person_scores import check_rule
from recognition.services.photos import (
    photos_of_tracks,
    photos_of_verifications,
    release_photos,
)
from recognition.services.video_files import release_files
from recognition.vision.fusion import RULES

MAX_NAME = 120
MAX_PROBE_DAYS = 3650


@transaction.atomic
def create_gallery(
    *,
    organization_id: uuid.UUID,
    name: str,
    description: str = "",
    probe_days: int = 30,
    actor: Actor,
) -> Gallery:
    """Make an empty gallery with the default model.

    Raises Conflict `gallery_exists`, DomainError `name_invalid` or `probe_days_invalid`.
    """
    _check_days(probe_days)
    gallery = Gallery(
        organization_id=organization_id,
        name=clean_name(name, limit=MAX_NAME),
        description=description.strip(),
        probe_days=probe_days,
        model_version=default_version(),
        created_by_id=actor.user_id,
    )
    _save(gallery)
    _record(gallery, "gallery.create", actor)
    return gallery


@transaction.atomic
def change_gallery(  # noqa: PLR0913  one for each thing that may change
    *,
    gallery: Gallery,
    name: str | None = None,
    description: str | None = None,
    searchable: bool | None = None,
    consent_required: bool | None = None,
    probe_days: int | None = None,
    quality_limits: dict[str, Any] | None = None,
    fusion_rule: str | None = None,
    actor: Actor,
) -> Gallery:
    """Change what is given and leave the rest; limits that are not named go to their defaults.

    Raises as `create_gallery`, DomainError `rule_invalid`, Conflict `rule_not_for_kind`.
    Where consent becomes required, people without one are no longer found once this returns.
    """
    if name is not None:
        gallery.name = clean_name(name, limit=MAX_NAME)
    if description is not None:
        gallery.description = description.strip()
    if searchable is not None:
        gallery.searchable = searchable
    if probe_days is not None:
        _check_days(probe_days)
        gallery.probe_days = probe_days
    if quality_limits is not None:
        gallery.quality_limits = clean_limits(quality_limits)
    if fusion_rule is not None:
        if fusion_rule and fusion_rule not in RULES:
            raise DomainError("rule_invalid", f"A rule is one of {', '.join(RULES)}.")
        check_rule(fusion_rule, gallery.score_kind)
        gallery.fusion_rule = fusion_rule
    asks_anew = consent_required not in (None, gallery.consent_required)
    if asks_anew:
        # Whoever adds a person or an image holds this row: wait for all of them.
        list(Gallery.objects.select_for_update().filter(pk=gallery.pk))
        gallery.consent_required = not gallery.consent_required
    _save(gallery)
    if asks_anew:
        update_matchable(Identity.objects.filter(gallery=gallery))
    _record(gallery, "gallery.change", actor)
    return gallery


@transaction.atomic
def delete_gallery(*, gallery: Gallery, actor: Actor) -> None:
    """Erase a gallery with its people, pictures, templates, probes and answers.

    The audit event keeps the checksums of the photos that went with it as proof.
    """
    # Who adds anything holds one of these rows: wait for all of them, then look.
    list(Gallery.objects.select_for_update().filter(pk=gallery.pk))
    list(Identity.objects.select_for_update().filter(gallery=gallery).order_by("pk"))
    photo_ids = set(FaceImage.objects.filter(gallery=gallery).values_list("photo_id", flat=True))
    photo_ids |= set(
        Probe.objects.filter(gallery=gallery, photo__isnull=False).values_list(
            "photo_id", flat=True
        )
    )
    photo_ids |= set(photos_of_verifications(verification__gallery=gallery))
    photo_ids |= set(photos_of_tracks(track__video__gallery=gallery))
    release_files(Video.objects.filter(gallery=gallery))
    people = list(gallery.identities.values_list("pk", flat=True))
    forget_in_log(people)
    gone = Gallery(pk=gallery.pk, organization_id=gallery.organization_id, name=gallery.name)
    gallery.delete()
    erased = release_photos(photo_ids)
    data = {"people": len(people), "photos_sha256": erased}
    _record(gone, "gallery.delete", actor, data)


def _save(gallery: Gallery) -> None:
    try:
        with transaction.atomic():
            gallery.save()
    except IntegrityError as error:
        if "gallery_name_once" not in str(error):
            raise
        raise Conflict("gallery_exists", "There is a gallery of that name already.") from error


def _check_days(days: int) -> None:
    if not 0 <= days <= MAX_PROBE_DAYS:
        raise DomainError("probe_days_invalid", f"Photos are kept for 0 to {MAX_PROBE_DAYS} days.")


def _record(
    gallery: Gallery, action: str, actor: Actor, data: dict[str, Any] | None = None
) -> None:
    audit.record(
        organization_id=gallery.organization_id,
        actor=actor,
        action=action,
        target_type="gallery",
        target_id=gallery.pk,
        target_label=gallery.name,
        data=data,
    )
