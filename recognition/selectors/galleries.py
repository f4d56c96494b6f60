"""What lists and headers of galleries show."""

import time
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery, Sum

from faceplatform.core.models.scoped import Asks
from recognition.models import FaceImage, FaceState, Gallery, Identity, ModelVersion
from recognition.selectors.people import PeopleFilter, people_of, tags_of
from recognition.selectors.score_kinds import Scoring, scoring_of
from recognition.selectors.templates import LARGE, count_searchable
from recognition.selectors.thresholds import ThresholdInfo, threshold_of
from recognition.selectors.tiers import SearchPlan, search_plan


@dataclass(frozen=True, slots=True)
class GalleryCard:
    """A gallery in a list."""

    gallery: Gallery
    identities: int
    images: int
    in_review: int
    cover: FaceImage | None


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much a gallery holds; `singles` are people with one enrolled image.

    `tags` are those used most.
    """

    identities: int
    images: int
    singles: int
    templates: int
    tags: tuple[str, ...]


KNOWN_SECONDS = 20.0
_known: dict[tuple[UUID, UUID], tuple[Sizes, float]] = {}


@dataclass(frozen=True, slots=True)
class GalleryFacts:
    """A gallery's state in numbers, with the evidence of its threshold."""

    identities: int
    images: int
    searchable_templates: int
    in_review: int
    unnamed: int
    single_image_identities: int
    tags: tuple[str, ...]
    threshold: ThresholdInfo
    model_version: ModelVersion
    scoring: Scoring
    search: SearchPlan


def gallery_cards(principal: Asks) -> list[GalleryCard]:
    """Return the principal's galleries by name."""
    cover = (
        FaceImage.objects.filter(gallery=OuterRef("pk"), state=FaceState.ENROLLED)
        .order_by("-quality")
        .values("pk")[:1]
    )
    galleries = list(
        Gallery.objects.visible_to(principal)
        .annotate(cover_id=Subquery(cover))
        .select_related("model_version")
        .order_by("name")
    )
    people = _counted(Identity.objects.filter(gallery__in=galleries))
    enrolled = _counted(FaceImage.objects.filter(gallery__in=galleries, state=FaceState.ENROLLED))
    review = _counted(
        FaceImage.objects.filter(
            gallery__in=galleries, state=FaceState.QUARANTINED, identity__isnull=False
        )
    )
    covers = FaceImage.objects.in_bulk([g.cover_id for g in galleries if g.cover_id])
    return [
        GalleryCard(
            gallery=gallery,
            identities=people.get(gallery.pk, 0),
            images=enrolled.get(gallery.pk, 0),
            in_review=review.get(gallery.pk, 0),
            cover=covers.get(gallery.cover_id),
        )
        for gallery in galleries
    ]


def gallery_facts(gallery: Gallery) -> GalleryFacts:
    """Return what the head of a gallery's page says."""
    faces = FaceImage.objects.filter(gallery=gallery)
    sizes = _sizes(gallery)
    return GalleryFacts(
        identities=sizes.identities,
        images=sizes.images,
        searchable_templates=sizes.templates,
        in_review=faces.filter(state=FaceState.QUARANTINED, identity__isnull=False).count(),
        unnamed=faces.filter(state=FaceState.QUARANTINED, identity=None).count(),
        single_image_identities=sizes.singles,
        tags=sizes.tags,
        threshold=threshold_of(gallery),
        model_version=gallery.model_version,
        scoring=scoring_of(gallery),
        search=search_plan(gallery, templates=sizes.templates),
    )


def identities_of(gallery: Gallery, *, search: str = "") -> "QuerySet[Identity]":
    """Return a gallery's people with `images` (enrolled) and `cover_face_id`, unordered."""
    return people_of(gallery, PeopleFilter(search=search))


def _sizes(gallery: Gallery) -> Sizes:
    """Count what a gallery holds; for large ones the answer is up to some seconds old."""
    key = (gallery.pk, gallery.model_version_id)
    now = time.monotonic()
    known = _known.get(key)
    if known is not None and known[0].images > LARGE and now - known[1] < KNOWN_SECONDS:
        return known[0]
    enrolled = FaceImage.objects.filter(gallery=gallery, state=FaceState.ENROLLED)
    people = enrolled.order_by().values("identity").annotate(number=Count("*"))
    found = people.aggregate(
        images=Sum("number"), singles=Count("identity", filter=Q(number=1))
    )  # one pass over an index for both
    sizes = Sizes(
        identities=Identity.objects.filter(gallery=gallery).count(),
        images=found["images"] or 0,
        singles=found["singles"] or 0,
        templates=count_searchable(gallery),
        tags=tuple(tags_of(gallery)),
    )
    if sizes.images > LARGE:
        _known[key] = (sizes, now)
    return sizes


def _counted(rows: "QuerySet[Identity] | QuerySet[FaceImage]") -> dict[object, int]:
    counts = rows.order_by().values_list("gallery_id").annotate(number=Count("pk"))
    return dict(counts)
