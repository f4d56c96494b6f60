"""What these pages show of rows: pictures as links, numbers as sentences."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.urls import reverse

from faceplatform.accounts.principal import Principal
from recognition.models import FaceImage
from recognition.services.pictures import picture_url
from training.models import DatasetItem


@dataclass(frozen=True, slots=True)
class ItemTile:
    """One image of a dataset."""

    src: str
    name: str
    href: str
    part: str


@dataclass(frozen=True, slots=True)
class PairFace:
    """One of the two faces of a pair."""

    pk: str
    src: str
    name: str
    href: str
    path: str
    state: str


@dataclass(frozen=True, slots=True)
class PairCard:
    """Two faces that were compared."""

    first: PairFace
    second: PairFace
    score: float

    @property
    def faces(self) -> tuple[PairFace, PairFace]:
        """Both faces."""
        return self.first, self.second


def item_tiles(principal: Principal, items: Iterable[DatasetItem]) -> list[ItemTile]:
    """Return the tiles of a dataset's images."""
    return [
        ItemTile(
            src=picture_url(principal=principal, kind="crop", face_id=item.face_id),
            name=item.identity.name,
            href=reverse("identity", args=[item.identity_id]),
            part=item.part,
        )
        for item in items
    ]


def face_pairs(principal: Principal, pairs: Sequence[tuple[str, str, float]]) -> list[PairCard]:
    """Return the pairs whose faces are still there and the principal's."""
    wanted = {face for first, second, _ in pairs for face in (first, second)}
    rows = FaceImage.objects.visible_to(principal).filter(pk__in=wanted)
    known = {str(face.pk): face for face in rows.select_related("identity")}
    return [
        PairCard(_face(principal, known[first]), _face(principal, known[second]), score)
        for first, second, score in pairs
        if first in known and second in known
    ]


def _face(principal: Principal, face: FaceImage) -> PairFace:
    identity = face.identity
    return PairFace(
        pk=str(face.pk),
        src=picture_url(principal=principal, kind="crop", face_id=face.pk),
        name=identity.name if identity else "Nobody yet",
        href=reverse("identity", args=[identity.pk]) if identity else "",
        path=face.path,
        state=face.state,
    )
