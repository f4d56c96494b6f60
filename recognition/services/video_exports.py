"""A video's answer as JSON, CSV and WebVTT chapters."""

from collections.abc import Iterator
from typing import Any

from recognition.models import Decision, Track, TrackFrame, Video
from recognition.selectors.answers import csv_line
from recognition.selectors.thresholds import ThresholdInfo, stranger_sentence
from recognition.selectors.videos import PersonSeen, people_seen, similar_of

SIMILAR = 10
_COLUMNS = [
    "person", "name", "decision", "score", "threshold", "from_seconds", "to_seconds",
    "best_frame_seconds", "tracks",
]  # fmt: skip


def video_record(video: Video) -> dict[str, Any]:
    """Return the answer as JSON-ready data: people with intervals, tracks, frames and votes."""
    return {
        "name": video.name,
        "gallery": video.gallery.name,
        "seconds": video.seconds,
        "width": video.info.get("width"),
        "height": video.info.get("height"),
        "looked_at_per_second": video.rate,
        "complete": video.looked_through,
        "partial": video.partial,
        "threshold": {
            "value": round(video.threshold.get("value", 0.0), 3),
            "text": video.threshold.get("text", ""),
        },
        "people": [_person(video, person) for person in people_seen(video)],
    }


def video_csv(video: Video) -> Iterator[str]:
    """Yield one CSV line per person and interval."""
    yield csv_line(_COLUMNS)
    threshold = f"{video.threshold.get('value', 0.0):.3f}"
    for person in people_seen(video):
        for start, end in person.intervals:
            yield csv_line(
                [
                    str(person.number),
                    person.identity.name if person.identity else "",
                    person.decision,
                    "" if person.score is None else f"{person.score:.3f}",
                    threshold,
                    f"{start:.3f}",
                    f"{end:.3f}",
                    f"{person.best.time:.3f}" if person.best else "",
                    " ".join(str(track.number) for track in person.tracks),
                ]
            )


def video_vtt(video: Video) -> Iterator[str]:
    """Yield the intervals as WebVTT, one cue each, in order of time."""
    yield "WEBVTT\n"
    cues = [
        (start, max(end, start + 0.1), person.label)
        for person in people_seen(video)
        for start, end in person.intervals
    ]
    for number, (start, end, label) in enumerate(sorted(cues), start=1):
        yield f"\n{number}\n{_stamp(start)} --> {_stamp(end)}\n{_plain(label)}\n"


def stranger_rate(video: Video, score: float | None) -> str:
    """Say how rarely a stranger reaches a score, by the evidence behind the threshold."""
    if score is None or not video.threshold:
        return ""
    return stranger_sentence(video.gallery, score, ThresholdInfo(**video.threshold))


def _stamp(seconds: float) -> str:
    thousandths = round(seconds * 1000)
    minutes, rest = divmod(thousandths, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{rest // 1000:02}.{rest % 1000:03}"


def _plain(label: str) -> str:
    """A cue's text may hold no markup and no arrow."""
    return label.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _person(video: Video, person: PersonSeen) -> dict[str, Any]:
    return {
        "number": person.number,
        "label": person.label,
        "decision": person.decision,
        "identity": person.identity.name if person.identity else None,
        "identity_id": str(person.identity.pk) if person.identity else None,
        "score": None if person.score is None else round(person.score, 3),
        "stranger_rate": stranger_rate(video, person.score),
        "intervals": [list(span) for span in person.intervals],
        "best_frame": _frame(person.best) if person.best else None,
        "tracks": [_track(track) for track in person.tracks],
        "similar": [
            {
                "path": match.face.path,
                "identity": match.face.identity.name if match.face.identity else None,
                "score": round(match.score, 3),
                "above_threshold": match.above_threshold,
            }
            for match in similar_of(person.track, limit=SIMILAR)
        ],
    }


def _track(track: Track) -> dict[str, Any]:
    return {
        "number": track.number,
        "first": round(track.first, 3),
        "last": round(track.last, 3),
        "sightings": track.sightings,
        "decision": track.decision,
        "reason": track.reason,
        "score": None if track.score is None else round(track.score, 3),
        "votes": track.votes,
        "voters": track.voters,
        "frames": [_frame(frame) for frame in track.frames.all()],
    }


def _frame(frame: TrackFrame) -> dict[str, Any]:
    return {
        "seconds": round(frame.time, 3),
        "worth": round(frame.worth, 3),
        "factors": frame.factors,
        "decision": frame.decision,
        "score": None if frame.score is None else round(frame.score, 3),
        "named": frame.decision == Decision.IDENTIFIED,
    }
