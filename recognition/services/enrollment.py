"""Adding a photo to a person, or its faces to several."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import transaction

from faceplatform.core import audit
from faceplatform.core.actors import Actor
from faceplatform.core.errors import Conflict, DomainError, FieldError, Unprocessable
from recognition.models import FaceImage, Gallery, Identity
from recognition.selectors.score_kinds import components_of
from recognition.services.faces import find_same_face, store_face
from recognition.services.gates import limits_of
from recognition.services.identities import create_identity
from recognition.services.photos import lock_bytes, store_photo
from recognition.services.protection import judge_face
from recognition.services.thresholds import refresh_threshold
from recognition.services.vision import AnalysedPhoto, analyse_photo, get_pipeline
from recognition.vision.types import AnalysedFace, QualityLimits

LIMITS = QualityLimits()
_REASONS = {
    "uncertain_detection": "it is not certainly a face",
    "too_small": "the face is too small",
    "blurred": "the face is blurred",
    "too_dark": "the face is too dark",
    "too_bright": "the face is too bright",
    "low_contrast": "the face has too little contrast",
    "turned_away": "the face is turned away",
    "low_score": "the face is of low quality",
    "unlike_own": "it does not look like this person's other images",
    "like_another": "it looks more like somebody else",
    "possible_duplicate": "somebody who looks the same is here already",
    "near_duplicate": "nearly the same image is here already",
    "reported_wrong": "somebody said that an answer by this image was wrong",
    "not_this_person": "rejected in review",
    "label_doubted": "the label may be wrong",
    "unnamed": "nobody has named it yet",
}


@dataclass(frozen=True, slots=True)
class NamedFace:
    """Who a face of a photo is: somebody known, or somebody new by name.

    Faces count from 1, the largest first.
    """

    face: int
    identity: Identity | None = None
    name: str = ""


def enroll_photo(
    *,
    gallery: Gallery,
    identity: Identity,
    data: bytes,
    path: str,
    actor: Actor,
    face_number: int | None = None,
) -> FaceImage:
    """Enroll the face of a photo as this person.

    It is searchable at once unless it looks like somebody else; then its state is quarantined, and
    it waits for a person's decision. With several faces `face_number` (from 1, largest first) names
    the one that is meant.

    Raises DomainError with the image's code, `no_face`, `multiple_faces`, `face_number_invalid`,
    `low_quality`, or Conflict `duplicate_image` and `identity_gone`.
    """
    first, *further = components_of(gallery)
    analysed = analyse_photo(data, version=first, further=further)
    face = choose_face(analysed, face_number, limits_of(gallery))
    with transaction.atomic():
        hold_identity(identity)
        stored = _store(gallery, identity, face, analysed, data=data, path=path, actor=actor)
        refresh_threshold(gallery)
    return stored


def enroll_people(
    *, gallery: Gallery, data: bytes, path: str, people: Sequence[NamedFace], actor: Actor
) -> list[FaceImage]:
    """Enroll several faces of one photo, each as another person: all of them, or none.

    The images come in the order of `people`. Raises as `enroll_photo` and `create_identity`, with
    the number of the face in the error; DomainError `people_invalid` where a face or a person is
    named twice, or nobody is.
    """
    _check_people(people)
    first, *further = components_of(gallery)
    analysed = analyse_photo(data, version=first, further=further)
    faces = {}
    for one in people:
        with _of_face(one.face):
            faces[one.face] = choose_face(analysed, one.face, limits_of(gallery))
    with transaction.atomic():
        owners = {}
        for one in people:
            with _of_face(one.face):
                owners[one.face] = one.identity or create_identity(
                    gallery=gallery, name=one.name, actor=actor
                )
        for owner in sorted(owners.values(), key=lambda owner: owner.pk):
            hold_identity(owner)
        stored = {}
        for number, owner in owners.items():
            with _of_face(number):
                stored[number] = _store(
                    gallery, owner, faces[number], analysed, data=data, path=path, actor=actor
                )
        refresh_threshold(gallery)
    return list(stored.values())


def _check_people(people: Sequence[NamedFace]) -> None:
    numbers = {one.face for one in people}
    known = [one.identity.pk for one in people if one.identity is not None]
    if not people or len(numbers) < len(people) or len(set(known)) < len(known):
        raise DomainError("people_invalid", "Name at least one face; each face and person once.")


@contextmanager
def _of_face(number: int) -> Iterator[None]:
    """Say in a refusal which face it is about."""
    try:
        yield
    except DomainError as error:
        told = FieldError(field=f"face {number}", code=error.code, detail=error.detail)
        raise DomainError(
            error.code,
            f"Face {number}: {error.detail} Nobody was enrolled.",
            status=error.status,
            errors=(told,),
        ) from error


def _store(
    gallery: Gallery,
    identity: Identity,
    face: AnalysedFace,
    analysed: AnalysedPhoto,
    *,
    data: bytes,
    path: str,
    actor: Actor,
) -> FaceImage:
    """Write one face of a photo as a person's. Call it while the person's row is held."""
    lock_bytes(gallery.organization_id, analysed.sha256)
    same = find_same_face(gallery=gallery, photo_sha256=analysed.sha256, box=face.face.box)
    if same is not None:
        owner = same.identity.name if same.identity else "nobody"
        raise Conflict("duplicate_image", f"This face of this photo is here already, as {owner}.")
    photo = store_photo(
        organization_id=gallery.organization_id, data=data, analysed=analysed, path=path
    )
    stored = store_face(
        gallery=gallery,
        identity=identity,
        photo=photo,
        analysed=face,
        detector=get_pipeline(gallery.model_version).version.detector,
        path=path,
        judgement=judge_face(gallery=gallery, identity=identity, embedding=face.embedding),
    )
    audit.record(
        organization_id=gallery.organization_id,
        actor=actor,
        action="image.enroll",
        target_type="identity",
        target_id=identity.pk,
        target_label=identity.name,
        data={"image": str(stored.pk), "state": stored.state, "reason": stored.reason},
    )
    return stored


def choose_face(
    analysed: AnalysedPhoto, face_number: int | None, limits: QualityLimits = LIMITS
) -> AnalysedFace:
    """Return the face that is meant, if it is good enough to be enrolled."""
    faces = analysed.faces
    if not faces:
        raise Unprocessable("no_face", "There is no face in this photo.")
    if face_number is None and len(faces) > 1:
        raise DomainError(
            "multiple_faces",
            f"There are {len(faces)} faces in this photo; say which one is meant.",
            status=422,
            errors=tuple(_describe(number, face) for number, face in enumerate(faces, start=1)),
        )
    number = face_number or 1
    if not 1 <= number <= len(faces):
        raise DomainError("face_number_invalid", f"The photo has faces 1 to {len(faces)}.")
    face = faces[number - 1]
    reasons = face.face.quality.reasons(limits)
    if reasons:
        raise Unprocessable("low_quality", f"Not enrolled: {explain(reasons)}.")
    return face


def explain(reasons: tuple[str, ...]) -> str:
    """Put quality reasons in words."""
    return ", ".join(_REASONS.get(reason, reason) for reason in reasons)


def _describe(number: int, face: AnalysedFace) -> FieldError:
    box = face.face.box
    corners = ", ".join(f"{value:.0f}" for value in (box.x1, box.y1, box.x2, box.y2))
    return FieldError(field=f"face {number}", code="face", detail=f"box {corners}")


def hold_identity(identity: Identity) -> None:
    """Keep the person from being erased while a picture is added; refuse if that happened.

    Pictures of one person are added one after the other, so that each is compared with the last.
    """
    held = Identity.objects.select_for_update().filter(pk=identity.pk).exists()
    if not held:
        raise Conflict("identity_gone", "This person was deleted meanwhile.")
