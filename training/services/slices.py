"""Errors by quality and by group: which images, and which people, the model is worse with."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import combinations
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from recognition.models import FaceImage, Identity
from training.evaluation.groups import GroupResult, templates_by_group
from training.evaluation.quality import DiscardCurve, error_versus_discard
from training.evaluation.verification import Verification
from training.services.sources import Faces

TARGET_FMR = 1e-3
MOST_PAIRS = 300_000
MOST_VALUES = 12
"""More values of one key are no groups but descriptions of single people."""
_PART = 5000
Ints = NDArray[np.int64]

# Every measure as "higher is better": a face looked at from the front has yaw and roll 0.
_MEASURES: dict[str, tuple[str, Callable[[float], float]]] = {
    "detection": ("detection", float),
    "eye distance": ("eye_distance", float),
    "sharpness": ("sharpness", float),
    "brightness": ("brightness", lambda value: -abs(value - 0.5)),
    "contrast": ("contrast", float),
    "frontal (yaw)": ("yaw", lambda value: -abs(value)),
    "upright (roll)": ("roll", lambda value: -abs(value)),
}


def slice_threshold(found: Verification) -> float:
    """Return the threshold at FMR 0.1 %, the strictest supported above it, else the EER's."""
    points = [p for p in found.points if p.threshold is not None and p.target_fmr >= TARGET_FMR]
    strict = min(points, key=lambda point: point.target_fmr, default=None)
    return found.eer_threshold if strict is None or strict.threshold is None else strict.threshold


def discards_of(
    faces: Faces, people: Ints, threshold: float, *, seed: int
) -> tuple[DiscardCurve, ...]:
    """Return FNMR against discarded low-quality images, for each quality measure that varies.

    At most 300,000 mated comparisons are looked at, drawn by the seed.
    """
    first, second = mated_pairs(people, seed=seed)
    if not len(first):
        return ()
    scores = _scores(faces, first, second)
    curves = []
    for name, values in _qualities(faces).items():
        if len(np.unique(values[np.isfinite(values)])) > 1:
            curves.append(
                error_versus_discard(name, scores, values[first], values[second], threshold)
            )
    return tuple(curves)


def mated_pairs(people: Ints, *, seed: int) -> tuple[Ints, Ints]:
    """Return the rows of all mated comparisons, or of 300,000 of them."""
    order = np.argsort(people, kind="stable")
    starts = np.flatnonzero(np.diff(people[order], prepend=-1))
    parts = [
        np.array(list(combinations(rows, 2)), np.int64) for rows in np.split(order, starts[1:])
    ]
    pairs = np.concatenate([part.reshape(-1, 2) for part in parts] or [np.empty((0, 2), np.int64)])
    if len(pairs) > MOST_PAIRS:
        rng = np.random.default_rng(seed)
        pairs = pairs[np.sort(rng.choice(len(pairs), MOST_PAIRS, replace=False))]
    return pairs[:, 0], pairs[:, 1]


def _scores(faces: Faces, first: Ints, second: Ints) -> NDArray[np.float64]:
    found = np.empty(len(first))
    for start in range(0, len(first), _PART):
        part = slice(start, start + _PART)
        one, two = faces.embeddings[first[part]], faces.embeddings[second[part]]
        found[part] = np.einsum("ij,ij->i", one, two)
    return found


def _qualities(faces: Faces) -> dict[str, NDArray[np.float64]]:
    """Return the measures of every face; NaN where one was not measured."""
    rows: dict[UUID, tuple[float, dict[str, Any]]] = {}
    for start in range(0, len(faces.faces), _PART):
        part = FaceImage.objects.filter(pk__in=faces.faces[start : start + _PART])
        for pk, score, parts in part.values_list("pk", "quality", "quality_parts"):
            rows[pk] = (score, parts)
    nothing: tuple[float, dict[str, Any]] = (np.nan, {})
    kept = [rows.get(face, nothing) for face in faces.faces]
    found = {"overall": np.array([score for score, _ in kept])}
    for name, (key, better) in _MEASURES.items():
        values = [parts.get(key) for _, parts in kept]
        found[name] = np.array([np.nan if value is None else better(value) for value in values])
    return found


def groups_of(
    faces: Faces, people: Ints, threshold: float, *, seed: int
) -> tuple[GroupResult, ...]:
    """Return errors within the groups that tags and metadata of people make.

    A tag is a group. A key of the metadata makes groups where at most twelve values stand for two
    people or more each. Groups of too few people are named without figures.
    """
    named = Identity.objects.filter(pk__in=set(faces.owners))
    found: list[GroupResult] = []
    for attribute in _attributes(named.values_list("pk", "tags", "metadata")):
        labels = [attribute.get(owner, "") for owner in faces.owners]
        found += templates_by_group(faces.embeddings, people, labels, threshold, seed=seed)
    return tuple(found)


def _attributes(
    people: Iterable[tuple[UUID, Sequence[str], dict[str, Any]]],
) -> list[dict[UUID, str]]:
    """Return who is in which group: one mapping per tag, and one per key of the metadata."""
    tags: dict[str, dict[UUID, str]] = defaultdict(dict)
    keys: dict[str, dict[UUID, str]] = defaultdict(dict)
    for pk, own, metadata in people:
        for tag in own:
            tags[tag][pk] = f"tag {tag}"
        for key, value in metadata.items():
            if isinstance(value, str | int) and value != "":
                keys[key][pk] = f"{key}: {value}"
    grouping = [values for _, values in sorted(keys.items()) if _makes_groups(values)]
    return [values for _, values in sorted(tags.items()) if len(values) > 1] + grouping


def _makes_groups(values: dict[UUID, str]) -> bool:
    counts = Counter(values.values())
    return 1 < len(counts) <= MOST_VALUES and min(counts.values()) > 1
