"""What pages show of rows: pictures as links, reasons as words.

Templates get these and nothing else, so the living page of components can show them without rows.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.urls import reverse

from faceplatform.accounts.policy import Action, allows
from faceplatform.accounts.principal import Principal
from recognition.models import Decision, FaceImage, FaceState, Identity, Probe
from recognition.selectors.answers import Answer, CandidateInfo, FaceAnswer, SimilarImage
from recognition.selectors.galleries import GalleryCard
from recognition.selectors.probes import SimilarIdentity, similar_identities
from recognition.services.enrollment import explain
from recognition.services.pictures import picture_url


@dataclass(frozen=True, slots=True)
class GalleryTile:
    """A gallery in a grid."""

    name: str
    href: str
    src: str
    identities: int
    images: int
    in_review: int
    searchable: bool


@dataclass(frozen=True, slots=True)
class IdentityTile:
    """A person in a grid."""

    name: str
    href: str
    src: str
    images: int


@dataclass(frozen=True, slots=True)
class ImageTile:
    """A stored image of a person. `quality` is 0 to 1; `box` is in pixels of the photo."""

    src: str
    screen: str
    path: str
    quality: float
    state: str
    reason: str
    box: tuple[float, float, float, float]
    size: tuple[int, int]
    delete_url: str = ""
    original_url: str = ""
    resembling_url: str = ""
    number: int = 0


@dataclass(frozen=True, slots=True)
class SimilarTile:
    """A stored image that resembles a probe's face."""

    src: str
    screen: str
    path: str
    name: str
    href: str
    score: float
    above: bool
    box: tuple[float, float, float, float]
    size: tuple[int, int]


@dataclass(frozen=True, slots=True)
class CandidateRow:
    """One of the next people."""

    pk: UUID
    name: str
    href: str
    src: str
    score: float
    above: bool


@dataclass(frozen=True, slots=True)
class FaceCard:
    """The answer for one face as its card shows it."""

    number: int
    decision: str
    name: str
    href: str
    score: float | None
    src: str
    stored_src: str
    stored_caption: str
    sentence: str
    stranger_rate: str
    reasons: str
    quality: float
    box: tuple[float, float, float, float]
    points: tuple[tuple[float, float], ...]
    candidates: tuple[CandidateRow, ...]
    similar: tuple[SimilarTile, ...]
    similar_total: int
    similar_below: bool
    similar_people: tuple[SimilarIdentity, ...]
    more_url: str
    csv_url: str
    enroll_url: str
    decision_url: str = ""
    keep_url: str = ""
    reported: bool = False
    report_url: str = ""


@dataclass(frozen=True, slots=True)
class ProbeRow:
    """An answer in a list."""

    href: str
    src: str
    name: str
    gallery: str
    at: datetime
    faces: int
    identified: int
    unknown: int
    low_quality: int
    names: tuple[str, ...]
    delete_url: str


def gallery_tile(principal: Principal, card: GalleryCard) -> GalleryTile:
    """Return a gallery's tile."""
    cover = card.cover
    src = picture_url(principal=principal, kind="crop", face_id=cover.pk) if cover else ""
    return GalleryTile(
        name=card.gallery.name,
        href=reverse("gallery", args=[card.gallery.pk]),
        src=src,
        identities=card.identities,
        images=card.images,
        in_review=card.in_review,
        searchable=card.gallery.searchable,
    )


def identity_tile(principal: Principal, identity: Any) -> IdentityTile:
    """Return the tile of a person from `selectors.galleries.identities_of`."""
    cover = identity.cover_face_id
    return IdentityTile(
        name=identity.name,
        href=reverse("identity", args=[identity.pk]),
        src=picture_url(principal=principal, kind="crop", face_id=cover) if cover else "",
        images=identity.images,
    )


def image_tile(
    principal: Principal, face: FaceImage, *, may_delete: bool, may_export: bool, number: int = 0
) -> ImageTile:
    """Return the tile of one image of a person; `face.photo` is read."""
    may_search = face.state == FaceState.ENROLLED and allows(principal, Action.IDENTIFY)
    original = ""
    if may_export:
        original = picture_url(principal=principal, kind="original", photo_id=face.photo_id)
    return ImageTile(
        src=picture_url(principal=principal, kind="crop", face_id=face.pk),
        screen=picture_url(principal=principal, kind="screen", photo_id=face.photo_id),
        path=face.path,
        quality=face.quality,
        state=face.state,
        reason=explain((face.reason,)) if face.reason else "",
        box=inside_photo(face),
        size=(face.photo.width, face.photo.height),
        delete_url=reverse("image_delete", args=[face.pk]) if may_delete else "",
        original_url=original,
        resembling_url=reverse("image_resembling", args=[face.pk]) if may_search else "",
        number=number,
    )


def similar_tiles(principal: Principal, images: Iterable[SimilarImage]) -> tuple[SimilarTile, ...]:
    """Return the tiles of similar images."""
    return tuple(_similar_tile(principal, image) for image in images)


def face_cards(principal: Principal, answer: Answer, *, may_enroll: bool) -> tuple[FaceCard, ...]:
    """Return one card per face of an answer."""
    return tuple(
        _face_card(principal, answer.probe, face, may_enroll=may_enroll) for face in answer.faces
    )


def probe_row(principal: Principal, probe: Any, *, may_delete: bool) -> ProbeRow:
    """Return the row of a probe from `selectors.probes.recent_probes`."""
    photo = probe.photo_id
    return ProbeRow(
        href=reverse("probe", args=[probe.pk]),
        src=picture_url(principal=principal, kind="thumb", photo_id=photo) if photo else "",
        name=probe.name,
        gallery=probe.gallery.name,
        at=probe.created_at,
        faces=probe.face_count,
        identified=probe.identified_count,
        unknown=probe.unknown_count,
        low_quality=probe.face_count - probe.identified_count - probe.unknown_count,
        names=tuple(probe.names or ()),
        delete_url=reverse("probe_delete", args=[probe.pk]) if may_delete else "",
    )


def _face_card(
    principal: Principal, probe: Probe, face: FaceAnswer, *, may_enroll: bool
) -> FaceCard:
    stored = _best_stored(face)
    may_report = face.identity is not None and allows(principal, Action.REVIEW_DECIDE)
    where = [probe.pk, face.number]
    may_enroll = may_enroll and probe.photo_id is not None and face.decision != "low_quality"
    src = ""
    if probe.photo_id is not None:
        src = picture_url(principal=principal, kind="crop", probe_face_id=face.face.pk)
    return FaceCard(
        number=face.number,
        decision=face.decision,
        name=face.identity.name if face.identity else "",
        href=reverse("identity", args=[face.identity.pk]) if face.identity else "",
        score=face.score,
        src=src,
        stored_src=(
            picture_url(principal=principal, kind="crop", face_id=stored.best_face.pk)
            if stored
            else ""
        ),
        stored_caption=_caption(face, stored),
        sentence=face.sentence,
        stranger_rate=face.stranger_rate,
        reasons=explain(tuple(face.reason.split(","))) if face.reason else "",
        quality=face.quality,
        box=inside(face.box, probe.width, probe.height),
        points=face.landmarks,
        candidates=tuple(candidate_row(principal, row) for row in _next_candidates(face)),
        similar=similar_tiles(principal, face.similar),
        similar_total=face.similar_total,
        similar_below=face.similar_below_threshold,
        similar_people=similar_identities(face.face),
        more_url=reverse("probe_similar", args=where),
        csv_url=reverse("probe_similar_csv", args=where),
        enroll_url=reverse("probe_enroll", args=where) if may_enroll else "",
        decision_url=reverse("probe_decision", args=where),
        keep_url=reverse("probe_keep", args=where) if may_enroll else "",
        reported=face.face.reported_at is not None,
        report_url=reverse("probe_report", args=where) if may_report else "",
    )


def _best_stored(face: FaceAnswer) -> CandidateInfo | None:
    """Return the stored image to show beside the face: the identified person's or the nearest.

    A face too poor to tell is compared with nobody: whatever is nearest would mislead.
    """
    if face.decision == Decision.LOW_QUALITY:
        return None
    if face.identity is not None:
        own = (row for row in face.candidates if row.identity.pk == face.identity.pk)
        return next(own, None)
    return face.candidates[0] if face.candidates else None


def _caption(face: FaceAnswer, stored: CandidateInfo | None) -> str:
    if stored is None:
        return ""
    return "Best stored image" if face.identity is not None else "Nearest, not a match"


def _next_candidates(face: FaceAnswer) -> tuple[CandidateInfo, ...]:
    """Return the nearest people without the one who was named already."""
    if face.decision == Decision.LOW_QUALITY:
        return ()
    if face.identity is None:
        return face.candidates
    return tuple(row for row in face.candidates if row.identity.pk != face.identity.pk)


def candidate_row(principal: Principal, row: CandidateInfo) -> CandidateRow:
    """Return the row of one of the nearest people."""
    return CandidateRow(
        pk=row.identity.pk,
        name=row.identity.name,
        href=reverse("identity", args=[row.identity.pk]),
        src=picture_url(principal=principal, kind="crop", face_id=row.best_face.pk),
        score=row.score,
        above=row.above_threshold,
    )


def _similar_tile(principal: Principal, image: SimilarImage) -> SimilarTile:
    face, identity = image.face, image.identity
    return SimilarTile(
        src=picture_url(principal=principal, kind="crop", face_id=face.pk),
        screen=picture_url(principal=principal, kind="screen", photo_id=face.photo_id),
        path=image.path,
        name=_name(identity),
        href=reverse("identity", args=[identity.pk]) if identity else "",
        score=image.score,
        above=image.above_threshold,
        box=inside_photo(face),
        size=(face.photo.width, face.photo.height),
    )


def _name(identity: Identity | None) -> str:
    return identity.name if identity else "Nobody yet"


def inside_photo(face: FaceImage) -> tuple[float, float, float, float]:
    """Return x, y, width, height of the part of a face's box that lies in its photo."""
    corners = (face.x1, face.y1, face.x2, face.y2)
    return inside(corners, face.photo.width, face.photo.height)


def inside(
    corners: tuple[float, float, float, float], width: int, height: int
) -> tuple[float, float, float, float]:
    """Return x, y, width, height of a box cut at the edges of its photo."""
    x1, y1 = max(0.0, corners[0]), max(0.0, corners[1])
    x2, y2 = min(float(width), corners[2]), min(float(height), corners[3])
    return (round(x1, 1), round(y1, 1), round(x2 - x1, 1), round(y2 - y1, 1))
