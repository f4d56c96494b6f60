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
    Exists,
    F,
    Func,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
)
from django.db.models.functions import Coalesce

from recognition.models import FaceImage, FaceState, Gallery, Identity, IdentityMerge
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
    """What to list: `search` are parts of words of name or external id, `only` of `ONLY`."""

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
    return _annotated(found, gallery)


def _annotated(rows: "QuerySet[Identity]", gallery: Gallery) -> Any:
    return rows.annotate(images=_images(gallery), cover_face_id=_cover())


def _found_first(
    chosen: "QuerySet[Identity]", wanted: PeopleFilter, total: int
) -> "QuerySet[Identity]":
    """Return the same people; where they are few, so that they are found before they are sorted.

    Else PostgreSQL walks through the whole gallery by name until a page is full, which takes long
    where those who match stand together at its end. The limit keeps it from that plan.
    """
    narrowed = wanted.search.strip() or wanted.tag
    if not narrowed or total > COUNTED:
        return chosen
    return Identity.objects.filter(pk__in=chosen.order_by().values("pk")[: COUNTED + 1])


def people_page(
    gallery: Gallery,
    wanted: PeopleFilter,
    *,
    after: UUID | None = None,
    before: UUID | None = None,
    limit: int = 60,
) -> PeoplePage:
    """Return the page after, or before, a person; the first page where that person is gone."""
    chosen = _chosen(Identity.objects.filter(gallery=gallery), gallery, wanted)
    total = chosen.order_by()[: COUNTED + 1].count()
    if total == 0:
        return PeoplePage(people=(), after=None, before=None, total=0, more=False)
    rows = _annotated(_found_first(chosen, wanted, total), gallery)
    begin = after or before
    mark = rows.filter(pk=begin).first() if begin is not None else None
    back = mark is not None and after is None
    if wanted.order == "-images":
        found = _by_images(gallery, wanted, mark, back=back, limit=limit + 1)
    else:
        if mark is not None:
            rows = rows.filter(_beyond(wanted.order, mark, back=back))
        found = list(rows.order_by(_ordering(wanted.order, back=back))[: limit + 1])
    further = len(found) > limit
    found = found[:limit][::-1] if back else found[:limit]
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
    elif wanted.only == "no_images":
        rows = rows.filter(~_has_images(gallery))
    elif wanted.only == "one_image":
        rows = rows.filter(pk__in=_counted(gallery).filter(number=1).values("identity"))
    return rows


def people_with_one_image(gallery: Gallery) -> "QuerySet[Identity]":
    """Return people with exactly one enrolled image, by name, with what `people_of` adds."""
    return people_of(gallery, PeopleFilter(only="one_image")).order_by("name")


def last_merge(gallery: Gallery, user_id: int) -> IdentityMerge | None:
    """Return the newest merge of this person in the gallery that can still be undone."""
    found: IdentityMerge | None = (
        IdentityMerge.objects.filter(
            identity__gallery=gallery, created_by_id=user_id, undone_at=None
        )
        .select_related("identity")
        .order_by("-pk")
        .first()
    )
    return found


def _enrolled(gallery: Gallery) -> "QuerySet[FaceImage]":
    rows: QuerySet[FaceImage] = FaceImage.objects.filter(
        gallery_id=gallery.pk, state=FaceState.ENROLLED, identity__isnull=False
    )
    return rows.order_by()


def _counted(gallery: Gallery) -> Any:
    """Rows of `identity` and `number` of enrolled images, in one pass over an index."""
    return _enrolled(gallery).values("identity").annotate(number=Count("*"))


def _has_images(gallery: Gallery) -> Exists:
    return Exists(_enrolled(gallery).filter(identity=OuterRef("pk")))


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


def _ordering(order: str, *, back: bool) -> str:
    field = {"name": "name", "-created_at": "-pk"}[order]
    if not back:
        return field
    return field.removeprefix("-") if field.startswith("-") else f"-{field}"


def _beyond(order: str, mark: Any, *, back: bool) -> Q:
    """Return what comes after the mark, or before it."""
    if order == "name":
        return Q(name__lt=mark.name) if back else Q(name__gt=mark.name)
    return Q(pk__gt=mark.pk) if back else Q(pk__lt=mark.pk)


def _by_images(
    gallery: Gallery, wanted: PeopleFilter, mark: Any, *, back: bool, limit: int
) -> list[Any]:
    """Return people by their images, newest first among equals, beyond the mark.

    Images are counted in one pass over an index, not person by person; who has none comes last.
    """
    chosen = _chosen(Identity.objects.filter(gallery=gallery), gallery, wanted)
    parts = [_with_images(gallery, wanted, chosen), _without_images(gallery, chosen)]
    ids: list[UUID] = []
    for part, own in reversed(parts) if back else parts:
        rows = part if mark is None else part.filter(_beyond_images(own, mark, back=back))
        order = (f"{'' if back else '-'}{field}" for field in own)
        ids += rows.order_by(*order).values_list(own[-1], flat=True)[: limit - len(ids)]
        if len(ids) == limit:
            break
    people = people_of(gallery, PeopleFilter()).in_bulk(ids)
    return [people[pk] for pk in ids if pk in people]


def _with_images(gallery: Gallery, wanted: PeopleFilter, chosen: Any) -> tuple[Any, list[str]]:
    rows = _counted(gallery)
    if wanted.search.strip() or wanted.tag or wanted.only:
        rows = rows.filter(identity__in=chosen.order_by().values("pk"))
    return rows, ["number", "identity"]


def _without_images(gallery: Gallery, chosen: Any) -> tuple[Any, list[str]]:
    return chosen.filter(~_has_images(gallery)), ["pk"]


def _beyond_images(own: list[str], mark: Any, *, back: bool) -> Q:
    """Return the condition that a row of either part comes after the mark, or before it."""
    side = "gt" if back else "lt"
    further = Q(**{f"{own[-1]}__{side}": mark.pk})
    if own == ["pk"]:
        if mark.images == 0:
            return further
        return Q(pk__in=[]) if back else Q()
    return Q(**{f"number__{side}": mark.images}) | (Q(number=mark.images) & further)
