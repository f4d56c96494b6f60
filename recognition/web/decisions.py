"""How the answer for one face was decided, step by step."""

from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from faceplatform.accounts.policy import Action
from faceplatform.accounts.principal import Principal
from recognition.models import ProbeFace
from recognition.selectors.decisions import (
    Component,
    FaceDecision,
    QualityPart,
    ScoredCandidate,
    decision_of,
)
from recognition.selectors.score_shapes import score_shapes
from recognition.selectors.verification_thresholds import RULE_WORDS
from recognition.services.enrollment import explain
from recognition.services.pictures import INPUTS, picture_url
from recognition.web.cards import inside
from recognition.web.marks import FaceMark
from recognition.web.probes import FaceOfProbe

_PARTS = {
    "detection": ("The detector is certain", "", 3),
    "eye_distance": ("Pixels between the eyes", " px", 0),
    "sharpness": ("Sharpness", "", 3),
    "brightness": ("Brightness", "", 2),
    "contrast": ("Contrast", "", 2),
    "yaw": ("Turned sideways", "°", 0),
    "roll": ("Tilted", "°", 0),
}
_STEPS = {
    "decode": "Decode the photo",
    "detect": "Find faces and their points",
    "embed": "Embed the faces",
    "search": "Search the gallery",
}
_POINTS = ("Eye on the left", "Eye on the right", "Nose", "Mouth, left", "Mouth, right")


@dataclass(frozen=True, slots=True)
class PartRow:
    """A part of the quality in words. `share` is 0..1 or None."""

    name: str
    value: str
    limit: str
    share: float | None
    missed: bool


@dataclass(frozen=True, slots=True)
class CandidateRow:
    """A candidate with what its network saw."""

    name: str
    href: str
    src: str
    input_src: str
    score: float
    margin: float
    above: bool
    components: tuple[Component, ...]


@dataclass(frozen=True, slots=True)
class StepRow:
    """A step with its share of all milliseconds, 0..1."""

    name: str
    milliseconds: float
    share: float


class ProbeDecisionView(FaceOfProbe):
    """How one face was decided."""

    actions: ClassVar[dict[str, Action]] = {"GET": Action.PROBE_VIEW}

    def get(self, request: HttpRequest, pk: UUID, number: int) -> HttpResponse:
        row = self.face(pk, number)
        return render(request, "recognition/decision.html", self._context(row))

    def _context(self, row: ProbeFace) -> dict[str, Any]:
        made = decision_of(row)
        probe, face = made.probe, made.face
        kept = probe.photo_id is not None
        screen = ""
        if kept:
            screen = picture_url(principal=self.principal, kind="screen", photo_id=probe.photo_id)
        box = inside(face.box, probe.width, probe.height)
        mark = FaceMark(face.number, face.decision, face.sentence, box, face.landmarks)
        return {
            "made": made,
            "probe": probe,
            "gallery": probe.gallery,
            "face": face,
            "screen": screen,
            "networks": [
                (
                    network,
                    picture_url(principal=self.principal, kind=kind, probe_face_id=row.pk)
                    if kept
                    else "",
                )
                for network, kind in zip(made.networks, INPUTS, strict=False)
            ],
            "cards": [mark],
            "points": list(zip(_POINTS, face.landmarks, strict=True)),
            "reasons": explain(tuple(face.reason.split(","))) if face.reason else "",
            "parts": [_part_row(part) for part in made.parts],
            "rows": [_candidate_row(self.principal, one) for one in made.candidates],
            "steps": _step_rows(made),
            "shapes": score_shapes(probe.gallery),
            "others": _others(made),
            "rule": RULE_WORDS.get(probe.settings.get("rule", ""), ""),
        }


def _part_row(part: QualityPart) -> PartRow:
    name, unit, places = _PARTS[part.name]
    return PartRow(
        name=name,
        value=_number(part.value, places, unit),
        limit=_limit(part, places, unit),
        share=part.share,
        missed=part.missed,
    )


def _limit(part: QualityPart, places: int, unit: str) -> str:
    """Say between which values a part has to lie."""
    if part.low is None and part.high is None:
        return "no limit"
    if part.high is None:
        return f"at least {_number(part.low or 0.0, places, unit)}"
    return f"{_number(part.low or 0.0, places, unit)} to {_number(part.high, places, unit)}"


def _number(value: float, places: int, unit: str) -> str:
    return f"{value:.{places}f}{unit}".replace("-", "−")


def _candidate_row(principal: Principal, one: ScoredCandidate) -> CandidateRow:
    best = one.candidate.best_face
    return CandidateRow(
        name=one.candidate.identity.name,
        href=reverse("identity", args=[one.candidate.identity.pk]),
        src=picture_url(principal=principal, kind="crop", face_id=best.pk),
        input_src=picture_url(principal=principal, kind="input", face_id=best.pk),
        score=one.candidate.score,
        margin=one.margin,
        above=one.candidate.above_threshold,
        components=one.components,
    )


def _step_rows(made: FaceDecision) -> list[StepRow]:
    total = made.milliseconds or 1.0
    return [
        StepRow(_STEPS.get(step.name, step.name), step.milliseconds, step.milliseconds / total)
        for step in made.steps
    ]


def _others(made: FaceDecision) -> list[tuple[int, str]]:
    """Return number and address of the decisions about all faces of the photo."""
    if made.faces < 2:
        return []
    return [
        (number, reverse("probe_decision", args=[made.probe.pk, number]))
        for number in range(1, made.faces + 1)
    ]
