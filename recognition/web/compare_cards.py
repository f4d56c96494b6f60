"""What the page of a comparison shows of its rows."""

from dataclasses import dataclass

from django.urls import reverse

from faceplatform.accounts.principal import Principal
from recognition.models import VerificationFace, VerificationPhoto
from recognition.selectors.verifications import PairVerdict, VerificationAnswer
from recognition.services.enrollment import explain
from recognition.services.pictures import picture_url
from recognition.web.cards import inside
from recognition.web.marks import FaceMark

DECISIONS = {"same": "identified", "different": "unknown", "low_quality": "low_quality"}
"""Which colours of the answer page a verdict takes."""


@dataclass(frozen=True, slots=True)
class ComparedPhoto:
    """One of the photos."""

    side: int
    name: str
    screen: str
    width: int
    height: int
    faces: tuple[FaceMark, ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """One score of the matrix."""

    href: str
    score: float
    verdict: str
    chosen: bool
    label: str


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """A face of the first photo with its scores."""

    number: int
    src: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Matrix:
    """All faces of both photos."""

    heads: tuple[tuple[int, str], ...]
    rows: tuple[MatrixRow, ...]


@dataclass(frozen=True, slots=True)
class ShownPair:
    """The pair that is shown large."""

    first: int
    second: int
    first_src: str
    second_src: str
    score: float
    verdict: str
    decision: str
    sentence: str
    margin: str
    stranger_rate: str
    reasons: str


@dataclass(frozen=True, slots=True)
class AnchorTile:
    """One image of the person with its score."""

    src: str
    screen: str
    path: str
    score: float
    above: bool
    box: tuple[float, float, float, float]
    size: tuple[int, int]
    name: str = ""
    href: str = ""


@dataclass(frozen=True, slots=True)
class PersonCard:
    """One face against the person."""

    number: int
    src: str
    score: float
    verdict: str
    decision: str
    sentence: str
    margin: str
    reasons: str
    anchors: tuple[AnchorTile, ...]


def pair_shown(principal: Principal, answer: VerificationAnswer, wanted: str) -> ShownPair | None:
    """Return the pair named by `wanted` ("1-2"), the best one by default."""
    every = {
        f"{pair.first.number}-{pair.second.number}": pair for row in answer.pairs for pair in row
    }
    pair = every.get(wanted, answer.best)
    if pair is None:
        return None
    reasons = set(f"{pair.first.reason},{pair.second.reason}".split(",")) - {""}
    return ShownPair(
        first=pair.first.number,
        second=pair.second.number,
        first_src=_crop(principal, answer.photos[0], pair.first),
        second_src=_crop(principal, answer.photos[1], pair.second),
        score=pair.score,
        verdict=pair.verdict,
        decision=DECISIONS[pair.verdict],
        sentence=pair.sentence,
        margin=pair.margin,
        stranger_rate=pair.stranger_rate,
        reasons=explain(tuple(sorted(reasons))),
    )


def compared_photos(
    principal: Principal, answer: VerificationAnswer, pair: ShownPair | None
) -> tuple[ComparedPhoto, ...]:
    """Return the photos; the faces of the shown pair carry its verdict."""
    verdicts: dict[tuple[int, int], str] = {
        (1, face.face.number): face.verdict for face in answer.faces
    }
    if pair is not None:
        verdicts = {(1, pair.first): pair.verdict, (2, pair.second): pair.verdict}
    return tuple(_photo(principal, photo, verdicts) for photo in answer.photos)


def matrix_rows(
    principal: Principal, answer: VerificationAnswer, pair: ShownPair | None
) -> Matrix | None:
    """Return the matrix where there is more than one pair."""
    if pair is None or sum(len(row) for row in answer.pairs) < 2:
        return None
    first, second = answer.photos
    path = reverse("comparison", args=[answer.verification.pk])
    return Matrix(
        heads=tuple(
            (one.second.number, _crop(principal, second, one.second)) for one in answer.pairs[0]
        ),
        rows=tuple(
            MatrixRow(
                number=row[0].first.number,
                src=_crop(principal, first, row[0].first),
                cells=tuple(_cell(path, one, pair) for one in row),
            )
            for row in answer.pairs
        ),
    )


def person_cards(principal: Principal, answer: VerificationAnswer) -> tuple[PersonCard, ...]:
    """Return one card per face that was compared with a person."""
    return tuple(
        PersonCard(
            number=face.face.number,
            src=_crop(principal, answer.photos[0], face.face),
            score=face.score,
            verdict=face.verdict,
            decision=DECISIONS[face.verdict],
            sentence=face.sentence,
            margin=face.margin,
            reasons=explain(tuple(face.face.reason.split(","))) if face.face.reason else "",
            anchors=tuple(
                AnchorTile(
                    src=picture_url(principal=principal, kind="crop", face_id=one.image.pk),
                    screen=picture_url(
                        principal=principal, kind="screen", photo_id=one.image.photo_id
                    ),
                    path=one.image.path,
                    score=one.score,
                    above=one.above,
                    box=inside(
                        (one.image.x1, one.image.y1, one.image.x2, one.image.y2),
                        one.image.photo.width,
                        one.image.photo.height,
                    ),
                    size=(one.image.photo.width, one.image.photo.height),
                )
                for one in face.anchors
            ),
        )
        for face in answer.faces
    )


def _photo(
    principal: Principal, photo: VerificationPhoto, verdicts: dict[tuple[int, int], str]
) -> ComparedPhoto:
    screen = ""
    if photo.photo_id is not None:
        screen = picture_url(principal=principal, kind="screen", photo_id=photo.photo_id)
    faces = tuple(
        FaceMark(
            number=face.number,
            decision=DECISIONS.get(verdicts.get((photo.side, face.number), ""), "unknown"),
            sentence=f"Face {face.number}",
            box=inside((face.x1, face.y1, face.x2, face.y2), photo.width, photo.height),
            points=tuple(zip(face.landmarks[::2], face.landmarks[1::2], strict=True)),
        )
        for face in photo.faces.all()
    )
    return ComparedPhoto(photo.side, photo.name, screen, photo.width, photo.height, faces)


def _cell(path: str, one: PairVerdict, shown: ShownPair) -> Cell:
    first, second = one.first.number, one.second.number
    return Cell(
        href=f"{path}?pair={first}-{second}",
        score=one.score,
        verdict=one.verdict,
        chosen=(first, second) == (shown.first, shown.second),
        label=f"Face {first} of the first photo with face {second} of the second: {one.sentence}",
    )


def _crop(principal: Principal, photo: VerificationPhoto, face: VerificationFace) -> str:
    if photo.photo_id is None:
        return ""
    return picture_url(principal=principal, kind="crop", verification_face_id=face.pk)
