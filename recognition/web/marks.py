"""Faces as photos show them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FaceMark:
    """A face on a photo: a box that leads to what is told about it.

    `box` is x, y, width and height in pixels of the photo, `points` are its landmarks.
    """

    number: int
    decision: str
    sentence: str
    box: tuple[float, float, float, float]
    points: tuple[tuple[float, float], ...]
