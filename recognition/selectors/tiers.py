"""How a gallery is searched, and why: the one place that decides."""

from dataclasses import dataclass
from enum import StrEnum

from django.conf import settings

from recognition.models import Gallery, SearchIndex
from recognition.selectors import memory
from recognition.selectors.templates import count_about

EXACT_UP_TO = 10_000
"""Templates up to which PostgreSQL's exact scan takes a few milliseconds (benchmarks/README.md)."""
LEAST_FIRST_SAME = 0.995
"""An index that puts another person first more often than this is not used."""


class Tier(StrEnum):
    """Ways to search."""

    EXACT = "exact"
    MEMORY = "memory"
    INDEX = "index"


@dataclass(frozen=True, slots=True)
class SearchPlan:
    """How a gallery is searched now. `index` is there where the tier uses it or could."""

    tier: Tier
    reason: str
    templates: int
    index: SearchIndex | None


def search_plan(gallery: Gallery, *, templates: int | None = None) -> SearchPlan:
    """Choose how to search a gallery; `templates` saves counting where the number is known.

    Exact in PostgreSQL while that is quick. Above that exact in this process's memory where the
    gallery fits, else by index where one was built and its measured recall is high enough, else
    exact in PostgreSQL, slower.
    """
    count = count_about(gallery) if templates is None else templates
    if count <= EXACT_UP_TO:
        reason = f"exact in the database: {count:,} templates take a few milliseconds"
        return SearchPlan(Tier.EXACT, reason, count, None)
    if memory.fits(count, gallery.model_version.dimension):
        reason = f"exact in memory: {count:,} templates fit into {settings.SEARCH_MEMORY_MB} MB"
        return SearchPlan(Tier.MEMORY, reason, count, _index(gallery))
    index = _index(gallery)
    too_large = f"{count:,} templates do not fit into {settings.SEARCH_MEMORY_MB} MB"
    if index is None:
        reason = f"exact in the database, slowly: {too_large} and there is no index"
        return SearchPlan(Tier.EXACT, reason, count, None)
    if index.first_same is None or index.first_same < LEAST_FIRST_SAME:
        known = "not measured" if index.first_same is None else f"{index.first_same:.1%}"
        reason = f"exact in the database, slowly: the index finds the same person first: {known}"
        return SearchPlan(Tier.EXACT, reason, count, index)
    reason = (
        f"by index: {too_large}; it finds the same person first for {index.first_same:.1%} of "
        f"{index.probes:,} probes"
    )
    return SearchPlan(Tier.INDEX, reason, count, index)


def _index(gallery: Gallery) -> SearchIndex | None:
    return SearchIndex.objects.filter(
        gallery=gallery, model_version_id=gallery.model_version_id
    ).first()
