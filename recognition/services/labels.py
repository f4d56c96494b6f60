"""Doubting who an image shows."""

from django.db import transaction

from faceplatform.core import audit
from faceplatform.core.actors import Actor
from faceplatform.core.errors import Conflict
from recognition.models import FaceImage, FaceState
from recognition.services.protection import set_searchable
from recognition.services.thresholds import refresh_threshold

LABEL_DOUBTED = "label_doubted"


@transaction.atomic
def doubt_label(*, face: FaceImage, actor: Actor) -> FaceImage:
    """Put an enrolled image in review because its label may be wrong; it is no longer searched.

    Raises Conflict `not_enrolled` for an image that waits or was rejected already.
    """
    held = FaceImage.objects.select_for_update(of=("self",)).select_related("gallery").filter(
        pk=face.pk, state=FaceState.ENROLLED
    ).first()  # fmt: skip
    if held is None:
        raise Conflict("not_enrolled", "This image is not enrolled any more.")
    held.state, held.reason = FaceState.QUARANTINED, LABEL_DOUBTED
    held.save(update_fields=["state", "reason"])
    set_searchable(held)
    refresh_threshold(held.gallery)
    audit.record(
        organization_id=held.organization_id,
        actor=actor,
        action="image.doubt",
        target_type="image",
        target_id=held.pk,
        target_label=str(held),
    )
    return held
