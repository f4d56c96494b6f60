"""Faces of nobody yet: keeping them for naming, and giving them a name.

They lie in quarantine without an identity, so no search finds them until a person names them.
"""

from collections.abc import Sequence
from uuid import UUID

from django.db import transaction

from faceplatform.core import audit, storage
from faceplatform.core.actors import Actor
from faceplatform.core.errors import Conflict, DomainError
from recognition.models import FaceImage, FaceState, Gallery, Identity, ProbeFace, ReviewAction
from recognition.selectors.unnamed import UNNAMED, unnamed_faces
from recognition.services.enrollment import choose_face
from recognition.services.faces import find_same_face, store_face
from recognition.services.gates import limits_of
from recognition.services.holding import hold_gallery
from recognition.services.photos import lock_bytes, store_photo
from recognition.services.protection import Judgement
from recognition.services.review import decide
from recognition.services.vision import analyse_photo, get_pipeline

FOR_NAMING = Judgement(state=FaceState.QUARANTINED, reason=UNNAMED)


def keep_probe_face(*, probe_face: ProbeFace, actor: Actor) -> FaceImage:
    """Keep a face of an answer in its gallery, for naming later.

    Raises Conflict `photo_not_kept` or `duplicate_image`, DomainError `low_quality`.
    """
    probe = probe_face.probe
    gallery = probe.gallery
    if probe.photo is None:
        raise Conflict("photo_not_kept", "The photo was not kept; only its answer was.")
    data = storage.open_photo(probe.photo.organization_id, probe.photo.sha256)
    analysed = analyse_photo(data, version=gallery.model_version)
    face = choose_face(analysed, probe_face.number, limits_of(gallery))
    with transaction.atomic():
        hold_gallery(gallery)
        lock_bytes(gallery.organization_id, analysed.sha256)
        if find_same_face(gallery=gallery, photo_sha256=analysed.sha256, box=face.face.box):
            raise Conflict("duplicate_image", "This face of this photo is here already.")
        stored = store_face(
            gallery=gallery,
            identity=None,
            photo=store_photo(
                organization_id=gallery.organization_id, data=data, analysed=analysed, path=""
            ),
            analysed=face,
            detector=get_pipeline(gallery.model_version).version.detector,
            path=probe.name,
            judgement=FOR_NAMING,
        )
        audit.record(
            organization_id=gallery.organization_id,
            actor=actor,
            action="image.keep",
            target_type="gallery",
            target_id=gallery.pk,
            target_label=gallery.name,
            data={"image": str(stored.pk), "probe": str(probe.pk)},
        )
    return stored


@transaction.atomic
def name_faces(
    *,
    gallery: Gallery,
    face_ids: Sequence[UUID],
    actor: Actor,
    name: str = "",
    identity: Identity | None = None,
) -> int:
    """Give unnamed faces to one person, known or new; searchable from then on. Return how many.

    Faces that somebody named or deleted meanwhile are left out. Raises what `decide` raises, and
    DomainError `nothing_to_name` where none is left.
    """
    faces = list(unnamed_faces(gallery).filter(pk__in=face_ids))
    if not faces:
        raise DomainError("nothing_to_name", "These faces have a name by now, or are gone.")
    for face in faces:
        made = decide(
            face=face, action=ReviewAction.MOVE, identity=identity, name=name, actor=actor
        )
        identity = identity or made.identity_after
    return len(faces)


@transaction.atomic
def reject_faces(*, gallery: Gallery, face_ids: Sequence[UUID], actor: Actor) -> int:
    """Put unnamed faces out of the way; they are kept and never searched. Return how many."""
    faces = list(unnamed_faces(gallery).filter(pk__in=face_ids))
    for face in faces:
        decide(face=face, action=ReviewAction.REJECT, actor=actor)
    return len(faces)
