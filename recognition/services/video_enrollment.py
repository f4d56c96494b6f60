"""Saying who a stranger of a video is: a kept frame goes through the gates of enrollment."""

from django.db import transaction

from faceplatform.core import storage
from faceplatform.core.actors import Actor
from faceplatform.core.errors import Conflict
from recognition.models import FaceImage, Identity, TrackFrame
from recognition.services.enrollment import enroll_photo
from recognition.services.faces import box_of
from recognition.services.identities import create_identity
from recognition.services.vision import AnalysedPhoto, analyse_photo


@transaction.atomic
def enroll_track_frame(
    *, frame: TrackFrame, actor: Actor, name: str = "", identity: Identity | None = None
) -> FaceImage:
    """Enroll the face of a kept frame in the video's gallery, as a new person or a known one.

    The stored answer stays what it was. Raises what `create_identity` and `enroll_photo` raise,
    Conflict `photo_not_kept`; then no person was made either.
    """
    video = frame.track.video
    if frame.photo is None:
        raise Conflict("photo_not_kept", "The picture was not kept; only the answer was.")
    data = storage.open_photo(frame.photo.organization_id, frame.photo.sha256)
    number = _number_of(frame, analyse_photo(data, version=video.gallery.model_version))
    person = identity or create_identity(gallery=video.gallery, name=name, actor=actor)
    return enroll_photo(
        gallery=video.gallery,
        identity=person,
        data=data,
        path=f"{video.name} at {frame.time:.1f} s",
        actor=actor,
        face_number=number,
    )


def _number_of(frame: TrackFrame, analysed: AnalysedPhoto) -> int | None:
    """Return which face of the picture is the track's; None where none is found any more."""
    box = box_of(frame)
    overlaps = [box.iou(face.face.box) for face in analysed.faces]
    return overlaps.index(max(overlaps)) + 1 if overlaps else None
