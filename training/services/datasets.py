"""Freezing selections of face images, and deleting them."""

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from faceplatform.core import audit, jobs
from faceplatform.core.actors import Actor
from faceplatform.core.errors import Conflict, DomainError, Unprocessable
from recognition.models import FaceImage, FaceState, Gallery
from recognition.services.names import clean_name
from training.evaluation.arrays import EvaluationError
from training.evaluation.splits import identity_disjoint_split, stratified_split
from training.models import Dataset, DatasetItem, InputKind, SplitKind
from training.selectors.manifests import digest_of

CHECK = "training.check_dataset"
MAX_NAME = 120
MAX_IMAGES = 500_000
PARTS = ("train", "val", "test")
EIGHTY_TWENTY = {"train": 0.8, "test": 0.2}
_ROWS = 2000


@dataclass(frozen=True, slots=True)
class Filters:
    """Which enrolled images are wanted. `max_images` keeps the best by quality of each person."""

    min_images: int = 1
    max_images: int | None = None
    min_quality: float = 0.0
    added_from: dt.date | None = None
    added_to: dt.date | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the form that the dataset keeps: only what restricts."""
        values = {key: value for key, value in asdict(self).items() if value}
        return {
            key: value.isoformat() if isinstance(value, dt.date) else value
            for key, value in values.items()
        }


@dataclass(frozen=True, slots=True)
class Split:
    """How images are shared out; `shares` are by part, in any scale."""

    kind: SplitKind = SplitKind.NONE
    shares: Mapping[str, float] | None = None
    seed: int = 0


@dataclass(frozen=True, slots=True)
class _Chosen:
    face_id: uuid.UUID
    identity_id: uuid.UUID


@transaction.atomic
def freeze_dataset(
    *,
    name: str,
    galleries: Sequence[Gallery],
    filters: Filters,
    split: Split,
    actor: Actor,
    description: str = "",
    input_kind: str = InputKind.PHOTO,
    ring: bool = True,
) -> Dataset:
    """Select enrolled images, share them out and keep the list for good.

    Raises DomainError `name_invalid`, `galleries_missing` or `split_invalid`, Conflict
    `dataset_exists`, Unprocessable `dataset_empty` or `dataset_too_large`.
    """
    if len({gallery.organization_id for gallery in galleries}) != 1:
        raise DomainError("galleries_missing", "Choose galleries, all of one organization.")
    organization_id = galleries[0].organization_id
    chosen = _choose(galleries, filters)
    parts = _parts(chosen, split)
    dataset = Dataset(
        organization_id=organization_id,
        name=clean_name(name, limit=MAX_NAME),
        description=description.strip(),
        filters=filters.as_json() | {"galleries": [gallery.name for gallery in galleries]},
        input_kind=InputKind(input_kind),
        split_kind=split.kind,
        seed=split.seed,
        digest="",
        images=len(chosen),
        identities=len({row.identity_id for row in chosen}),
        created_by_id=actor.user_id,
    )
    _save(dataset)
    dataset.galleries.set(galleries)
    DatasetItem.objects.bulk_create(
        (
            DatasetItem(dataset=dataset, face_id=c.face_id, identity_id=c.identity_id, part=part)
            for c, part in zip(chosen, parts, strict=True)
        ),
        batch_size=_ROWS,
    )
    dataset.digest = digest_of(dataset)
    dataset.job = jobs.enqueue(
        kind=CHECK,
        title=f"Checking the parts of {dataset.name}",
        organization_id=organization_id,
        actor=actor,
        payload={"dataset": str(dataset.pk)},
        ring=ring,
    )
    dataset.save(update_fields=["digest", "job"])
    _record(dataset, "dataset.freeze", actor)
    return dataset


@transaction.atomic
def delete_dataset(*, dataset: Dataset, actor: Actor) -> None:
    """Delete a dataset with its evaluations; the images stay where they are."""
    _record(dataset, "dataset.delete", actor)
    dataset.delete()


def _choose(galleries: Sequence[Gallery], filters: Filters) -> list[_Chosen]:
    """Return the wanted images, people together, in a fixed order."""
    rows: QuerySet[FaceImage] = FaceImage.objects.filter(
        gallery__in=galleries, state=FaceState.ENROLLED, identity__isnull=False
    )
    if filters.min_quality:
        rows = rows.filter(quality__gte=filters.min_quality)
    if filters.added_from:
        rows = rows.filter(created_at__date__gte=filters.added_from)
    if filters.added_to:
        rows = rows.filter(created_at__date__lte=filters.added_to)
    people: dict[uuid.UUID, list[uuid.UUID]] = {}
    ordered = rows.order_by("identity_id", "-quality", "pk").values_list("pk", "identity_id")
    for face_id, identity_id in ordered.iterator(chunk_size=_ROWS):
        if identity_id is not None:
            people.setdefault(identity_id, []).append(face_id)
    chosen = [
        _Chosen(face_id, identity_id)
        for identity_id, faces in people.items()
        if len(faces) >= filters.min_images
        for face_id in sorted(faces[: filters.max_images])
    ]
    if not chosen:
        raise Unprocessable("dataset_empty", "No enrolled image passes these filters.")
    if len(chosen) > MAX_IMAGES:
        raise Unprocessable("dataset_too_large", f"A dataset has at most {MAX_IMAGES:,} images.")
    return chosen


def _parts(chosen: Sequence[_Chosen], split: Split) -> list[str]:
    """Return the part of every chosen image; all are `test` without a split."""
    if split.kind == SplitKind.NONE:
        return ["test"] * len(chosen)
    shares = dict(split.shares or EIGHTY_TWENTY)
    if not set(shares) <= set(PARTS) or min(shares.values()) <= 0:
        raise DomainError("split_invalid", "Parts are train, val and test, each with a share.")
    total = sum(shares.values())
    stratified = split.kind == SplitKind.STRATIFIED
    deal = stratified_split if stratified else identity_disjoint_split
    people = [str(row.identity_id) for row in chosen]
    try:
        rows = deal(people, {p: s / total for p, s in shares.items()}, seed=split.seed)
    except EvaluationError as error:
        raise DomainError("split_invalid", f"This split is impossible: {error}.") from error
    if not all(len(part) for part in rows.values()):
        raise Unprocessable("split_invalid", "There are too few images for every part.")
    found = [""] * len(chosen)
    for part, places in rows.items():
        for place in places:
            found[int(place)] = part
    return found


def _save(dataset: Dataset) -> None:
    try:
        with transaction.atomic():
            dataset.save()
    except IntegrityError as error:
        if "dataset_name_once" not in str(error):
            raise
        raise Conflict("dataset_exists", "There is a dataset of that name already.") from error


def _record(dataset: Dataset, action: str, actor: Actor) -> None:
    audit.record(
        organization_id=dataset.organization_id,
        actor=actor,
        action=action,
        target_type="dataset",
        target_id=dataset.pk,
        target_label=dataset.name,
        data={"images": dataset.images, "digest": dataset.digest},
    )
