"""Saying that an answer was wrong: the image that led to it goes to review."""

from django.db import transaction
from django.utils import timezone

from faceplatform.core import audit
from faceplatform.core.actors import Actor
from faceplatform.core.errors import Conflict
from recognition.models import Decision, FaceImage, FaceState, ProbeFace
from recognition.selectors.review import OPEN_REMARKS

REPORTED = "reported_wrong"


@transaction.atomic
def report_wrong(*, probe_face: ProbeFace, actor: Actor) -> FaceImage | None:
    """Note that a face was given a wrong name; return the image that now waits in review.

    That is the named person's nearest image. It stays searchable until somebody decides about it;
    the stored answer stays what it was. None where the image is gone, is not enrolled any more or
    waits for another reason already.

    Raises Conflict `not_identified` for a face that was not named, `already_reported`.
    """
    face = ProbeFace.objects.select_for_update().get(pk=probe_face.pk)
    if face.decision != Decision.IDENTIFIED:
        raise Conflict("not_identified", "Nobody was named for this face.")
    if face.reported_at is not None:
        raise Conflict("already_reported", "Somebody said so before; see the review.")
    face.reported_at, face.reported_by_id = timezone.now(), actor.user_id
    face.save(update_fields=["reported_at", "reported_by"])
    image = _remark(face)
    probe = probe_face.probe
    audit.record(
        organization_id=probe.organization_id,
        actor=actor,
        action="probe.report",
        target_type="probe",
        target_id=probe.pk,
        target_label=probe.name,
        data={"face": face.number, "image": str(image.pk) if image else ""},
    )
    return image


def _remark(face: ProbeFace) -> FaceImage | None:
    """Put the image that led to an answer in review."""
    if face.identity_id is None:
        return None
    match = face.matches.filter(face__identity_id=face.identity_id).order_by("-score").first()
    if match is None:
        return None
    image: FaceImage | None = (
        FaceImage.objects.select_for_update(of=("self",), no_key=True)
        .filter(pk=match.face_id, state=FaceState.ENROLLED)
        .first()
    )
    if image is None or image.reason == REPORTED:
        return image
    if image.reason in OPEN_REMARKS:
        return None
    image.reason = REPORTED
    image.save(update_fields=["reason"])
    return image
