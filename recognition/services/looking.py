"""Looking without keeping: look-alikes for play, and frames of a webcam. Nothing is stored."""

from dataclasses import dataclass
from uuid import UUID

from django.core.cache import cache
from django.db import transaction

from faceplatform.core import audit
from faceplatform.core.actors import Actor
from faceplatform.core.errors import Conflict
from recognition.models import Decision, FaceImage, Gallery, Identity
from recognition.selectors.answers import CandidateInfo
from recognition.services.asking import Options, check_options
from recognition.services.identification import Found, Looked, look_in
from recognition.services.person_scores import Candidate

PLAY = "This is play, not identification: somebody is always nearest, however far away."
LOOK_ALIKES = 6
AUDIT_SECONDS = 60


@dataclass(frozen=True, slots=True)
class LookAlikes:
    """The nearest people to one face, best first. `box` is in pixels of the upright photo."""

    number: int
    box: tuple[float, float, float, float]
    people: tuple[CandidateInfo, ...]


@dataclass(frozen=True, slots=True)
class SeenFace:
    """One face of a frame: the decision, and who it is where somebody was identified."""

    number: int
    box: tuple[float, float, float, float]
    decision: str
    identity: Identity | None
    score: float | None


@dataclass(frozen=True, slots=True)
class Frame:
    """What was seen in a frame of `width` x `height` pixels; `timings` are milliseconds."""

    width: int
    height: int
    faces: tuple[SeenFace, ...]
    timings: dict[str, float]


def find_look_alikes(
    *, gallery: Gallery, data: bytes, actor: Actor, top: int = LOOK_ALIKES
) -> list[LookAlikes]:
    """Return the nearest people to every face of a photo: no threshold, no decision, no probe.

    Raises DomainError with the image's code, `top_invalid` or `model_unavailable`, Conflict
    `gallery_not_searchable`.
    """
    looked = _look(gallery, data, Options(top=top), actor, "identify.play")
    people = _people(looked.found)
    return [
        LookAlikes(number, _box(looked, number), _candidates(found.candidates, people))
        for number, found in enumerate(looked.found, start=1)
    ]


def look_live(*, gallery: Gallery, data: bytes, actor: Actor) -> Frame:
    """Say who is in a frame of a webcam and forget the frame; raises as `find_look_alikes`."""
    looked = _look(gallery, data, Options(top=1), actor, "identify.live")
    people = _people(looked.found)
    return Frame(
        width=looked.photo.width,
        height=looked.photo.height,
        faces=tuple(
            _seen(number, _box(looked, number), found, people)
            for number, found in enumerate(looked.found, start=1)
        ),
        timings=looked.timings,
    )


def _look(gallery: Gallery, data: bytes, options: Options, actor: Actor, action: str) -> Looked:
    check_options(options)
    if not gallery.searchable:
        raise Conflict("gallery_not_searchable", "This gallery is closed to searches.")
    looked = look_in([gallery], data, options)[0]
    who = actor.user_id or actor.api_key_id
    # Several frames a second would bury the audit log: one line a minute says who looked.
    if cache.add(f"{action}:{gallery.pk}:{who}", 1, AUDIT_SECONDS):
        with transaction.atomic():
            audit.record(
                organization_id=gallery.organization_id,
                actor=actor,
                action=action,
                target_type="gallery",
                target_id=gallery.pk,
                target_label=gallery.name,
                data={"model_version": str(gallery.model_version_id)},
            )
    return looked


def _people(found: tuple[Found, ...]) -> dict[UUID, FaceImage]:
    """Return the images that answer, with their people, as they are now."""
    wanted = {match.face_id for one in found for match in one.candidates}
    rows = FaceImage.objects.filter(pk__in=wanted, identity__isnull=False)
    return {face.pk: face for face in rows.select_related("identity")}


def _candidates(
    matches: tuple[Candidate, ...], people: dict[UUID, FaceImage]
) -> tuple[CandidateInfo, ...]:
    rows = []
    for match in matches:
        face = people.get(match.face_id)
        if face is not None and face.identity is not None:
            rows.append(CandidateInfo(face.identity, match.score, False, face))
    return tuple(rows)


def _seen(
    number: int,
    box: tuple[float, float, float, float],
    found: Found,
    people: dict[UUID, FaceImage],
) -> SeenFace:
    identity = None
    if found.decision == Decision.IDENTIFIED and found.candidates:
        face = people.get(found.candidates[0].face_id)
        identity = face.identity if face else None
    decision = found.decision
    if decision == Decision.IDENTIFIED and identity is None:
        decision = Decision.UNKNOWN
    return SeenFace(number, box, decision.value, identity, found.score)


def _box(looked: Looked, number: int) -> tuple[float, float, float, float]:
    box = looked.photo.faces[number - 1].face.box
    return (float(box.x1), float(box.y1), float(box.x2), float(box.y2))
