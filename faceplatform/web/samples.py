"""Made-up people, scores and jobs for the living page of components; pictures drawn by us."""

import datetime as dt
import math
import re
import uuid
from pathlib import Path
from typing import Any

from django.conf import settings
from django.templatetags.static import static
from django.utils import timezone

from faceplatform.core.errors import DomainError, FieldError
from faceplatform.core.models import Job, JobLogLine, JobState
from faceplatform.web.review_samples import review_samples
from recognition.selectors.probes import SimilarIdentity
from recognition.selectors.score_shapes import HIGH, LOW, POINTS, ScoreShapes
from recognition.web.cards import (
    CandidateRow,
    FaceCard,
    GalleryTile,
    IdentityTile,
    ImageTile,
    ProbeRow,
    SimilarTile,
)
from recognition.web.forms import GalleryForm
from recognition.web.video_cards import FrameTile, PersonCard

THRESHOLD = 0.53
LONG_NAME = "Wolfeschlegelsteinhausenbergerdorff-Montgomery, Maria Immaculata Theodora"
LONG_PATH = "archive/2019/spring/ceremony/second camera/raw export/IMG_20190412_173255_0001 (2).jpg"
CHIPS = [
    ["identified", "unknown", "low_quality", "failed"],
    ["enrolled", "quarantined", "unnamed", "rejected", "skipped", "refused"],
    ["queued", "running", "cancelling", "succeeded", "cancelled"],
    ["active", "expired", "revoked", "closed"],
]
COLOURS = [
    ["bg", "surface", "inset", "hover", "line", "line-strong", "ink", "ink-soft", "ink-faint"],
    ["accent", "accent-strong", "accent-soft", "good", "good-soft", "none", "none-soft"],
    ["warn", "warn-soft", "bad", "bad-soft", "box-good", "box-none", "box-warn"],
]


def samples() -> dict[str, Any]:
    """Return what the page shows."""
    form = GalleryForm({"name": "", "probe_days": "-1"})
    form.refuse(DomainError("gallery_exists", "There is a gallery of that name already."))
    refusal = DomainError(
        "multiple_faces",
        "There are 2 faces in this photo; say which one is meant.",
        status=422,
        errors=(FieldError("face 1", "face", "box 10, 10, 90, 120"),),
    )
    return {
        "chips": CHIPS,
        "colours": COLOURS,
        "icons": _icons(),
        "threshold": THRESHOLD,
        "shapes": _shapes(),
        "cards": [_identified(), _unknown(), _low_quality(), _long_name()],
        "galleries": _galleries(),
        "people": [_person(name) for name in ("Ada Lovelace", LONG_NAME, "林美玲", "X")],
        "images": _images(),
        "similar": _similar("Ada Lovelace", 6),
        "seen": [_seen()],
        "rows": _rows(),
        "jobs": _jobs(),
        "log": _log(),
        **review_samples([_sample(number) for number in range(4)]),
        "form": form,
        "refusal": refusal,
        "photo": static("img/sample-photo.svg"),
    }


def _icons() -> list[str]:
    """Return the names of all icons of the sprite."""
    sprite = Path(settings.BASE_DIR) / "templates" / "components" / "sprite.html"
    return re.findall(r'id="i-([\w-]+)"', sprite.read_text(encoding="utf-8"))


def _sample(number: int) -> str:
    return static(f"img/sample-{number % 3 + 1}.svg")


def _shapes() -> ScoreShapes:
    """Two bell curves in place of a calibration."""
    step = (HIGH - LOW) / POINTS
    scores = [LOW + (index + 0.5) * step for index in range(POINTS)]

    def bell(middle: float, width: float) -> tuple[float, ...]:
        return tuple(math.exp(-(((score - middle) / width) ** 2) / 2) for score in scores)

    return ScoreShapes(
        low=LOW,
        high=HIGH,
        mated=bell(0.66, 0.13),
        nonmated=bell(0.02, 0.12),
        people=2345,
        images=5532,
        protocol="made up for this page",
    )


def _card(**changes: Any) -> FaceCard:
    values: dict[str, Any] = {
        "number": 1,
        "decision": "identified",
        "name": "Ada Lovelace",
        "href": "#",
        "score": 0.742,
        "src": _sample(0),
        "stored_src": _sample(1),
        "stored_caption": "Best stored image",
        "sentence": "This is Ada Lovelace.",
        "stranger_rate": "about 1 in 12,000 strangers score this high",
        "reasons": "",
        "quality": 0.91,
        "box": (96.0, 84.0, 118.0, 150.0),
        "points": ((130.0, 142.0), (180.0, 142.0), (155.0, 170.0), (135.0, 196.0), (176.0, 196.0)),
        "candidates": _candidates(),
        "similar": _similar("Ada Lovelace", 5),
        "similar_total": 41,
        "similar_below": False,
        "similar_people": (
            SimilarIdentity(uuid.uuid4(), "Ada Lovelace", 38),
            SimilarIdentity(uuid.uuid4(), "Mary Somerville", 3),
        ),
        "more_url": "#",
        "csv_url": "#",
        "enroll_url": "",
    }
    return FaceCard(**values | changes)


def _identified() -> FaceCard:
    return _card()


def _unknown() -> FaceCard:
    return _card(
        number=2,
        decision="unknown",
        name="",
        score=0.391,
        src=_sample(2),
        stored_caption="Nearest, not a match",
        sentence="Not in the database.",
        stranger_rate="about 1 in 9 strangers score this high",
        box=(300.0, 70.0, 104.0, 138.0),
        points=(),
        similar=_similar("Mary Somerville", 4, score=0.39, above=False),
        similar_total=10,
        similar_below=True,
        enroll_url="#",
    )


def _low_quality() -> FaceCard:
    return _card(
        number=3,
        decision="low_quality",
        name="",
        score=None,
        stored_src="",
        sentence="The face is too poor to tell.",
        stranger_rate="",
        reasons="the face is blurred, the face is too small",
        box=(470.0, 150.0, 46.0, 60.0),
        points=(),
        candidates=(),
        similar=(),
        similar_total=0,
    )


def _long_name() -> FaceCard:
    return _card(number=4, name=LONG_NAME, box=(540.0, 60.0, 80.0, 100.0), points=(), similar=())


def _candidates() -> tuple[CandidateRow, ...]:
    people = [("Mary Somerville", 0.55, True), (LONG_NAME, 0.31, False)]
    return tuple(
        CandidateRow(uuid.uuid4(), name, "#", _sample(index), score, above)
        for index, (name, score, above) in enumerate(people)
    )


def _similar(
    name: str, count: int, *, score: float = 0.8, above: bool = True
) -> tuple[SimilarTile, ...]:
    return tuple(
        SimilarTile(
            src=_sample(index),
            screen=static("img/sample-photo.svg"),
            path=LONG_PATH if index == 1 else f"{name}/{index:04}.jpg",
            name=name,
            href="#",
            score=score - index * 0.03,
            above=above,
            box=(96.0, 84.0, 118.0, 150.0),
            size=(640, 400),
        )
        for index in range(count)
    )


def _seen() -> PersonCard:
    """A person of a video."""
    frames = tuple(
        FrameTile(
            src=_sample(index),
            screen=static("img/sample-photo.svg"),
            time=4.2 + index,
            stamp=f"0:0{4 + index}",
            worth=0.9 - index * 0.1,
            reasons="large, sharp, nearly frontal",
            decision="identified",
            score=0.8 - index * 0.03,
        )
        for index in range(4)
    )
    return PersonCard(
        number=1,
        label="Ada Lovelace",
        href="#",
        decision="identified",
        score=0.81,
        stranger_rate="about 1 in 4,200 strangers score this high",
        reasons="",
        votes=5,
        voters=5,
        seconds=17.4,
        spans=((4.2, "0:04 to 0:12"), (31.0, "0:31 to 0:40")),
        best=frames[0],
        others=frames[1:],
        similar=_similar("Ada Lovelace", 3),
        enroll_url="",
        tracks=2,
    )


def _galleries() -> list[GalleryTile]:
    return [
        GalleryTile("Mathematicians", "#", _sample(0), 12, 148, 0, searchable=True),
        GalleryTile(LONG_NAME, "#", _sample(1), 5749, 13233, 214, searchable=True),
        GalleryTile("Closed collection", "#", _sample(2), 1, 1, 0, searchable=False),
        GalleryTile("Empty", "#", "", 0, 0, 0, searchable=True),
    ]


def _person(name: str) -> IdentityTile:
    return IdentityTile(name, "#", "" if name == "X" else _sample(len(name)), len(name))


def _images() -> list[ImageTile]:
    states = [("enrolled", ""), ("quarantined", "the face is turned away"), ("rejected", "blurred")]
    return [
        ImageTile(
            src=_sample(number),
            screen=static("img/sample-photo.svg"),
            path=LONG_PATH,
            quality=0.9 - number * 0.2,
            state=state,
            reason=reason,
            box=(96.0, 84.0, 118.0, 150.0),
            size=(640, 400),
            delete_url="#",
        )
        for number, (state, reason) in enumerate(states)
    ]


def _rows() -> list[ProbeRow]:
    now = timezone.now()
    return [
        ProbeRow("#", _sample(0), "gate.jpg", "Staff", now, 1, 1, 0, 0, ("Ada Lovelace",), ""),
        ProbeRow("#", "", LONG_PATH, "Staff", now, 6, 1, 4, 1, (LONG_NAME,), ""),
        ProbeRow("#", _sample(1), "sky.jpg", "Staff", now, 0, 0, 0, 0, (), ""),
    ]


def _jobs() -> list[Job]:
    now = timezone.now()
    base: dict[str, Any] = {"title": "Importing people.zip into Mathematicians", "total": 13233}
    start = {"started_at": now - dt.timedelta(minutes=4), "created_at": now}
    done = {**start, "finished_at": now, "done": 13233}
    return [
        Job(**base, state=JobState.QUEUED, created_at=now),
        Job(**base, **start, state=JobState.RUNNING, done=4711, note=LONG_PATH),
        Job(title="Reading a folder", **start, state=JobState.RUNNING, done=12),
        Job(**base, **start, state=JobState.RUNNING, done=4711, cancel_requested=True),
        Job(
            **base,
            **done,
            state=JobState.SUCCEEDED,
            result={"sentence": "13,101 images enrolled, 132 refused.", "url": "#"},
        ),
        Job(
            **base,
            **start,
            state=JobState.FAILED,
            done=300,
            error_code="archive_gone",
            error_detail="The uploaded archive is no longer there.",
        ),
        Job(**base, **start, state=JobState.CANCELLED, done=5000),
    ]


def _log() -> list[JobLogLine]:
    now = timezone.now()
    return [
        JobLogLine(at=now, message="Started by worker 1"),
        JobLogLine(at=now, level="error", message="Attempt 1 failed, trying again: OSError"),
    ]
