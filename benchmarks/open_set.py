"""Open-set identification on LFW: who is found, and how many strangers are named.

    python -m benchmarks.open_set            a table
    python -m benchmarks.open_set --json     one JSON record
    python -m benchmarks.open_set --scoring all    kinds of scores side by side

The people are split in three by a seed. The second third makes the calibration (centring vector and
score histograms), exactly as `benchmarks.calibration` does. The first third is enrolled; of every
person with two or more images one image is kept out as mated probe. The last third are strangers,
one image each. The threshold is the product's default for the number of templates. Galleries of 3,
50 and 300 people are drawn repeatedly from the first third.
"""

import argparse
import json
import math
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks import environment, lfw
from benchmarks.calibration import measure
from recognition.vision.calibration import Calibration, from_json
from recognition.vision.embedding import centred
from recognition.vision.pipeline import FacePipeline
from recognition.vision.types import Floats

SEED = 20180408
STRANGERS = 1000
DRAWS = {3: 400, 50: 100, 300: 30}
Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Rate:
    """A share with its 95 % Wilson interval."""

    value: float
    low: float
    high: float
    of: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """One gallery size: ranks, misses and false names at the default threshold."""

    people: int
    templates: int
    galleries: int
    threshold: float
    rank_1: Rate
    enrolled_named: Rate
    strangers_named: Rate


@dataclass(slots=True)
class _Tally:
    """Counts that add up over galleries of one size."""

    templates: int = 0
    galleries: int = 0
    threshold: float = 0.0
    probes: int = 0
    first: int = 0
    named: int = 0
    strangers: int = 0
    false_names: int = 0


def wilson(count: int, of: int) -> Rate:
    """Share and 95 % interval (Wilson 1927)."""
    z = 1.959964
    share = count / of
    middle = (share + z * z / (2 * of)) / (1 + z * z / of)
    half = z / (1 + z * z / of) * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    return Rate(share, max(0.0, middle - half), min(1.0, middle + half), of)


def split(people: Rows, seed: int) -> tuple[Rows, Rows, Rows]:
    """Rows of the gallery's, the calibration's and the strangers' people."""
    order = np.random.default_rng(seed).permutation(int(people.max()) + 1)
    thirds = np.array_split(order, 3)
    gallery, calibration, strangers = (np.flatnonzero(np.isin(people, part)) for part in thirds)
    return gallery, calibration, strangers


def enroll(people: Rows, rows: Rows, rng: np.random.Generator) -> tuple[Rows, Rows]:
    """Rows that are enrolled and rows kept out as mated probes, one of each person with mates."""
    enrolled: list[np.int64] = []
    probes: list[np.int64] = []
    for person in np.unique(people[rows]):
        own = rng.permutation(rows[people[rows] == person])
        if len(own) > 1:
            probes.append(own[0])
            own = own[1:]
        enrolled.extend(own)
    return np.array(enrolled, np.int64), np.array(probes, np.int64)


def ask(
    tally: _Tally,
    stored: Floats,
    people: Rows,
    sets: tuple[Rows, Rows, Rows],
    calibration: Calibration,
) -> None:
    """Ask one gallery about its probes and the strangers; add to the tally."""
    enrolled, probes, strangers = sets
    threshold = calibration.threshold_for(len(enrolled)).score
    scores = stored[probes] @ stored[enrolled].T
    best = scores.argmax(axis=1)
    right = people[enrolled[best]] == people[probes]
    named = right & (scores.max(axis=1) >= threshold)
    false_names = (stored[strangers] @ stored[enrolled].T).max(axis=1) >= threshold
    tally.galleries += 1
    tally.templates += len(enrolled)
    tally.threshold += threshold
    tally.probes += len(probes)
    tally.first += int(right.sum())
    tally.named += int(named.sum())
    tally.strangers += len(strangers)
    tally.false_names += int(false_names.sum())


def outcome(people: int, tally: _Tally) -> Outcome:
    """Turn counts into rates."""
    return Outcome(
        people=people,
        templates=round(tally.templates / tally.galleries),
        galleries=tally.galleries,
        threshold=round(tally.threshold / tally.galleries, 4),
        rank_1=wilson(tally.first, tally.probes),
        enrolled_named=wilson(tally.named, tally.probes),
        strangers_named=wilson(tally.false_names, tally.strangers),
    )


def measure_all(faces: lfw.LfwEmbeddings, weights_sha256: str, seed: int) -> list[Outcome]:
    """Every gallery size with one split of the people."""
    rng = np.random.default_rng(seed)
    usable = np.flatnonzero(faces.found)
    raw, people = faces.raw[usable], faces.people[usable]
    gallery, calibrating, unknown = split(people, seed)
    part = lfw.LfwEmbeddings(
        tuple(faces.names[row] for row in usable[calibrating]),
        raw[calibrating],
        np.ones(len(calibrating), bool),
        people[calibrating],
    )
    calibration = from_json(measure(part, "facenet-casia", weights_sha256))
    # What is stored is a halfvec: scores are taken between rounded vectors.
    stored = centred(raw, calibration.centring).astype(np.float16).astype(np.float32)
    strangers = _one_each(people, unknown, rng)[:STRANGERS]
    results = []
    everybody = _Tally()
    ask(everybody, stored, people, (*enroll(people, gallery, rng), strangers), calibration)
    counts = np.bincount(people[gallery], minlength=int(people.max()) + 1)
    with_mates = np.flatnonzero(counts > 1)
    for size, draws in DRAWS.items():
        tally = _Tally()
        for _ in range(draws):
            chosen = rng.choice(with_mates, size, replace=False)
            rows = gallery[np.isin(people[gallery], chosen)]
            ask(tally, stored, people, (*enroll(people, rows, rng), strangers), calibration)
        results.append(outcome(size, tally))
    results.append(outcome(len(np.unique(people[gallery])), everybody))
    return results


def _one_each(people: Rows, rows: Rows, rng: np.random.Generator) -> Rows:
    shuffled = rng.permutation(rows)
    _, first = np.unique(people[shuffled], return_index=True)
    return rng.permutation(shuffled[first])


def table(results: list[Outcome], failures: int) -> str:
    """The outcomes for people."""
    head = f"{'people':>7} {'templates':>10} {'threshold':>10} {'rank-1':>8}"
    lines = [f"{head} {'enrolled named':>24} {'strangers named':>24}"]
    for row in results:
        cells = [f"{row.people:>7} {row.templates:>10} {row.threshold:>10.3f}"]
        cells.append(f"{row.rank_1.value:>8.2%}")
        cells += [
            f"{rate.value:>8.2%} ({rate.low:.2%}-{rate.high:.2%})".rjust(24)
            for rate in (row.enrolled_named, row.strangers_named)
        ]
        lines.append(" ".join(cells))
    lines.append(f"{failures} images without a face are left out here and counted in lfw_pairs.")
    return "\n".join(lines)


def main() -> None:
    """Run the protocol and print its record."""
    environment.run_without_blas_overrides("benchmarks.open_set")
    parser = argparse.ArgumentParser(description="Open-set identification on LFW.")
    environment.add_arguments(parser, data=environment.DATA / "lfw")
    parser.add_argument("--backbone", default="facenet-casia")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument(
        "--scoring",
        choices=("plain", "normalised", "ensemble", "all"),
        help="compare kinds of scores at equal FPIR instead of default thresholds",
    )
    parser.add_argument("--splits", type=int, default=5, help="with --scoring")
    parser.add_argument("--json", action="store_true", help="one JSON record and nothing else")
    options = parser.parse_args()
    if options.scoring:
        by_scoring(options)
        return
    pipeline, faces = _embedded(options, options.backbone)
    results = measure_all(faces, pipeline.version.weights_sha256, options.seed)
    failures = int((~faces.found).sum())
    record = environment.record(
        "open_set",
        protocol=" ".join((__doc__ or "").split("\n\n")[-1].split()),
        seed=options.seed,
        model=asdict(pipeline.version),
        images_without_face=failures,
        results=[asdict(result) for result in results],
    )
    print(json.dumps(record, indent=1) if options.json else table(results, failures))


def by_scoring(options: argparse.Namespace) -> None:
    """Compare kinds of scores; see `open_set_scoring`."""
    from benchmarks import open_set_scoring as kinds

    chosen = kinds.SCHEMES if options.scoring == "all" else {"": kinds.SCHEMES[options.scoring]}
    schemes = [scheme for group in chosen.values() for scheme in group]
    sets, models = {}, {}
    for name in sorted({name for scheme in schemes for name in scheme.backbones}):
        pipeline, sets[name] = _embedded(options, name)
        models[name] = asdict(pipeline.version)
    yaw = lfw.detect(pipeline, options.data, lfw.image_names(options.data), options.cache)["yaw"]
    seeds = range(options.seed, options.seed + options.splits)
    results = kinds.compare(sets, yaw, schemes, seeds)
    record = environment.record(
        "open_set_scoring",
        protocol=" ".join((kinds.__doc__ or "").split("\n\n")[-1].split()),
        seeds=list(seeds),
        models=models,
        results=[asdict(result) for result in results],
    )
    print(json.dumps(record, indent=1) if options.json else kinds.table(results))


def _embedded(options: argparse.Namespace, backbone: str) -> tuple[FacePipeline, lfw.LfwEmbeddings]:
    FacePipeline.prepare(options.models_dir, backbone=backbone)
    pipeline = FacePipeline.build(options.models_dir, backbone=backbone, calibrated=False)
    names = lfw.image_names(options.data)
    return pipeline, lfw.embed(pipeline, options.data, names, options.cache, quiet=options.json)


if __name__ == "__main__":
    main()
