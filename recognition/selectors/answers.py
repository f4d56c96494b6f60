"""A stored probe as an answer: the one form that page, API and command line show."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from django.db.models import QuerySet
from django.db.models.functions import Coalesce

from recognition.models import Decision, FaceImage, Gallery, Identity, Probe, ProbeFace, ProbeMatch
from recognition.selectors.thresholds import ThresholdInfo, stranger_sentence

CANDIDATES = 5
"""People that an answer lists unless the call chose another number."""


@dataclass(frozen=True, slots=True)
class SimilarImage:
    """A stored image that resembles the probe's face."""

    face: FaceImage
    path: str
    identity: Identity | None
    score: float
    above_threshold: bool


@dataclass(frozen=True, slots=True)
class CandidateInfo:
    """One of the nearest people, with the image that is nearest.

    `components` are its cosines under each network, where several looked.
    """

    identity: Identity
    score: float
    above_threshold: bool
    best_face: FaceImage
    components: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class SimilarPage:
    """A part of the similar images, best first."""

    total: int
    images: tuple[SimilarImage, ...]


@dataclass(frozen=True, slots=True)
class FaceAnswer:
    """The answer for one face. For an unknown, `similar` are the nearest, below the threshold."""

    face: ProbeFace
    number: int
    box: tuple[float, float, float, float]
    landmarks: tuple[tuple[float, float], ...]
    quality: float
    quality_parts: dict[str, float]
    decision: str
    reason: str
    identity: Identity | None
    score: float | None
    candidates: tuple[CandidateInfo, ...]
    similar: tuple[SimilarImage, ...]
    similar_total: int
    similar_below_threshold: bool
    stranger_rate: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Answer:
    """Everything that was answered about one photo."""

    probe: Probe
    gallery: Gallery
    faces: tuple[FaceAnswer, ...]
    threshold: ThresholdInfo
    timings: dict[str, float]
    sentence: str


def answer_of(probe: Probe, *, similar_limit: int = 24) -> Answer:
    """Return the stored answer, with at most so many similar images per face."""
    threshold = ThresholdInfo(**probe.threshold)
    faces = tuple(
        face_answer(probe, face, similar_limit=similar_limit)
        for face in probe.faces.select_related("identity").order_by("number")
    )
    return Answer(
        probe=probe,
        gallery=probe.gallery,
        faces=faces,
        threshold=threshold,
        timings=probe.timings,
        sentence=_sentence(faces),
    )


def face_answer(probe: Probe, face: ProbeFace, *, similar_limit: int = 24) -> FaceAnswer:
    """Return the answer for one face of a probe, with at most so many similar images."""
    threshold = ThresholdInfo(**probe.threshold)
    page = similar_page(face, limit=similar_limit)
    rate = ""
    if face.score is not None:
        rate = stranger_sentence(probe.gallery, face.score, threshold)
    return FaceAnswer(
        face=face,
        number=face.number,
        box=(face.x1, face.y1, face.x2, face.y2),
        landmarks=tuple(zip(face.landmarks[::2], face.landmarks[1::2], strict=True)),
        quality=face.quality,
        quality_parts=face.quality_parts,
        decision=face.decision,
        reason=face.reason,
        identity=face.identity if face.decision == Decision.IDENTIFIED else None,
        score=face.score,
        candidates=_candidates(
            face, threshold.value, probe.settings.get("chosen", {}).get("top", CANDIDATES)
        ),
        similar=page.images,
        similar_total=page.total,
        similar_below_threshold=face.decision == Decision.UNKNOWN,
        stranger_rate=rate,
        sentence=_face_sentence(face),
    )


def similar_page(
    face: ProbeFace, *, offset: int = 0, limit: int = 60, identity_id: UUID | None = None
) -> SimilarPage:
    """Return similar images from `offset` on, of one identity if given."""
    rows = _similar(face)
    if identity_id is not None:
        rows = rows.filter(face__identity_id=identity_id)
    return SimilarPage(
        total=rows.count(),
        images=tuple(_similar_image(row) for row in rows[offset : offset + limit]),
    )


def similar_csv(face: ProbeFace) -> Iterator[str]:
    """Yield all similar images as CSV lines, best first."""
    yield csv_line(["path", "identity", "score", "above_threshold", "image_id"])
    for row in _similar(face).iterator(chunk_size=500):
        image = _similar_image(row)
        yield csv_line(
            [
                image.path,
                image.identity.name if image.identity else "",
                f"{image.score:.3f}",
                "yes" if image.above_threshold else "no",
                str(image.face.pk),
            ]
        )


def csv_line(cells: list[str]) -> str:
    """Return one CSV line in which no cell is taken for a formula by a spreadsheet."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow([_harmless(cell) for cell in cells])
    return out.getvalue()


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r", "\0")) else cell


def _similar(face: ProbeFace) -> "QuerySet[ProbeMatch]":
    return (
        face.matches.filter(similar=True)
        .select_related("face__identity", "face__photo")
        .order_by("-score", "pk")
    )


def _similar_image(row: ProbeMatch) -> SimilarImage:
    return SimilarImage(
        face=row.face,
        path=row.face.path,
        identity=row.face.identity,
        score=row.score,
        above_threshold=row.above_threshold,
    )


def _candidates(face: ProbeFace, threshold: float, most: int) -> tuple[CandidateInfo, ...]:
    """Return the nearest people, one row each, best first."""
    found = face.matches.filter(face__identity__isnull=False)
    if found.filter(person_score__isnull=False).exists():
        found = found.filter(person_score__isnull=False)
    rows = (
        found.annotate(whole=Coalesce("person_score", "score"))
        .select_related("face__identity", "face__photo")
        .order_by("face__identity_id", "-whole", "pk")
        .distinct("face__identity_id")
    )
    best = sorted(rows, key=lambda row: (-row.whole, row.pk))[:most]
    return tuple(
        CandidateInfo(
            identity=row.face.identity,
            score=row.whole,
            above_threshold=row.whole >= threshold,
            best_face=row.face,
            components=tuple(row.components),
        )
        for row in best
        if row.face.identity is not None
    )


def _face_sentence(face: ProbeFace) -> str:
    if face.decision == Decision.IDENTIFIED:
        return f"This is {face.identity.name}." if face.identity else "This person was deleted."
    if face.decision == Decision.UNKNOWN:
        return "Not in the database."
    return "The face is too poor to tell."


def _sentence(faces: tuple[FaceAnswer, ...]) -> str:
    """Say the whole answer in one sentence."""
    if not faces:
        return "There is no face in this photo."
    counts = {
        decision: sum(face.decision == decision for face in faces) for decision in Decision.values
    }
    parts = [
        f"{counts['identified']} identified" if counts["identified"] else "",
        f"{counts['unknown']} not in the database" if counts["unknown"] else "",
        f"{counts['low_quality']} too poor to tell" if counts["low_quality"] else "",
    ]
    noun = "face" if len(faces) == 1 else "faces"
    return f"{len(faces)} {noun}: {', '.join(part for part in parts if part)}."
