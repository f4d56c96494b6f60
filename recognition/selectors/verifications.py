"""A stored verification as an answer: the one form that page, API and command line show."""

from dataclasses import dataclass

from recognition.models import (
    FaceImage,
    Identity,
    Verdict,
    Verification,
    VerificationFace,
    VerificationPhoto,
)
from recognition.selectors.verification_thresholds import VerificationThreshold, stranger_words
from recognition.vision.fusion import votes_needed


@dataclass(frozen=True, slots=True)
class AnchorScore:
    """The score of a face with one image of the person; `above`: it reaches a pair's level."""

    image: FaceImage
    score: float
    above: bool


@dataclass(frozen=True, slots=True)
class FaceVerdict:
    """One face against the person. `votes` counts the images whose score reaches the level."""

    face: VerificationFace
    score: float
    verdict: str
    sentence: str
    margin: str
    anchors: tuple[AnchorScore, ...]
    votes: int


@dataclass(frozen=True, slots=True)
class PairVerdict:
    """One face of the first photo against one of the second."""

    first: VerificationFace
    second: VerificationFace
    score: float
    verdict: str
    sentence: str
    margin: str
    stranger_rate: str


@dataclass(frozen=True, slots=True)
class VerificationAnswer:
    """Everything that was answered.

    `pairs` has a row per face of the first photo and a column per face of the second; it is empty
    with a person, where `faces` has one entry per face. `best` is the pair with the highest score.
    """

    verification: Verification
    photos: tuple[VerificationPhoto, ...]
    threshold: VerificationThreshold
    identity: Identity | None
    pairs: tuple[tuple[PairVerdict, ...], ...]
    faces: tuple[FaceVerdict, ...]
    best: PairVerdict | None
    sentence: str


def verification_answer(verification: Verification) -> VerificationAnswer:
    """Return the stored answer; a fixed number of queries."""
    threshold = VerificationThreshold(**verification.threshold)
    photos = tuple(
        verification.photos.select_related("photo").prefetch_related("faces").order_by("side")
    )
    pairs: tuple[tuple[PairVerdict, ...], ...] = ()
    faces: tuple[FaceVerdict, ...] = ()
    if verification.identity_id is None:
        pairs = _pairs(verification, photos, threshold)
    else:
        faces = tuple(_face_verdict(face, threshold) for face in _with_anchors(photos[0]))
    every = [pair for row in pairs for pair in row]
    best = max(every, key=lambda pair: pair.score, default=None)
    return VerificationAnswer(
        verification=verification,
        photos=photos,
        threshold=threshold,
        identity=verification.identity,
        pairs=pairs,
        faces=faces,
        best=best,
        sentence=_sentence(every, faces, verification.identity),
    )


def _with_anchors(photo: VerificationPhoto) -> list[VerificationFace]:
    return list(photo.faces.prefetch_related("anchors__image__photo").order_by("number"))


def _face_verdict(face: VerificationFace, threshold: VerificationThreshold) -> FaceVerdict:
    level = threshold.value if threshold.rule == "vote" else threshold.pair
    anchors = tuple(
        AnchorScore(row.image, row.score, row.score >= level) for row in face.anchors.all()
    )
    score = face.score if face.score is not None else 0.0
    votes = sum(anchor.above for anchor in anchors)
    counted = f"{votes} of {len(anchors)} images reach {level:.3f}"
    if threshold.rule == "vote":
        counted += f"; more than half are {votes_needed(threshold.anchors)}"
    return FaceVerdict(
        face=face,
        score=score,
        verdict=face.verdict,
        sentence=f"{_words(face.verdict)}: {counted}.",
        margin=_margin(score, face.verdict, threshold),
        anchors=anchors,
        votes=votes,
    )


def _pairs(
    verification: Verification,
    photos: tuple[VerificationPhoto, ...],
    threshold: VerificationThreshold,
) -> tuple[tuple[PairVerdict, ...], ...]:
    version = verification.model_version
    first, second = ([*photo.faces.all()] for photo in photos)
    rows = []
    for face, scores in zip(first, verification.matrix, strict=True):
        row = []
        for other, score in zip(second, scores, strict=True):
            verdict = _pair_verdict(face, other, score, threshold)
            row.append(
                PairVerdict(
                    first=face,
                    second=other,
                    score=score,
                    verdict=verdict,
                    sentence=f"{_words(verdict)}.",
                    margin=_margin(score, verdict, threshold),
                    stranger_rate=stranger_words(version, score),
                )
            )
        rows.append(tuple(row))
    return tuple(rows)


def _pair_verdict(
    first: VerificationFace,
    second: VerificationFace,
    score: float,
    threshold: VerificationThreshold,
) -> str:
    if first.reason or second.reason:
        return Verdict.LOW_QUALITY.value
    return (Verdict.SAME if score >= threshold.value else Verdict.DIFFERENT).value


def _words(verdict: str) -> str:
    return {
        Verdict.SAME.value: "Judged the same person",
        Verdict.DIFFERENT.value: "Judged different people",
        Verdict.LOW_QUALITY.value: "No verdict, a face is too poor to tell",
    }[verdict]


def _margin(score: float, verdict: str, threshold: VerificationThreshold) -> str:
    """Say what would change the verdict."""
    if verdict == Verdict.LOW_QUALITY:
        return "A sharper, larger or more frontal photo would allow one."
    rates = sorted(((float(rate), value) for rate, value in threshold.others.items()), reverse=True)
    reached = [rate for rate, value in rates if score >= value]
    if verdict == Verdict.SAME:
        return (
            f"{score - threshold.value:.3f} above the threshold; the same answer down to "
            f"1 stranger in {round(1 / min(reached)):,}."
        )
    looser = [rate for rate in reached if rate > threshold.fmr]
    if looser:
        return (
            f"{threshold.value - score:.3f} below the threshold; it would be the same person if "
            f"1 stranger in {round(1 / min(looser)):,} were allowed to pass."
        )
    return f"{threshold.value - score:.3f} below the threshold, and below that of every rate here."


def _sentence(
    pairs: list[PairVerdict], faces: tuple[FaceVerdict, ...], identity: Identity | None
) -> str:
    """Say the whole answer in one sentence."""
    verdicts = [face.verdict for face in faces] or [pair.verdict for pair in pairs]
    same = verdicts.count(Verdict.SAME.value)
    if identity is not None:
        who = identity.name
        if len(faces) == 1:
            return {
                "same": f"Judged to be {who}.",
                "different": f"Judged not to be {who}.",
                "low_quality": "The face is too poor to tell.",
            }[verdicts[0]]
        return f"{same} of {len(faces)} faces judged to be {who}."
    if len(pairs) == 1:
        return pairs[0].sentence
    return f"{same} of {len(pairs)} pairs of faces judged the same person."
