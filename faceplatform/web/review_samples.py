"""Made-up decisions, findings and pages of lists for the living page of components."""

import uuid
from typing import Any

from django.core.paginator import Page, Paginator
from django.templatetags.static import static

from recognition.selectors.people import PeoplePage
from recognition.web.compare_cards import AnchorTile
from recognition.web.hygiene import FindingRow, Side
from recognition.web.review_cards import PersonColumn, ReviewCard

BOX = (96.0, 84.0, 118.0, 150.0)
SIZE = (640, 400)


def review_samples(pictures: list[str]) -> dict[str, Any]:
    """Return what the page shows, with these pictures of faces."""
    return {
        "anchors": _anchors(pictures),
        "review": _review(pictures),
        "findings": _findings(pictures),
        "numbered": _numbered(),
        "marked": PeoplePage((), uuid.uuid4(), uuid.uuid4(), 10_000, more=True),
    }


def _anchors(pictures: list[str]) -> list[AnchorTile]:
    return [
        AnchorTile(
            src=src,
            screen=static("img/sample-photo.svg"),
            path=f"Ada Lovelace/{number}.jpg",
            score=0.81 - number * 0.2,
            above=number < 2,
            box=BOX,
            size=SIZE,
        )
        for number, src in enumerate(pictures[:4])
    ]


def _review(pictures: list[str]) -> ReviewCard:
    def column(name: str, score: float, images: int) -> PersonColumn:
        return PersonColumn(uuid.uuid4(), name, "#", images, tuple(pictures[:images]), score)

    return ReviewCard(
        pk=uuid.uuid4(),
        gallery_id=uuid.uuid4(),
        title="Ada Lovelace, or Mary Somerville?",
        reason="It looks more like somebody else",
        state="quarantined",
        src=pictures[0],
        screen=static("img/sample-photo.svg"),
        path="archive/1843.jpg",
        quality=0.71,
        box=BOX,
        size=SIZE,
        claimed=column("Ada Lovelace", 0.212, 3),
        other=column("Mary Somerville", 0.644, 2),
        low_match=0.341,
        threshold=0.53,
        decide_url="#",
    )


def _findings(pictures: list[str]) -> list[FindingRow]:
    def side(name: str, src: str) -> Side:
        return Side(uuid.uuid4(), src, name, "#", uuid.uuid4(), f"{name}/1.jpg", 0.66)

    def row(kind: str, word: str, other: Side | None, **more: Any) -> FindingRow:
        return FindingRow(
            kind=kind,
            word=word,
            face=side("Ada Lovelace", pictures[0]),
            other=other,
            score=more.get("score"),
            own=more.get("own"),
            reasons=more.get("reasons", ""),
            decide_url="#",
            dismiss_url="#",
            merge_url="#" if kind == "look_alike" else "",
            dismissed=more.get("dismissed", False),
        )

    mary = side("Mary Somerville", pictures[1])
    return [
        row("mislabelled", "Probably somebody else", mary, score=0.71, own=0.18),
        row("look_alike", "One person under two names?", mary, score=0.77),
        row("low_quality", "Below the limits", None, reasons="the face is blurred"),
        row("outlier", "Unlike the other images", None, own=0.12, dismissed=True),
    ]


def _numbered() -> Page:
    return Paginator(range(13_233), 100).page(3)
