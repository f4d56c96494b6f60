"""How the answer for one face came about: every number behind it, from what the probe keeps."""

from dataclasses import asdict, dataclass
from typing import Any

from recognition.models import ModelVersion, Probe, ProbeFace
from recognition.selectors.answers import CandidateInfo, FaceAnswer, face_answer
from recognition.selectors.score_kinds import networks_of
from recognition.selectors.thresholds import ThresholdInfo
from recognition.vision.quality import shares
from recognition.vision.registry import Preprocessing, get
from recognition.vision.types import QualityLimits

STEPS = ("decode", "detect", "embed", "search")
_CODES = {
    "detection": ("uncertain_detection",),
    "eye_distance": ("too_small",),
    "sharpness": ("blurred",),
    "brightness": ("too_dark", "too_bright"),
    "contrast": ("low_contrast",),
    "yaw": ("turned_away",),
    "roll": (),
}


@dataclass(frozen=True, slots=True)
class QualityPart:
    """One measured part of a face's quality.

    `low` and `high` are the limits of this call, None where there is none; `share` is the factor
    0..1 that the part gives to the overall score, None where it gives none.
    """

    name: str
    value: float
    low: float | None
    high: float | None
    share: float | None
    missed: bool


@dataclass(frozen=True, slots=True)
class Network:
    """One of the networks that looked at the face, and what it was given."""

    version: ModelVersion
    preprocessing: Preprocessing


@dataclass(frozen=True, slots=True)
class Component:
    """The score that one network gave a candidate, -1..1."""

    model: str
    score: float


@dataclass(frozen=True, slots=True)
class ScoredCandidate:
    """One of the nearest people; `margin` is their score minus the threshold."""

    candidate: CandidateInfo
    components: tuple[Component, ...]
    margin: float


@dataclass(frozen=True, slots=True)
class Step:
    """A part of the work and its milliseconds, for the whole photo."""

    name: str
    milliseconds: float


@dataclass(frozen=True, slots=True)
class FaceDecision:
    """Everything that led to the answer for one face."""

    probe: Probe
    face: FaceAnswer
    faces: int
    detector: str
    version: ModelVersion
    preprocessing: Preprocessing
    networks: tuple[Network, ...]
    engine: str
    parts: tuple[QualityPart, ...]
    quality_limit: float
    candidates: tuple[ScoredCandidate, ...]
    threshold: ThresholdInfo
    steps: tuple[Step, ...]
    milliseconds: float


def decision_of(row: ProbeFace) -> FaceDecision:
    """Return how the answer for a face was made; `row.probe` comes with gallery and version."""
    probe = row.probe
    face = face_answer(probe, row, similar_limit=0)
    threshold = ThresholdInfo(**probe.threshold)
    limits = QualityLimits(**probe.settings.get("limits", {}))
    engine = " ".join(filter(None, (probe.settings.get(k, "") for k in ("engine", "precision"))))
    networks = tuple(
        Network(version, get(version.backbone).preprocessing) for version in networks_of(probe)
    )
    return FaceDecision(
        probe=probe,
        face=face,
        faces=probe.faces.count(),
        detector=row.detector,
        version=probe.model_version,
        preprocessing=get(probe.model_version.backbone).preprocessing,
        networks=networks,
        engine=engine,
        parts=_parts(row, limits),
        quality_limit=limits.score,
        candidates=tuple(
            ScoredCandidate(
                candidate=candidate,
                components=_components(networks, candidate),
                margin=candidate.score - threshold.value,
            )
            for candidate in face.candidates
        ),
        threshold=threshold,
        steps=_steps(probe.timings),
        milliseconds=sum(probe.timings.values()),
    )


def _components(networks: tuple[Network, ...], candidate: CandidateInfo) -> tuple[Component, ...]:
    """Return the score of the best image under each network; of one alone, the answer's."""
    scores = candidate.components or (candidate.score,)
    names = (network.version.name for network in networks)
    return tuple(Component(name, score) for name, score in zip(names, scores, strict=False))


def _parts(row: ProbeFace, limits: QualityLimits) -> tuple[QualityPart, ...]:
    values: dict[str, float] = row.quality_parts
    missed = set(row.reason.split(","))
    factors = shares(values) if values.keys() >= _CODES.keys() else {}
    bounds: dict[str, Any] = asdict(limits)
    ranges: dict[str, tuple[float | None, float | None]] = {
        name: (bounds.get(name), None) for name in values
    }
    ranges["brightness"] = (limits.brightness_low, limits.brightness_high)
    ranges["yaw"] = (-limits.yaw, limits.yaw)
    return tuple(
        QualityPart(
            name=name,
            value=values[name],
            low=ranges[name][0],
            high=ranges[name][1],
            share=factors.get(name),
            missed=not missed.isdisjoint(codes),
        )
        for name, codes in _CODES.items()
        if name in values
    )


def _steps(timings: dict[str, float]) -> tuple[Step, ...]:
    known = [name for name in STEPS if name in timings]
    others = [name for name in timings if name not in STEPS]
    return tuple(Step(name, timings[name]) for name in (*known, *others))
