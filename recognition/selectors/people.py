"""Lists of a gallery's people, a page at a time, at any size.

A page begins after a person, not after a number of rows: the tenth thousand costs what the first
does, and nobody is skipped or repeated while others are added.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import (
    CharField,
    Count,
    F,
    Func,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
)
from django.db.models.functions import Coalesce

from recognition.models import FaceImage, FaceState, Gallery, Identity
from recognition.models.identity import words_match
from recognition.selectors.consents import holding

ORDERS = {"name": "Name", "-images": "Most images", "-created_at": "Newest"}
ONLY = {
    "no_images": "without an image",
    "one_image": "with one image",
    "without_consent": "without a consent that holds",
    "not_matchable": "kept from searches",
}
COUNTED = 10_000


class Unnest(Func):
    """One row per element of an array."""

    function = "unnest"
    output_field = CharField()


@dataclass(frozen=True, slots=True)
class PeopleFilter:
    """What to list: `search` are beginnings of words of name or external id, `only` of `ONLY`."""

    search: str = ""
    tag: str = ""
    only: str = ""
    order: str = "name"


@dataclass(frozen=True, slots=True)
class PeoplePage:
    """A part of a list. `after` and `before` are where the neighbouring pages begin, or None.

    `total` counts to `COUNTED` at most; `more` says that there are more than that.
    """

    people: tuple[Any, ...]
    after: UUID | None
    before: UUID | None
    total: int
    more: bool


def people_of(gallery: Gallery, wanted: PeopleFilter) -> "QuerySet[Identity]":
    """Return the gallery's people with `images` (enrolled) and `cover_face_id`, unordered."""
    found = _chosen(Identity.objects.filter(gallery=gallery), gallery, wanted)
    return found.annotate(images=_images(gallery), cover_face_id=_cover())


def people_page(
    gallery: Gallery,
    wanted: PeopleFilter,
    *,
    after: UUID | None = None,
    before: UUID | None = None,
    limit: int = 60,
) -> PeoplePage:
    """Return the page after, or before, a person; the first page where that person is gone."""
    rows = people_of(gallery, wanted)
    begin = after or before
    mark = rows.filter(pk=begin).first() if begin is not None else None
    back = mark is not None and after is None
    if mark is not None:
        rows = rows.filter(_beyond(wanted.order, mark, back=back))
    found = list(rows.order_by(*_ordering(wanted.order, back=back))[: limit + 1])
    further = len(found) > limit
    found = found[:limit][::-1] if back else found[:limit]
    counted = _chosen(Identity.objects.filter(gallery=gallery), gallery, wanted)
    total = counted.order_by()[: COUNTED + 1].count()
    has_next = bool(found) and (back or further)
    has_previous = bool(found) and (further if back else mark is not None)
    return PeoplePage(
        people=tuple(found),
        after=found[-1].pk if has_next else None,
        before=found[0].pk if has_previous else None,
        total=min(total, COUNTED),
        more=total > COUNTED,
    )


def tags_of(gallery: Gallery, *, limit: int = 50) -> list[str]:
    """Return the gallery's most used tags."""
    rows = (
        Identity.objects.filter(gallery=gallery)
        .exclude(tags=[])
        .annotate(tag=Unnest(F("tags")))
        .values("tag")
        .annotate(people=Count("pk"))
        .order_by("-people", "tag")
    )
    return [row["tag"] for row in rows[:limit]]


def _chosen(
    rows: "QuerySet[Identity]", gallery: Gallery, wanted: PeopleFilter
) -> "QuerySet[Identity]":
    if wanted.search.strip():
        match = words_match(wanted.search)
        rows = rows.filter(match) if match is not None else rows.none()
    if wanted.tag:
        rows = rows.filter(tags__contains=[wanted.tag])
    if wanted.only == "not_matchable":
        rows = rows.filter(matchable=False)
    elif wanted.only == "without_consent":
        rows = rows.exclude(pk__in=holding().values("identity"))
    elif wanted.only in {"no_images", "one_image"}:
        wanted_images = 1 if wanted.only == "one_image" else 0
        rows = rows.alias(enrolled=_images(gallery)).filter(enrolled=wanted_images)
    return rows


def _images(gallery: Gallery) -> Coalesce:
    """Count of a person's enrolled images, by an index that holds nothing else."""
    counted = (
        FaceImage.objects.filter(
            gallery_id=gallery.pk, identity=OuterRef("pk"), state=FaceState.ENROLLED
        )
        .order_by()
        .values("identity")
        .annotate(number=Count("*"))
        .values("number")
    )
    return Coalesce(Subquery(counted), 0, output_field=IntegerField())


def _cover() -> Subquery:
    best = FaceImage.objects.filter(identity=OuterRef("pk"), state=FaceState.ENROLLED)
    return Subquery(best.order_by("-quality").values("pk")[:1])


def _ordering(order: str, *, back: bool) -> tuple[str, ...]:
    fields = {"name": ("name",), "-images": ("-images", "-pk"), "-created_at": ("-pk",)}[order]
    if not back:
        return fields
    return tuple(field[1:] if field.startswith("-") else f"-{field}" for field in fields)


def _beyond(order: str, mark: Any, *, back: bool) -> Q:
    """Return what comes after the mark, or before it."""
    if order == "name":
        return Q(name__lt=mark.name) if back else Q(name__gt=mark.name)
    beyond = Q(pk__gt=mark.pk) if back else Q(pk__lt=mark.pk)
    if order == "-created_at":
        return beyond
    more = Q(images__gt=mark.images) if back else Q(images__lt=mark.images)
    return more | (Q(images=mark.images) & beyond)
