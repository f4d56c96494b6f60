"""Who is in this photo?"""

import datetime as dt
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from faceplatform.core import audit
from faceplatform.core.actors import Actor
from faceplatform.core.errors import Conflict
from faceplatform.core.ids import uuid7
from recognition.models import (
    Decision,
    FaceImage,
    Gallery,
    Identity,
    Photo,
    Probe,
    ProbeFace,
    ProbeMatch,
)
from recognition.selectors import templates
from recognition.selectors.score_kinds import Scoring, components_of
from recognition.selectors.search import nearest
from recognition.selectors.templates import Match
from recognition.selectors.thresholds import ThresholdInfo
from recognition.services.asking import (
    DEFAULT,
    Options,
    check_galleries,
    check_options,
    threshold_for_call,
)
from recognition.services.faces import face_fields
from recognition.services.holding import hold, hold_gallery
from recognition.services.person_scores import Candidate, people_scores
from recognition.services.photos import store_photo
from recognition.services.scores import ProbeScores, current_scoring, probe_scores
from recognition.services.vision import AnalysedPhoto, analyse_photo, get_pipeline
from recognition.vision.matching import decide
from recognition.vision.types import AnalysedFace, Floats

NEAREST_SHOWN = 10
NEAREST_READ = 200
NEAREST_MOST = 3200
NEAREST_WIDER = 2000
LOOKED_AT = 20
ANSWER_DAYS = 30


@dataclass(frozen=True, slots=True)
class Found:
    """What a gallery says about one face.

    `components` are the cosines of the candidates' best images under each network of an ensemble.
    """

    decision: Decision
    reason: str
    identity_id: UUID | None
    score: float | None
    similar: tuple[Match, ...]
    candidates: tuple[Candidate, ...]
    components: dict[UUID, list[float]]


@dataclass(frozen=True, slots=True)
class Looked:
    """What a gallery says about all faces of a photo; `timings` are milliseconds per step."""

    gallery: Gallery
    photo: AnalysedPhoto
    threshold: ThresholdInfo
    timings: dict[str, float]
    found: tuple[Found, ...]


def identify(
    *, gallery: Gallery, data: bytes, name: str, actor: Actor, options: Options = DEFAULT
) -> Probe:
    """Answer for every face of a photo, and keep photo and answer as the gallery says.

    Raises DomainError with the image's code, an option's or `model_unavailable`, Conflict
    `gallery_not_searchable` or `gallery_gone`.
    """
    return identify_in(galleries=[gallery], data=data, name=name, actor=actor, options=options)[0]


def identify_in(
    *,
    galleries: Sequence[Gallery],
    data: bytes,
    name: str,
    actor: Actor,
    options: Options = DEFAULT,
) -> list[Probe]:
    """Ask several galleries about one photo; every answer has its gallery's own threshold.

    The photo is analysed once per model version. Nothing is stored unless all answered. Raises as
    `identify`, and DomainError `galleries_invalid`.
    """
    check_options(options)
    check_galleries(galleries)
    for gallery in galleries:
        if not gallery.searchable:
            raise Conflict("gallery_not_searchable", f"{gallery.name} is closed to searches.")
    answers = look_in(galleries, data, options)
    return store_answers(answers, data=data, name=name, actor=actor, options=options)


def look_in(galleries: Sequence[Gallery], data: bytes, options: Options) -> list[Looked]:
    """Search galleries for the faces of a photo and store nothing; raises as `identify`."""
    thresholds = [threshold_for_call(gallery, options) for gallery in galleries]
    analysed: dict[tuple[UUID, UUID | None], AnalysedPhoto] = {}
    answers = []
    for gallery, threshold in zip(galleries, thresholds, strict=True):
        networks = (gallery.model_version_id, gallery.ensemble_id)
        if networks not in analysed:
            analysed[networks] = embed_probe(data=data, gallery=gallery)
        photo = analysed[networks]
        started = time.perf_counter()
        scoring = current_scoring(gallery)
        found = [search_face(gallery, face, threshold, scoring, options) for face in photo.faces]
        timings = photo.timings | {"search": _milliseconds(started)}
        answers.append(Looked(gallery, photo, threshold, timings, tuple(found)))
    return answers


@transaction.atomic
def store_answers(
    answers: Sequence[Looked], *, data: bytes, name: str, actor: Actor, options: Options
) -> list[Probe]:
    """Keep what galleries said about one photo, as each of them says; raises `gallery_gone`."""
    together = [str(uuid7()) for _ in answers]
    for gallery in sorted((answer.gallery for answer in answers), key=lambda one: one.pk):
        hold_gallery(gallery)
    kept = _keep([found for answer in answers for found in answer.found])
    return [
        _store(answer, kept, UUID(pk), together, data=data, name=name, actor=actor, options=options)
        for answer, pk in zip(answers, together, strict=True)
    ]


def _store(
    answer: Looked,
    kept: set[UUID],
    pk: UUID,
    together: list[str],
    *,
    data: bytes,
    name: str,
    actor: Actor,
    options: Options,
) -> Probe:
    """Write one gallery's answer. Call it in the transaction that holds what the answer names."""
    settings = _settings(answer.gallery, options)
    if len(together) > 1:
        settings["together"] = together
    probe = _store_probe(answer, data, name, actor, pk=pk, settings=settings)
    for number, (face, found) in enumerate(
        zip(answer.photo.faces, answer.found, strict=True), start=1
    ):
        _store_face(probe, number, face, found, kept)
    _record(probe, answer.found, actor)
    return probe


def embed_probe(*, data: bytes, gallery: Gallery) -> AnalysedPhoto:
    """Find and embed the faces of a probe: the one place where searching meets the networks."""
    first, *further = components_of(gallery)
    return analyse_photo(data, version=first, further=further)


def search_face(
    gallery: Gallery,
    face: AnalysedFace,
    threshold: ThresholdInfo,
    scoring: Scoring,
    options: Options,
) -> Found:
    """Look one face up: candidates by cosine, then scored as the gallery scores."""
    reasons = face.face.quality.reasons(options.limits())
    if face.embedding is None:
        return Found(Decision.LOW_QUALITY, ",".join(reasons), None, None, (), (), {})
    scores = probe_scores(gallery, face, scoring)
    near, owners = _near(gallery, face.embedding, options.top)
    near = scores.rescore(near)
    people = people_scores(
        scores, face.embedding, _best_per_identity(near, owners), most=max(options.top, LOOKED_AT)
    )
    top, first = next(iter(people.items()), (None, None))
    best = first.score if first else None
    decision = Decision(decide(best, threshold.value, low_quality=bool(reasons)))
    candidates = tuple(people.values())[: options.top]
    components = scores.components([one.face_id for one in candidates])
    similar: tuple[Match, ...] = ()
    if decision == Decision.IDENTIFIED and top is not None:
        similar = _similar(scores, top, face.embedding, near, threshold.value)
    elif decision == Decision.UNKNOWN:
        similar = tuple(near[:NEAREST_SHOWN])
    return Found(decision, ",".join(reasons), top, best, similar, candidates, components)


def _near(
    gallery: Gallery, embedding: Floats, people: int
) -> tuple[list[Match], dict[UUID, UUID | None]]:
    """Return the nearest images and their owners, enough of them for so many people."""
    limit = NEAREST_READ
    while True:
        near = nearest(gallery, embedding, limit=limit)
        faces = FaceImage.objects.filter(pk__in=[match.face_id for match in near])
        owners = dict(faces.values_list("pk", "identity_id"))
        enough = len(set(owners.values())) >= people or len(near) < limit
        if enough or limit >= NEAREST_MOST:
            return near, owners
        limit *= 4


def _best_per_identity(near: list[Match], owners: dict[UUID, UUID | None]) -> dict[UUID, Match]:
    """Return the best image of each of the nearest people, best first."""
    best: dict[UUID, Match] = {}
    for match in near:
        owner = owners.get(match.face_id)
        if owner is not None:
            best.setdefault(owner, match)
    return best


def _similar(
    scores: ProbeScores,
    identity_id: UUID,
    embedding: Floats,
    near: list[Match],
    threshold: float,
) -> tuple[Match, ...]:
    """Return every image of the person and every other image at or above the threshold."""
    gallery = scores.gallery
    above = [match for match in near if match.score >= threshold]
    if len(above) == len(near) >= NEAREST_READ:
        if scores.scoring.plain:
            above = templates.at_least(gallery, embedding, score=threshold)
        else:
            wider = scores.rescore(nearest(gallery, embedding, limit=NEAREST_WIDER))
            above = [match for match in wider if match.score >= threshold]
    own = scores.rescore(templates.of_identity(gallery, identity_id, embedding))
    merged = {match.face_id: match for match in (*above, *own)}
    return tuple(sorted(merged.values(), key=lambda match: -match.score))


def _store_probe(
    answer: Looked, data: bytes, name: str, actor: Actor, *, pk: UUID, settings: dict[str, Any]
) -> Probe:
    gallery = answer.gallery
    photo: Photo | None = None
    if gallery.probe_days:
        photo = store_photo(
            organization_id=gallery.organization_id, data=data, analysed=answer.photo, path=""
        )
    return Probe.objects.create(
        pk=pk,
        organization_id=gallery.organization_id,
        gallery=gallery,
        model_version_id=gallery.model_version_id,
        photo=photo,
        name=name[:255],
        width=answer.photo.width,
        height=answer.photo.height,
        threshold=answer.threshold.as_json(),
        timings=answer.timings,
        settings=settings,
        expires_at=timezone.now() + dt.timedelta(days=gallery.probe_days or ANSWER_DAYS),
        created_by_id=actor.user_id,
        created_key_id=actor.api_key_id,
    )


def _settings(gallery: Gallery, options: Options) -> dict[str, Any]:
    """Return how the question was asked, for whoever wants to know later."""
    made = get_pipeline(gallery.model_version).version
    return {
        "limits": asdict(options.limits()),
        "chosen": options.chosen(),
        "rule": gallery.fusion_rule,
        "networks": [str(version.pk) for version in components_of(gallery)],
        "engine": made.engine,
        "precision": made.precision,
    }


def _keep(found: Sequence[Found]) -> set[UUID]:
    """Keep the people and images of an answer until the commit; return who is still there.

    Before the photo is stored: whoever erases a person holds these rows, then locks their photos.
    """
    people = {one.identity_id for one in found if one.identity_id is not None}
    matches = {match.face_id for one in found for match in one.similar}
    matches |= {best.face_id for one in found for best in one.candidates}
    return hold(Identity, people) | hold(FaceImage, matches)


def _store_face(
    probe: Probe, number: int, face: AnalysedFace, found: Found, kept: set[UUID]
) -> None:
    """Write one face of the answer. People and images that were not kept are left out."""
    detector = get_pipeline(probe.gallery.model_version).version.detector
    identity_id = found.identity_id if found.identity_id in kept else None
    people = {one.face_id: one for one in found.candidates}
    images = {face_id: one.image_score for face_id, one in people.items()}
    images |= {match.face_id: match.score for match in found.similar}
    similar = {match.face_id for match in found.similar}
    row = ProbeFace.objects.create(
        probe=probe,
        number=number,
        decision=found.decision if identity_id or found.decision != "identified" else "unknown",
        reason=found.reason,
        identity_id=identity_id,
        score=found.score,
        **face_fields(face, detector),
    )
    threshold = probe.threshold["value"]
    ProbeMatch.objects.bulk_create(
        ProbeMatch(
            probe_face=row,
            face_id=face_id,
            score=score,
            person_score=people[face_id].score if face_id in people else None,
            components=found.components.get(face_id, []),
            above_threshold=score >= threshold,
            similar=face_id in similar,
        )
        for face_id, score in images.items()
        if face_id in kept
    )


def _record(probe: Probe, found: Sequence[Found], actor: Actor) -> None:
    decisions = [answer.decision.value for answer in found]
    audit.record(
        organization_id=probe.organization_id,
        actor=actor,
        action="identify",
        target_type="gallery",
        target_id=probe.gallery_id,
        target_label=probe.gallery.name,
        data={
            "probe": str(probe.pk),
            "faces": len(decisions),
            "identified": decisions.count(Decision.IDENTIFIED.value),
            "model_version": str(probe.model_version_id),
        },
    )


def _milliseconds(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 1)
