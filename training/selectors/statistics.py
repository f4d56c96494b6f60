"""A dataset in numbers and pictures."""

from dataclasses import dataclass

from django.db.models import Avg, Count, Max, Min

from training.models import Dataset, DatasetItem

_EDGES = ((1, 1), (2, 2), (3, 5), (6, 10), (11, 20), (21, 50), (51, 10**9))


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a histogram; `share` is its height against the highest, 0 to 1."""

    label: str
    count: int
    share: float


@dataclass(frozen=True, slots=True)
class DatasetStatistics:
    """What is in a dataset now. `gone` images were deleted since it was frozen."""

    images: int
    identities: int
    gone: int
    fewest: int
    mean: float
    most: int
    quality: float
    per_person: tuple[Bar, ...]
    examples: tuple[DatasetItem, ...]


def dataset_statistics(dataset: Dataset, *, examples: int = 24) -> DatasetStatistics:
    """Count, and choose example pictures spread over the whole of the dataset."""
    people = dataset.items.order_by().values("identity_id").annotate(images=Count("pk"))
    spread = people.aggregate(Min("images"), Avg("images"), Max("images"), number=Count("pk"))
    counts = list(people.values_list("images", flat=True))
    total = sum(counts)
    quality = dataset.items.aggregate(mean=Avg("face__quality"))["mean"]
    return DatasetStatistics(
        images=total,
        identities=len(counts),
        gone=max(0, dataset.images - total),
        fewest=spread["images__min"] or 0,
        mean=spread["images__avg"] or 0.0,
        most=spread["images__max"] or 0,
        quality=quality or 0.0,
        per_person=_bars(counts),
        examples=_examples(dataset, total, examples),
    )


def _bars(counts: list[int]) -> tuple[Bar, ...]:
    found = [
        (_label(low, high), sum(low <= count <= high for count in counts)) for low, high in _EDGES
    ]
    top = max((count for _, count in found), default=0) or 1
    return tuple(Bar(label, count, count / top) for label, count in found)


def _label(low: int, high: int) -> str:
    if low == high:
        return f"{low} image" if low == 1 else f"{low} images"
    return f"{low} or more" if high >= 10**9 else f"{low}-{high}"


def _examples(dataset: Dataset, total: int, wanted: int) -> tuple[DatasetItem, ...]:
    if not total:
        return ()
    ids = list(dataset.items.order_by("pk").values_list("pk", flat=True))
    chosen = ids[:: max(1, total // wanted)][:wanted]
    rows = dataset.items.filter(pk__in=chosen).select_related("face__photo", "identity")
    return tuple(rows.order_by("pk"))
