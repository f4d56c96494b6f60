"""What is known of videos: lists, and the people of one video with their times and best frames."""

from dataclasses import dataclass
from uuid import UUID

import numpy as np
from django.db.models import Count, Prefetch, Q, QuerySet

from faceplatform.core.models.scoped import Asks
from recognition.models import Decision, Gallery, Identity, Track, TrackFrame, TrackMatch, Video

TOGETHER = 1.0
"""Seconds between two sightings up to which somebody is said to be there all the time."""
FRAMES = 5
_ORDER = {Decision.IDENTIFIED: 0, Decision.UNKNOWN: 1, Decision.LOW_QUALITY: 2}


@dataclass(frozen=True, slots=True)
class PersonSeen:
    """One person of a video: the tracks that show them, and when.

    `number` is the person's in this video, counted from 1; `label` the name, or what stands for it.
    `frames` are the best of all tracks, best first. `score` is the highest of the named tracks, or
    the nearest enrolled person's where nobody is named.
    """

    number: int
    label: str
    decision: str
    identity: Identity | None
    score: float | None
    intervals: tuple[tuple[float, float], ...]
    tracks: tuple[Track, ...]
    frames: tuple[TrackFrame, ...]

    @property
    def best(self) -> TrackFrame | None:
        """The best frame of all."""
        return self.frames[0] if self.frames else None

    @property
    def seconds(self) -> float:
        """How long the person is in view."""
        return sum(end - start for start, end in self.intervals)

    @property
    def track(self) -> Track:
        """The track whose answer stands for the person."""
        return max(
            self.tracks,
            key=lambda track: (-_ORDER[Decision(track.decision)], track.score or -1.0),
        )


def videos_of(principal: Asks, *, gallery: Gallery | None = None) -> "QuerySet[Video]":
    """Return videos, newest first, with `identified`, the number of people that were named."""
    named = Q(tracks__decision=Decision.IDENTIFIED)
    found = Video.objects.visible_to(principal).defer("checkpoint")
    if gallery is not None:
        found = found.filter(gallery=gallery)
    return (
        found.select_related("gallery", "job")
        .annotate(
            identified=Count("tracks__identity", filter=named, distinct=True),
            track_count=Count("tracks", distinct=True),
        )
        .order_by("-pk")
    )


def people_seen(video: Video) -> list[PersonSeen]:
    """Return the people of a video: named ones first, each in order of appearance."""
    frames = Prefetch("frames", TrackFrame.objects.order_by("number"))
    tracks = video.tracks.select_related("identity").prefetch_related(frames).defer("path")
    groups: dict[int, list[Track]] = {}
    for track in tracks.order_by("first", "number"):
        key = track.person if track.person is not None else -track.number
        groups.setdefault(key, []).append(track)
    ordered = sorted(groups.values(), key=lambda group: (_rank(group), group[0].first))
    people, strangers = [], 0
    for number, group in enumerate(ordered, start=1):
        unknown = _rank(group) == _ORDER[Decision.UNKNOWN]
        strangers += unknown
        people.append(_person(number, group, f"Stranger {strangers}" if unknown else ""))
    return people


def path_of(track: Track) -> list[list[float]]:
    """Return times and boxes of a track: [seconds, x1, y1, x2, y2], the box as shares 0..1."""
    rows = np.frombuffer(bytes(track.path), np.float32).reshape(-1, 5)
    return [[round(float(value), 4) for value in row] for row in rows]


def similar_of(track: Track, *, limit: int) -> "QuerySet[TrackMatch]":
    """Return the stored images that resemble a track most, best first."""
    rows = track.matches.select_related("face__identity", "face__photo")
    return rows.order_by("-score", "pk")[:limit]


def frame_of(pk: UUID, principal: Asks) -> TrackFrame | None:
    """Return a kept frame with its photo, if it is one of the principal's."""
    rows = TrackFrame.objects.select_related(
        "photo", "track__video__gallery", "track__video__model_version"
    )
    return rows.filter(pk=pk, track__video__in=Video.objects.visible_to(principal)).first()


def _rank(group: list[Track]) -> int:
    return min(_ORDER[Decision(track.decision)] for track in group)


def _person(number: int, group: list[Track], stranger: str) -> PersonSeen:
    lead = min(group, key=lambda track: (_ORDER[Decision(track.decision)], -(track.score or -1.0)))
    identity = lead.identity if lead.decision == Decision.IDENTIFIED else None
    label = identity.name if identity else stranger or "Too poor to tell"
    if lead.decision == Decision.IDENTIFIED and identity is None:
        label = "A person who was deleted"
    frames = sorted(
        (frame for track in group for frame in track.frames.all()),
        key=lambda frame: (-frame.worth, frame.time),
    )
    return PersonSeen(
        number=number,
        label=label,
        decision=lead.decision,
        identity=identity,
        score=lead.score,
        intervals=merged([(track.first, track.last) for track in group]),
        tracks=tuple(group),
        frames=tuple(frames[:FRAMES]),
    )


def merged(spans: list[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    """Join spans of seconds that overlap or lie close together."""
    found: list[tuple[float, float]] = []
    for start, end in sorted(spans):
        if found and start - found[-1][1] <= TOGETHER:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return tuple((round(start, 3), round(end, 3)) for start, end in found)
