"""From a track to its answer: the fused decision, the votes of its frames, the rows."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

import numpy as np

from recognition.models import (
    Decision,
    FaceImage,
    Gallery,
    Identity,
    Track,
    TrackFrame,
    TrackMatch,
    Video,
)
from recognition.selectors.score_kinds import Scoring
from recognition.selectors.thresholds import ThresholdInfo
from recognition.services.asking import Options
from recognition.services.faces import face_fields
from recognition.services.holding import hold
from recognition.services.identification import Found, search_face
from recognition.services.photos import store_photo
from recognition.vision.types import AnalysedFace, Floats, QualityLimits
from recognition.vision.video import tracking
from recognition.vision.video.frames import Best, choose

SIMILAR_KEPT = 24
DISAGREE = "frames_disagree"


@dataclass(frozen=True, slots=True)
class Asked:
    """How the tracks of a video are looked up."""

    video: Video
    gallery: Gallery
    threshold: ThresholdInfo
    scoring: Scoring
    options: Options
    detector: str

    @property
    def limits(self) -> QualityLimits:
        """Limits of quality below which a face is not named."""
        return self.options.limits()


@dataclass(frozen=True, slots=True)
class TrackAnswer:
    """What a gallery says about a track: by its template, and by every kept frame alone."""

    track: tracking.Track
    fused: Found
    best: tuple[Best, ...]
    frames: tuple[Found, ...]

    @property
    def voters(self) -> int:
        """Kept frames that are good enough to name somebody."""
        return sum(found.decision != Decision.LOW_QUALITY for found in self.frames)

    @property
    def votes(self) -> int:
        """Kept frames that name the fused answer's person."""
        return sum(
            found.decision == Decision.IDENTIFIED and found.identity_id == self.fused.identity_id
            for found in self.frames
        )


def answer_track(asked: Asked, track: tracking.Track) -> TrackAnswer:
    """Look a track up: its quality-weighted template decides, the frames may object.

    A track is named where its template reaches the threshold, unless more of its frames name
    somebody else than name this person. Where all frames miss the limits of quality, it is too
    poor to tell.
    """
    templates = track.templates()
    best = tuple(choose(track.held, templates[0]))
    frames = tuple(_look_up(asked, _face_of(one)) for one in best)
    shown = next(
        (one for one in best if not one.candidate.face.quality.reasons(asked.limits)), best[0]
    )
    face = _face_of(shown)
    fused = _look_up(asked, replace(face, embedding=templates[0], more=templates[1:]))
    answer = TrackAnswer(track, fused, best, frames)
    others = sum(
        found.decision == Decision.IDENTIFIED and found.identity_id != fused.identity_id
        for found in frames
    )
    if fused.decision == Decision.IDENTIFIED and others > answer.votes:
        answer = replace(answer, fused=replace(fused, decision=Decision.UNKNOWN, reason=DISAGREE))
    return answer


def store_track(asked: Asked, answer: TrackAnswer) -> Track:
    """Write a track with its frames and matches. Call it in a transaction of the job."""
    track, fused, video = answer.track, answer.fused, asked.video
    kept = _keep(answer)
    named = fused.identity_id if fused.identity_id in kept else None
    lost = fused.decision == Decision.IDENTIFIED and named is None
    row = Track.objects.create(
        video=video,
        number=track.number,
        first=track.first,
        last=track.last,
        sightings=len(track.path),
        path=_relative(track, video).tobytes(),
        template=track.template.tobytes(),
        decision=Decision.UNKNOWN if lost else fused.decision,
        reason=fused.reason,
        identity_id=named,
        score=fused.score,
        votes=answer.votes,
        voters=answer.voters,
    )
    _store_matches(row, answer, kept, asked.threshold.value)
    for number, (best, found) in enumerate(zip(answer.best, answer.frames, strict=True), start=1):
        _store_frame(row, number, best, found, asked, kept)
    return row


def _look_up(asked: Asked, face: AnalysedFace) -> Found:
    return search_face(asked.gallery, face, asked.threshold, asked.scoring, asked.options)


def _face_of(best: Best) -> AnalysedFace:
    one = best.candidate
    return AnalysedFace(one.face, one.embeddings[0], one.embeddings[1:])


def _keep(answer: TrackAnswer) -> set[UUID]:
    """Keep the people and images of an answer until the commit; return who is still there."""
    found = (answer.fused, *answer.frames)
    people = {one.identity_id for one in found if one.identity_id is not None}
    fused = answer.fused
    images = {match.face_id for match in fused.similar[:SIMILAR_KEPT]}
    images |= {best.face_id for best in fused.candidates}
    return hold(Identity, people) | hold(FaceImage, images)


def _relative(track: tracking.Track, video: Video) -> Floats:
    """Times and boxes as shares of the frame's sides: float32 (n, 5)."""
    width, height = video.info["width"], video.info["height"]
    rows = np.asarray(track.path, np.float32).reshape(-1, 5)
    rows[:, 1:] /= np.asarray([width, height, width, height], np.float32)
    return rows


def _store_matches(row: Track, answer: TrackAnswer, kept: set[UUID], threshold: float) -> None:
    similar = {match.face_id: match.score for match in answer.fused.similar[:SIMILAR_KEPT]}
    images = {best.face_id: best.image_score for best in answer.fused.candidates} | similar
    TrackMatch.objects.bulk_create(
        TrackMatch(
            track=row,
            face_id=face_id,
            score=score,
            above_threshold=score >= threshold,
            similar=face_id in similar,
        )
        for face_id, score in images.items()
        if face_id in kept
    )


@dataclass(frozen=True, slots=True)
class _Picture:
    sha256: str
    size: int
    media_type: str
    width: int
    height: int


def _store_frame(
    row: Track, number: int, best: Best, found: Found, asked: Asked, kept: set[UUID]
) -> None:
    one, photo = best.candidate, None
    if asked.gallery.probe_days:
        facts = _Picture(
            hashlib.sha256(one.picture).hexdigest(),
            len(one.picture),
            "image/jpeg",
            one.width,
            one.height,
        )
        photo = store_photo(
            organization_id=asked.gallery.organization_id, data=one.picture, analysed=facts, path=""
        )
    TrackFrame.objects.create(
        track=row,
        number=number,
        time=one.time,
        photo=photo,
        worth=best.worth,
        factors={name: round(value, 4) for name, value in best.factors.items()},
        decision=found.decision,
        identity_id=found.identity_id if found.identity_id in kept else None,
        score=found.score,
        **face_fields(AnalysedFace(one.face, None), asked.detector),
    )


def people_of(tracks: Sequence[Track]) -> dict[int, list[Track]]:
    """Return the tracks of every person of a video; one that is not linked yet stands alone."""
    found: dict[int, list[Track]] = {}
    for track in tracks:
        key = track.person if track.person is not None else -track.number
        found.setdefault(key, []).append(track)
    return found
