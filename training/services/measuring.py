"""One function per protocol: from faces to the record of a report."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

import numpy as np

from training.evaluation.arrays import EvaluationError
from training.evaluation.comparisons import compare_all
from training.evaluation.identification import identify, search
from training.evaluation.leave_one_out import search_leaving_one_out
from training.evaluation.paired import compare_models
from training.evaluation.protocols import generate_pairs, split_search
from training.evaluation.report import named_suspects
from training.evaluation.resampling import IdentityCounts
from training.evaluation.sizes import by_gallery_size
from training.evaluation.suspects import suspects
from training.evaluation.verification import verify_all, verify_pairs
from training.models import Evaluation, ProtocolKind
from training.selectors.faces import owners_of
from training.services import records
from training.services.naming import measure_classification
from training.services.slices import discards_of, groups_of, slice_threshold
from training.services.sources import Faces

SUSPECTS = 1500
PAIRS = 6000
SIZES = (10, 30, 100, 300, 1000, 3000, 10_000)
DRAWS = 10
Pair = tuple[str, str, bool]


class Passes(Protocol):
    """Progress over several passes."""

    def begin(self, note: str) -> None:
        """Start the next pass."""

    def __call__(self, done: int, total: int) -> None:
        """Say how far the present pass is."""


@dataclass(frozen=True, slots=True, eq=False)
class Measuring:
    """What a protocol is given; `other` are the same faces under the second model."""

    evaluation: Evaluation
    faces: Faces
    steps: Passes
    other: Faces | None = None


@dataclass(frozen=True, slots=True)
class Measure:
    """A protocol: its function, and how often it goes over all images."""

    measure: Callable[[Measuring], dict[str, Any]]
    passes: int


def measure_all_pairs(given: Measuring) -> dict[str, Any]:
    """Every image with every other, and every image searched in the rest of the gallery."""
    faces, steps, seed = given.faces, given.steps, given.evaluation.seed
    people = numbers_of(faces)
    steps.begin("comparing every image with every other")
    found = compare_all(faces.embeddings, people, keep=records.SHOWN, progress=steps)
    steps.begin("what each person contributes")
    counts = IdentityCounts.of_templates(faces.embeddings, people, progress=steps)
    verification = verify_all(found, counts, seed=seed)
    steps.begin("searching every image in the rest")
    searches = search_leaving_one_out(faces.embeddings, people, progress=steps)
    steps.begin("looking for doubtful labels")
    doubtful = suspects(faces.embeddings, people, keep=SUSPECTS, progress=steps)
    steps.begin("by quality and by group")
    threshold = slice_threshold(verification)
    report = records.report_of(
        given.evaluation,
        faces,
        verification=verification,
        identification=identify({"max": searches}, seed=seed),
        discards=discards_of(faces, people, threshold, seed=seed),
        groups=groups_of(faces, people, threshold, seed=seed),
        notes=(f"Errors by quality and by group are at the threshold {threshold:.3f}.",),
        hardest_mated=records.hard_pairs(found.hardest_mated, faces, mated=True),
        hardest_nonmated=records.hard_pairs(found.hardest_nonmated, faces, mated=False),
        suspects=named_suspects(doubtful, [str(face) for face in faces.faces]),
    )
    return records.record_of(
        report,
        records.choices_of(verification, searches, seed=seed),
        strangers=records.packed_scores(searches.top[~searches.enrolled]),
        nonmated=records.packed_counts(found.nonmated),
    )


def measure_open_set(given: Measuring) -> dict[str, Any]:
    """Half of the people enrolled, one probe of each; one image of everybody else a stranger."""
    faces, seed = given.faces, given.evaluation.seed
    people = numbers_of(faces)
    split = split_search(people, seed=seed)
    asked = np.concatenate([split.probes, split.strangers])
    given.steps.begin("searching probes and strangers")
    found = search(
        faces.embeddings[asked],
        people[asked],
        faces.embeddings[split.gallery],
        people[split.gallery],
        progress=given.steps,
    )
    given.steps.begin("drawing galleries of several sizes")
    sizes = by_gallery_size(
        faces.embeddings,
        people,
        gallery_sizes(people),
        draws=DRAWS,
        seed=seed,
        progress=given.steps,
    )
    identification = identify(found, sizes=sizes, seed=seed)
    report = records.report_of(given.evaluation, faces, identification=identification)
    return records.record_of(report, [])


def gallery_sizes(people: "np.ndarray[Any, np.dtype[np.int64]]") -> tuple[int, ...]:
    """Return sizes to draw: 10, 30, 100 ... up to two thirds of the people with two images."""
    able = int((np.bincount(people) > 1).sum())
    return tuple(size for size in SIZES if size <= able * 2 // 3)


def measure_balanced(given: Measuring) -> dict[str, Any]:
    """As many mated as nonmated pairs, drawn by the seed."""
    return _measure_pairs(given, _drawn_pairs(given))


def measure_pairs(given: Measuring) -> dict[str, Any]:
    """The pairs of an uploaded file; an image without a template makes its pairs errors."""
    return _measure_pairs(given, [tuple(pair) for pair in given.evaluation.pairs])


def measure_models(given: Measuring) -> dict[str, Any]:
    """Two models on the same drawn pairs."""
    if given.other is None:
        raise EvaluationError("second_model_missing", "a second model is needed")
    pairs = _drawn_pairs(given)
    owners = _owners(given.faces) | _owners(given.other)
    mated = [pair[2] for pair in pairs]
    given.steps.begin("comparing the pairs with both models")
    first, second = (_scores(faces, pairs) for faces in (given.faces, given.other))
    compared = compare_models(
        first,
        second,
        mated,
        [owners[pair[0]] for pair in pairs],
        [owners[pair[1]] for pair in pairs],
        seed=given.evaluation.seed,
    )
    report = records.report_of(given.evaluation, given.faces, models=compared)
    changed = [(*pairs[one.pair][:2], one.better, one.mated) for one in compared.changed]
    return records.record_of(report, [], changed=changed)


def _drawn_pairs(given: Measuring) -> list[Pair]:
    faces = [str(face) for face in given.faces.faces]
    people = [str(owner) for owner in given.faces.owners]
    drawn = generate_pairs(faces, people, PAIRS, seed=given.evaluation.seed)
    return list(zip(drawn.first, drawn.second, drawn.mated.tolist(), strict=True))


def _measure_pairs(given: Measuring, pairs: list[Pair]) -> dict[str, Any]:
    given.steps.begin("comparing the pairs")
    scores = _scores(given.faces, pairs)
    mated = np.array([pair[2] for pair in pairs])
    owners = owners_of(given.evaluation)
    people = [
        [str(owners.get(UUID(one), one)) for one, _, _ in pairs],
        [str(owners.get(UUID(two), two)) for _, two, _ in pairs],
    ]
    verification = verify_pairs(scores, mated, *people, seed=given.evaluation.seed)
    report = records.report_of(
        given.evaluation,
        given.faces,
        verification=verification,
        hardest_mated=records.hardest(pairs, scores, mated, wanted=True),
        hardest_nonmated=records.hardest(pairs, scores, mated, wanted=False),
    )
    return records.record_of(report, [])


def _scores(faces: Faces, pairs: list[Pair]) -> "np.ndarray[Any, np.dtype[np.float64]]":
    """Return the score of every pair; minus infinity where an image has no template."""
    place = {str(face): row for row, face in enumerate(faces.faces)}
    scores = np.full(len(pairs), -np.inf)
    for number, (first, second, _) in enumerate(pairs):
        one, two = place.get(first), place.get(second)
        if one is not None and two is not None:
            scores[number] = float(faces.embeddings[one] @ faces.embeddings[two])
    return scores


def _owners(faces: Faces) -> dict[str, str]:
    return {str(f): str(o) for f, o in zip(faces.faces, faces.owners, strict=True)}


def numbers_of(faces: Faces) -> "np.ndarray[Any, np.dtype[np.int64]]":
    """Return one number per person for every face."""
    known: dict[Any, int] = {}
    return np.array([known.setdefault(owner, len(known)) for owner in faces.owners], np.int64)


PROTOCOLS: dict[str, Measure] = {
    ProtocolKind.ALL_PAIRS: Measure(measure_all_pairs, passes=5),
    ProtocolKind.OPEN_SET: Measure(measure_open_set, passes=2),
    ProtocolKind.BALANCED: Measure(measure_balanced, passes=1),
    ProtocolKind.PAIRS: Measure(measure_pairs, passes=1),
    ProtocolKind.CLASSIFICATION: Measure(measure_classification, passes=2),
    ProtocolKind.MODELS: Measure(measure_models, passes=1),
}
