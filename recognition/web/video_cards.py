"""What the page of a video shows of its people."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from faceplatform.accounts.policy import Action, allows
from faceplatform.accounts.principal import Principal
from recognition.models import Decision, TrackFrame, Video
from recognition.selectors.answers import SimilarImage
from recognition.selectors.videos import PersonSeen, similar_of
from recognition.services.enrollment import explain
from recognition.services.pictures import picture_url
from recognition.services.video_exports import stranger_rate
from recognition.web.cards import SimilarTile, similar_tiles

SIMILAR = 8
_WIDTH = 1000
_LEAST_WIDTH = 4.0
_WORDS = {
    "size": "size",
    "sharpness": "sharpness",
    "pose": "pose",
    "exposure": "exposure",
    "detection": "detection",
    "stability": "likeness to itself",
}


@dataclass(frozen=True, slots=True)
class FrameTile:
    """A kept frame: its picture, its time, and what made it good or less good."""

    src: str
    screen: str
    time: float
    stamp: str
    worth: float
    reasons: str
    decision: str
    score: float | None


@dataclass(frozen=True, slots=True)
class PersonCard:
    """One person of a video as its card shows them."""

    number: int
    label: str
    href: str
    decision: str
    score: float | None
    stranger_rate: str
    reasons: str
    votes: int
    voters: int
    seconds: float
    spans: tuple[tuple[float, str], ...]
    best: FrameTile | None
    others: tuple[FrameTile, ...]
    similar: tuple[SimilarTile, ...]
    enroll_url: str
    tracks: int


@dataclass(frozen=True, slots=True)
class Bar:
    """One interval in a lane: x and width of 1000, and where a click leads, in seconds."""

    x: float
    width: float
    start: float
    title: str


@dataclass(frozen=True, slots=True)
class Lane:
    """One person's line in the timeline."""

    number: int
    label: str
    decision: str
    bars: tuple[Bar, ...]


def lanes(people: Sequence[PersonSeen], seconds: float) -> list[Lane]:
    """Return the timeline: one lane per person."""
    return [
        Lane(
            number=person.number,
            label=person.label,
            decision=person.decision,
            bars=tuple(_bar(person, start, end, seconds) for start, end in person.intervals),
        )
        for person in people
    ]


def person_cards(
    principal: Principal, video: Video, people: Sequence[PersonSeen]
) -> list[PersonCard]:
    """Return one card per person."""
    may_enroll = allows(principal, Action.IDENTITY_ENROLL)
    return [_card(principal, video, person, may_enroll=may_enroll) for person in people]


def stamp(seconds: float) -> str:
    """Write a time of a video as 1:02.3."""
    minutes, rest = divmod(round(seconds * 10), 600)
    return f"{minutes}:{rest // 10:02}.{rest % 10}"


def _bar(person: PersonSeen, start: float, end: float, seconds: float) -> Bar:
    scale = _WIDTH / max(seconds, end, 0.1)
    width = max(_LEAST_WIDTH, (end - start) * scale)
    return Bar(
        x=round(min(start * scale, _WIDTH - width), 1),
        width=round(width, 1),
        start=start,
        title=f"{person.label}, {stamp(start)} to {stamp(end)}",
    )


def _card(
    principal: Principal, video: Video, person: PersonSeen, *, may_enroll: bool
) -> PersonCard:
    track = person.track
    tiles = tuple(_tile(principal, frame) for frame in person.frames)
    enroll_url = ""
    if may_enroll and person.decision == Decision.UNKNOWN and person.best is not None:
        best, owner = person.best, {one.pk: one.number for one in person.tracks}
        if best.photo_id is not None:
            where = [video.pk, owner[best.track_id], best.number]
            enroll_url = reverse("video_enroll", args=where)
    return PersonCard(
        number=person.number,
        label=person.label,
        href=reverse("identity", args=[person.identity.pk]) if person.identity else "",
        decision=person.decision,
        score=person.score,
        stranger_rate=stranger_rate(video, person.score),
        reasons=explain(tuple(track.reason.split(","))) if track.reason else "",
        votes=track.votes,
        voters=track.voters,
        seconds=person.seconds,
        spans=tuple((start, f"{stamp(start)}–{stamp(end)}") for start, end in person.intervals),
        best=tiles[0] if tiles else None,
        others=tiles[1:],
        similar=_similar(principal, person),
        enroll_url=enroll_url,
        tracks=len(person.tracks),
    )


def _tile(principal: Principal, frame: TrackFrame) -> FrameTile:
    src = screen = ""
    if frame.photo_id is not None:
        src = picture_url(principal=principal, kind="crop", track_frame_id=frame.pk)
        screen = picture_url(principal=principal, kind="screen", track_frame_id=frame.pk)
    return FrameTile(
        src=src,
        screen=screen,
        time=frame.time,
        stamp=stamp(frame.time),
        worth=frame.worth,
        reasons=_reasons(frame.factors),
        decision=frame.decision,
        score=frame.score,
    )


def _reasons(factors: dict[str, Any]) -> str:
    """Name what is good about a frame and what is not, by its factors."""
    ordered = sorted(factors.items(), key=lambda item: -float(item[1]))
    return ", ".join(f"{_WORDS.get(name, name)} {float(value):.2f}" for name, value in ordered)


def _similar(principal: Principal, person: PersonSeen) -> tuple[SimilarTile, ...]:
    if person.decision == Decision.LOW_QUALITY:
        return ()
    return similar_tiles(
        principal,
        [
            SimilarImage(
                face=match.face,
                path=match.face.path,
                identity=match.face.identity,
                score=match.score,
                above_threshold=match.above_threshold,
            )
            for match in similar_of(person.track, limit=SIMILAR)
        ],
    )
