"""Images filed under the wrong person: how many are held back or listed, and at what price.

    python -m benchmarks.hygiene            a table
    python -m benchmarks.hygiene --json     one JSON record

All of LFW is enrolled image by image in random order, 200 images of it under the name of somebody
else. Both the wrong images' real person and the person they are filed under have at least two
images, and every person loses at most one. Every image passes the rule of the enrollment
(`recognition.vision.hygiene.judge`) against what is enrolled by then, with the threshold for that
size; then the hygiene job's list is made of the result. Two orders are measured: `mixed`, where a
wrong image may come before all right ones, as in an import; and `late`, where the wrong ones come
into a finished gallery. Wrong labels that LFW itself has count as right images here.
"""

import argparse
import json
from dataclasses import asdict, dataclass
from functools import lru_cache

import numpy as np

from benchmarks import environment, lfw
from recognition.vision.calibration import Calibration
from recognition.vision.embedding import centred
from recognition.vision.hygiene import (
    NOTHING,
    QUARANTINING,
    STRANGERS_PASS,
    Flags,
    Rows,
    inspect,
    judge,
)
from recognition.vision.pipeline import FacePipeline
from recognition.vision.types import Floats

WRONG = 200
LISTED = 400
STEP = 64
"""Images after which the threshold is computed again."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the wrong and the right images in one run."""

    order: str
    seed: int
    images: int
    wrong: int
    quarantined: int
    listed: int
    missed: int
    found_share: float
    right_quarantined: int
    right_quarantined_share: float
    list_length: int
    look_alikes: int
    duplicates: int


@dataclass(frozen=True, slots=True, eq=False)
class Faces:
    """Centred unit embeddings (N, d), the person of every row and the person it is filed under."""

    embeddings: Floats
    people: Rows
    filed: Rows

    @property
    def wrong(self) -> Flags:
        """Rows that are filed under somebody else."""
        wrong: Flags = self.people != self.filed
        return wrong


class Rules:
    """Thresholds by the number of images, from a calibration."""

    def __init__(self, calibration: Calibration) -> None:
        self._calibration = calibration
        self.low_match = lru_cache(maxsize=None)(self._low_match)

    def _low_match(self, images: int) -> float:
        return self._calibration.threshold_for(images, fpir=STRANGERS_PASS).score

    def threshold(self, templates: int) -> float:
        return self._calibration.threshold_for(templates).score


def misfile(embeddings: Floats, people: Rows, rng: np.random.Generator) -> Faces:
    """File 200 images, each of another person, under somebody else."""
    images = np.bincount(people)
    several = np.flatnonzero(images >= 2)
    filed = people.copy()
    losing = rng.permutation(several)[:WRONG]
    for person in losing:
        row = rng.choice(np.flatnonzero(people == person))
        filed[row] = rng.choice(several[several != person])
    return Faces(embeddings, people, filed)


def enroll(faces: Faces, order: Rows, rules: Rules) -> Flags:
    """Rows that are held back when images come in this order."""
    count = len(faces.people)
    held = np.zeros(count, bool)
    enrolled = np.zeros_like(faces.embeddings)
    owners = np.zeros(count, np.int64)
    size, threshold = 0, 0.0
    for number, row in enumerate(order):
        if number % STEP == 0:
            threshold = rules.threshold(size)
        scores = enrolled[:size] @ faces.embeddings[row]
        own = owners[:size] == faces.filed[row]
        held[row] = (
            judge(
                _best(scores[own]),
                _best(scores[~own]),
                low_match=rules.low_match(int(own.sum())),
                threshold=threshold,
            )
            in QUARANTINING
        )
        if not held[row]:
            enrolled[size], owners[size] = faces.embeddings[row], faces.filed[row]
            size += 1
    return held


def _best(scores: Floats) -> float | None:
    return float(scores.max(initial=NOTHING)) if len(scores) else None


def measure(
    name: str, seed: int, embeddings: Floats, people: Rows, calibration: Calibration
) -> Outcome:
    """Misfile, enroll and inspect once."""
    rng = np.random.default_rng(seed)
    rules = Rules(calibration)
    faces = misfile(embeddings, people, rng)
    order = rng.permutation(len(people))
    if name == "late":
        order = np.concatenate([order[~faces.wrong[order]], order[faces.wrong[order]]])
    held = enroll(faces, order, rules)
    report = inspect(
        faces.embeddings,
        faces.filed,
        held,
        threshold=rules.threshold(int((~held).sum())),
        low_match=rules.low_match,
    )
    listed = np.zeros(len(people), bool)
    listed[[suspect.row for suspect in report.suspects[:LISTED]]] = True
    wrong = faces.wrong
    found = wrong & (held | listed)
    return Outcome(
        order=name,
        seed=seed,
        images=len(people),
        wrong=int(wrong.sum()),
        quarantined=int((wrong & held).sum()),
        listed=int((wrong & ~held & listed).sum()),
        missed=int((wrong & ~found).sum()),
        found_share=round(float(found.sum() / wrong.sum()), 4),
        right_quarantined=int((held & ~wrong).sum()),
        right_quarantined_share=round(float((held & ~wrong).sum() / (~wrong).sum()), 4),
        list_length=len(report.suspects),
        look_alikes=len(report.look_alikes),
        duplicates=len(report.duplicates),
    )


def table(outcomes: list[Outcome]) -> str:
    """The outcomes for people."""
    head = ("order", "seed", "held back", "listed", "missed", "found", "right ones held", "rows")
    widths = (6, 6, 11, 8, 8, 9, 18, 7)
    lines = [
        f"{outcomes[0].images} images, {WRONG} of them filed wrongly",
        "".join(f"{word:>{width}}" for word, width in zip(head, widths, strict=True)),
    ]
    for one in outcomes:
        right = f"{one.right_quarantined} ({one.right_quarantined_share:.2%})"
        lines.append(
            f"{one.order:>6}{one.seed:>6}{one.quarantined:>11}{one.listed:>8}{one.missed:>8}"
            f"{one.found_share:>9.1%}{right:>18}{one.list_length:>7}"
        )
    return "\n".join(lines)


def main() -> None:
    """Run the protocol and print its record."""
    environment.run_without_blas_overrides("benchmarks.hygiene")
    parser = argparse.ArgumentParser(description="Wrongly filed images on LFW.")
    environment.add_arguments(parser, data=environment.DATA / "lfw")
    parser.add_argument("--backbone", default="facenet-casia")
    parser.add_argument("--seeds", type=int, default=3, help="runs of each order")
    parser.add_argument("--json", action="store_true", help="one JSON record and nothing else")
    options = parser.parse_args()
    FacePipeline.prepare(options.models_dir, backbone=options.backbone)
    pipeline = FacePipeline.build(options.models_dir, backbone=options.backbone, calibrated=False)
    names = lfw.image_names(options.data)
    found = lfw.embed(pipeline, options.data, names, options.cache, quiet=options.json)
    calibration = Calibration.load(options.backbone)
    embeddings = centred(found.raw[found.found], calibration.centring)
    people = found.people[found.found]
    outcomes = [
        measure(order, seed, embeddings, people, calibration)
        for order in ("mixed", "late")
        for seed in range(options.seeds)
    ]
    record = environment.record(
        "hygiene",
        protocol=" ".join((__doc__ or "").split("\n\n")[-1].split()),
        model=asdict(pipeline.version),
        results=[asdict(outcome) for outcome in outcomes],
    )
    print(json.dumps(record, indent=1) if options.json else table(outcomes))


if __name__ == "__main__":
    main()
