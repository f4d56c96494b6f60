"""What people do with an answer: say who a face is, or ask another gallery."""

from collections.abc import Mapping

from django.db import transaction

from faceplatform.core import storage
from faceplatform.core.actors import Actor
from faceplatform.core.errors import Conflict
from recognition.models import FaceImage, Gallery, Identity, Photo, Probe, ProbeFace
from recognition.services.enrollment import NamedFace, enroll_people, enroll_photo
from recognition.services.identification import identify
from recognition.services.identities import MAX_NAME, create_identity
from recognition.services.names import clean_name


@transaction.atomic
def enroll_probe_face(
    *,
    probe_face: ProbeFace,
    actor: Actor,
    name: str = "",
    identity: Identity | None = None,
) -> FaceImage:
    """Enroll a face of an answer in the probe's gallery, as a new person or a known one.

    The stored answer stays what it was. Raises what `create_identity` and `enroll_photo` raise,
    Conflict `photo_not_kept`; then no person was made either.
    """
    probe = probe_face.probe
    photo = _kept_photo(probe)
    person = identity or create_identity(gallery=probe.gallery, name=name, actor=actor)
    return enroll_photo(
        gallery=probe.gallery,
        identity=person,
        data=storage.open_photo(photo.organization_id, photo.sha256),
        path=probe.name,
        actor=actor,
        face_number=probe_face.number,
    )


def enroll_probe_people(*, probe: Probe, names: Mapping[int, str], actor: Actor) -> list[FaceImage]:
    """Enroll several faces of an answer in one step: all of them, or none.

    `names` says who each face is, by its number; a name of the gallery means that person, any other
    name somebody new. Raises as `enroll_people`, and Conflict `photo_not_kept`.
    """
    photo = _kept_photo(probe)
    gallery = probe.gallery
    wanted = {number: clean_name(name, limit=MAX_NAME) for number, name in names.items()}
    known = {
        person.name: person
        for person in Identity.objects.filter(gallery=gallery, name__in=wanted.values())
    }
    return enroll_people(
        gallery=gallery,
        data=storage.open_photo(photo.organization_id, photo.sha256),
        path=probe.name,
        people=[NamedFace(number, known.get(name), name) for number, name in wanted.items()],
        actor=actor,
    )


def ask_again(*, probe: Probe, gallery: Gallery, actor: Actor) -> Probe:
    """Ask the same photo of a gallery; raises as `identify`, and Conflict `photo_not_kept`."""
    photo = _kept_photo(probe)
    data = storage.open_photo(photo.organization_id, photo.sha256)
    return identify(gallery=gallery, data=data, name=probe.name, actor=actor)


def _kept_photo(probe: Probe) -> Photo:
    if probe.photo is None:
        raise Conflict("photo_not_kept", "The photo was not kept; only its answer was.")
    return probe.photo
