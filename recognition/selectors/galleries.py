"""What lists and headers of galleries show."""

from dataclasses import dataclass

from django.db.models import Count, OuterRef, QuerySet, Subquery

from faceplatform.core.models.scoped import Asks
from recognition.models import FaceImage, FaceState, Gallery, Identity, ModelVersion
from recognition.selectors.people import PeopleFilter, people_of
from recognition.selectors.score_kinds import Scoring, scoring_of
from recognition.selectors.templates import count_searchable
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
class GalleryFacts:
    """A gallery's state in numbers, with the evidence of its threshold."""

    identities: int
    images: int
    searchable_templates: int
    in_review: int
    unnamed: int
    single_image_identities: int
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
    return GalleryFacts(
        identities=Identity.objects.filter(gallery=gallery).count(),
        images=faces.filter(state=FaceState.ENROLLED).count(),
        searchable_templates=count_searchable(gallery),
        in_review=faces.filter(state=FaceState.QUARANTINED, identity__isnull=False).count(),
        unnamed=faces.filter(state=FaceState.QUARANTINED, identity=None).count(),
        single_image_identities=_with_one_image(gallery),
        threshold=threshold_of(gallery),
        model_version=gallery.model_version,
        scoring=scoring_of(gallery),
        search=search_plan(gallery),
    )


def identities_of(gallery: Gallery, *, search: str = "") -> "QuerySet[Identity]":
    """Return a gallery's people with `images` (enrolled) and `cover_face_id`, unordered."""
    return people_of(gallery, PeopleFilter(search=search))


def _with_one_image(gallery: Gallery) -> int:
    enrolled = FaceImage.objects.filter(gallery=gallery, state=FaceState.ENROLLED)
    owned = enrolled.filter(identity__isnull=False).order_by().values("identity")
    return owned.annotate(images=Count("*")).filter(images=1).count()


def _counted(rows: "QuerySet[Identity] | QuerySet[FaceImage]") -> dict[object, int]:
    counts = rows.order_by().values_list("gallery_id").annotate(number=Count("pk"))
    return dict(counts)
