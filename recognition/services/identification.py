"""Who is in this photo?"""

import datetime as dt
import time
import uuid
from dataclasses import asdict, dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone

from faceplatform.core import audit
from faceplatform.core.actors import Actor
from faceplatform.core.errors import Conflict
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
from recognition.selectors.thresholds import ThresholdInfo, threshold_of
from recognition.services.enrollment import LIMITS
from recognition.services.faces import face_fields
from recognition.services.holding import hold, hold_gallery
from recognition.services.photos import store_photo
from recognition.services.scores import ProbeScores, current_scoring, probe_scores
from recognition.services.vision import AnalysedPhoto, analyse_photo, get_pipeline
from recognition.vision.matching import decide
from recognition.vision.types import AnalysedFace, Floats

CANDIDATES = 5
NEAREST_SHOWN = 10
NEAREST_READ = 200
NEAREST_WIDER = 2000
ANSWER_DAYS = 30


@dataclass(frozen=True, slots=True)
class _Found:
    """What the gallery says about one face."""

    decision: Decision
    reason: str
    identity_id: uuid.UUID | None
    score: float | None
    similar: tuple[Match, ...]
    candidates: tuple[Match, ...]


def identify(*, gallery: Gallery, data: bytes, name: str, actor: Actor) -> Probe:
    """Answer for every face of a photo, and keep photo and answer as the gallery says.

    Raises DomainError with the image's code or `model_unavailable`, Conflict
    `gallery_not_searchable` or `gallery_gone`.
    """
    if not gallery.searchable:
        raise Conflict("gallery_not_searchable", "This gallery is closed to searches.")
    analysed = embed_probe(data=data, gallery=gallery)
    started = time.perf_counter()
    threshold = threshold_of(gallery)
    scoring = current_scoring(gallery)
    found = [_search(gallery, face, threshold, scoring) for face in analysed.faces]
    timings = analysed.timings | {"search": _milliseconds(started)}
    with transaction.atomic():
        hold_gallery(gallery)
        kept = _keep(found)
        probe = _store_probe(gallery, data, name, analysed, threshold, timings, actor)
        for number, (face, answer) in enumerate(zip(analysed.faces, found, strict=True), start=1):
            _store_face(probe, number, face, answer, kept)
        _record(probe, found, actor)
    return probe


def embed_probe(*, data: bytes, gallery: Gallery) -> AnalysedPhoto:
    """Find and embed the faces of a probe: the one place where searching meets the networks."""
    first, *further = components_of(gallery)
    return analyse_photo(data, version=first, further=further)


def _search(
    gallery: Gallery, face: AnalysedFace, threshold: ThresholdInfo, scoring: Scoring
) -> _Found:
    """Look one face up: candidates by cosine, then scored as the gallery scores."""
    reasons = face.face.quality.reasons(LIMITS)
    if face.embedding is None:
        return _Found(Decision.LOW_QUALITY, ",".join(reasons), None, None, (), ())
    scores = probe_scores(gallery, face, scoring)
    near = scores.rescore(nearest(gallery, face.embedding, limit=NEAREST_READ))
    best = near[0].score if near else None
    decision = Decision(decide(best, threshold.value, low_quality=bool(reasons)))
    owners = dict(
        FaceImage.objects.filter(pk__in=[match.face_id for match in near]).values_list(
            "pk", "identity_id"
        )
    )
    candidates = _best_per_identity(near, owners)
    top = owners.get(near[0].face_id) if near else None
    similar: tuple[Match, ...] = ()
    if decision == Decision.IDENTIFIED and top is not None:
        similar = _similar(scores, top, face.embedding, near, threshold.value)
    elif decision == Decision.UNKNOWN:
        similar = tuple(near[:NEAREST_SHOWN])
    return _Found(decision, ",".join(reasons), top, best, similar, candidates)


def _best_per_identity(
    near: list[Match], owners: dict[uuid.UUID, uuid.UUID | None]
) -> tuple[Match, ...]:
    """Return the best image of each of the nearest people, best first."""
    best: dict[uuid.UUID, Match] = {}
    for match in near:
        owner = owners.get(match.face_id)
        if owner is not None:
            best.setdefault(owner, match)
    return tuple(best.values())[:CANDIDATES]


def _similar(
    scores: ProbeScores,
    identity_id: uuid.UUID,
    embedding: Floats,
    near: list[Match],
    threshold: float,
) -> tuple[Match, ...]:
    """Return every image of the person and every other image at or above the threshold."""
    gallery = scores.gallery
    above = [match for match in near if match.score >= threshold]
    if len(above) == len(near) == NEAREST_READ:
        if scores.scoring.plain:
            above = templates.at_least(gallery, embedding, score=threshold)
        else:
            wider = scores.rescore(nearest(gallery, embedding, limit=NEAREST_WIDER))
            above = [match for match in wider if match.score >= threshold]
    own = scores.rescore(templates.of_identity(gallery, identity_id, embedding))
    merged = {match.face_id: match for match in (*above, *own)}
    return tuple(sorted(merged.values(), key=lambda match: -match.score))


def _store_probe(
    gallery: Gallery,
    data: bytes,
    name: str,
    analysed: AnalysedPhoto,
    threshold: ThresholdInfo,
    timings: dict[str, float],
    actor: Actor,
) -> Probe:
    photo: Photo | None = None
    if gallery.probe_days:
        photo = store_photo(
            organization_id=gallery.organization_id, data=data, analysed=analysed, path=""
        )
    return Probe.objects.create(
        organization_id=gallery.organization_id,
        gallery=gallery,
        model_version_id=gallery.model_version_id,
        photo=photo,
        name=name[:255],
        width=analysed.width,
        height=analysed.height,
        threshold=threshold.as_json(),
        timings=timings,
        settings=_settings(gallery),
        expires_at=timezone.now() + dt.timedelta(days=gallery.probe_days or ANSWER_DAYS),
        created_by_id=actor.user_id,
        created_key_id=actor.api_key_id,
    )


def _settings(gallery: Gallery) -> dict[str, Any]:
    """Return how the question was asked, for whoever wants to know later."""
    made = get_pipeline(gallery.model_version).version
    return {"limits": asdict(LIMITS), "engine": made.engine, "precision": made.precision}


def _keep(found: list[_Found]) -> set[uuid.UUID]:
    """Keep the people and images of an answer until the commit; return who is still there.

    Before the photo is stored: whoever erases a person holds these rows, then locks their photos.
    """
    people = {one.identity_id for one in found if one.identity_id is not None}
    matches = {match.face_id for one in found for match in (*one.similar, *one.candidates)}
    return hold(Identity, people) | hold(FaceImage, matches)


def _store_face(
    probe: Probe, number: int, face: AnalysedFace, found: _Found, kept: set[uuid.UUID]
) -> None:
    """Write one face of the answer. People and images that were not kept are left out."""
    detector = get_pipeline(probe.gallery.model_version).version.detector
    identity_id = found.identity_id if found.identity_id in kept else None
    matches = {match.face_id: match for match in (*found.similar, *found.candidates)}
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
            face_id=match.face_id,
            score=match.score,
            above_threshold=match.score >= threshold,
            similar=match in found.similar,
        )
        for match in matches.values()
        if match.face_id in kept
    )


def _record(probe: Probe, found: list[_Found], actor: Actor) -> None:
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
