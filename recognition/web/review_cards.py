"""What the review page shows of an image in question and of the people it may be of."""

from dataclasses import dataclass
from uuid import UUID

from django.urls import reverse

from faceplatform.accounts.principal import Principal
from recognition.models import FaceImage
from recognition.selectors.review import PersonBeside, ReviewCase
from recognition.services.enrollment import explain
from recognition.services.pictures import picture_url
from recognition.web.cards import inside_photo

_TITLES = {
    "unlike_own": "Is this really {name}?",
    "like_another": "{name}, or {other}?",
    "possible_duplicate": "Are {name} and {other} the same person?",
}


@dataclass(frozen=True, slots=True)
class PersonColumn:
    """Somebody the image may be of, with pictures and the score of the nearest one."""

    pk: UUID
    name: str
    href: str
    images: int
    sources: tuple[str, ...]
    score: float | None


@dataclass(frozen=True, slots=True)
class ReviewCard:
    """One image in question."""

    pk: UUID
    gallery_id: UUID
    title: str
    reason: str
    state: str
    src: str
    screen: str
    path: str
    quality: float
    box: tuple[float, float, float, float]
    size: tuple[int, int]
    claimed: PersonColumn | None
    other: PersonColumn | None
    low_match: float | None
    threshold: float | None
    decide_url: str


def review_card(principal: Principal, case: ReviewCase) -> ReviewCard:
    """Return the card of one image in question."""
    face = case.face
    return ReviewCard(
        pk=face.pk,
        gallery_id=face.gallery_id,
        title=_title(case),
        reason=explain((face.reason,)).capitalize() if face.reason else "",
        state=face.state,
        src=picture_url(principal=principal, kind="crop", face_id=face.pk),
        screen=picture_url(principal=principal, kind="screen", photo_id=face.photo_id),
        path=face.path,
        quality=face.quality,
        box=inside_photo(face),
        size=(face.photo.width, face.photo.height),
        claimed=_column(principal, case.claimed),
        other=_column(principal, case.other),
        low_match=case.low_match,
        threshold=case.threshold,
        decide_url=reverse("image_decide", args=[face.pk]),
    )


def _title(case: ReviewCase) -> str:
    name = case.claimed.identity.name if case.claimed else "this person"
    other = case.other.identity.name if case.other else "somebody else"
    return _TITLES.get(case.face.reason, "Who is this?").format(name=name, other=other)


def _column(principal: Principal, person: PersonBeside | None) -> PersonColumn | None:
    if person is None:
        return None
    return PersonColumn(
        pk=person.identity.pk,
        name=person.identity.name,
        href=reverse("identity", args=[person.identity.pk]),
        images=person.images,
        sources=tuple(_crop(principal, face) for face in person.faces),
        score=person.score,
    )


def _crop(principal: Principal, face: FaceImage) -> str:
    return picture_url(principal=principal, kind="crop", face_id=face.pk)
