"""What became of each photo that was added to a person."""

import re
from dataclasses import dataclass

from faceplatform.core.errors import DomainError
from recognition.models import FaceState
from recognition.web.cards import ImageTile

_BOX = re.compile(r"-?\d+(?:\.\d+)?")


@dataclass(frozen=True, slots=True)
class FaceChoice:
    """One of several faces of a photo: its number and x, y, width, height in pixels."""

    number: int
    box: tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class AddedPhoto:
    """One photo's line: a tile if it was enrolled, otherwise why not.

    `choices` are the faces to choose from where the photo shows several.
    """

    name: str
    tile: ImageTile | None = None
    code: str = ""
    detail: str = ""
    choices: tuple[FaceChoice, ...] = ()

    @property
    def held(self) -> bool:
        """Whether the photo was stored and waits for a decision."""
        return self.tile is not None and self.tile.state == FaceState.QUARANTINED

    @property
    def remark(self) -> bool:
        """Whether the photo is searched although something about it is worth a look."""
        return self.tile is not None and not self.held and bool(self.tile.reason)

    @classmethod
    def refused(cls, name: str, error: DomainError) -> "AddedPhoto":
        """Return the line of a photo that was not enrolled."""
        return cls(name=name, code=error.code, detail=error.detail, choices=_choices(error))


def added_photo(name: str, tile: ImageTile) -> AddedPhoto:
    """Return the line of a photo that was enrolled."""
    return AddedPhoto(name=name, tile=tile)


def _choices(error: DomainError) -> tuple[FaceChoice, ...]:
    """Read the boxes that the refusal `multiple_faces` names."""
    if error.code != "multiple_faces":
        return ()
    choices = []
    for number, wrong in enumerate(error.errors, start=1):
        x1, y1, x2, y2 = (float(value) for value in _BOX.findall(wrong.detail)[:4])
        choices.append(FaceChoice(number, (x1, y1, x2 - x1, y2 - y1)))
    return tuple(choices)
