"""Makes the calibration file of a backbone from the LFW images that View 2 does not use.

    python -m benchmarks.calibration --data ../shared/data/lfw

The scores of all pairs of the centred embeddings are counted. The centring vector is that of the
backbone; where it has none yet, the mean of the uncentred embeddings becomes it. Results:
recognition/vision/calibrations/NAME.json and, for a new backbone, NAME.centring.npy.
"""

import argparse
import json
from collections import Counter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks import environment, lfw, mixes
from recognition.vision import registry
from recognition.vision.calibration import FOLDER, Calibration, from_json
from recognition.vision.centring import centring_of, save
from recognition.vision.embedding import centred
from recognition.vision.matching import all_pairs, bin_of
from recognition.vision.pipeline import FacePipeline
from recognition.vision.scoring import KINDS, Mix, ScoreKind
from recognition.vision.types import Floats

BINS = 4000
GALLERIES = (3, 10, 50, 300, 1000, 3000)
IMAGES_PER_PERSON = 20
SEED = 20180408
_PROTOCOL = (
    "LFW (deep-funneled), the images that pairs.txt (View 2) does not name, at most "
    f"{IMAGES_PER_PERSON} of each person; View 2 is another set of images, though partly of the "
    "same people. Main face of each image by the detector's defaults, embeddings averaged over "
    "the mirror image. Centring vector: mean of the uncentred embeddings. Nonmated: every "
    "unordered pair of images of two people. Mated: every unordered pair of images of one person, "
    "each person weighing 1 in all. Identities as labelled by LFW; its few wrong labels raise the "
    "highest nonmated scores and so the thresholds of large galleries."
)
_MIXED = (
    "Cohort: one of these images of each person, drawn by a seed. Constants of the mix: means, "
    "deviations and correlations of the terms over random nonmated pairs of the same images."
)


def first_of_each(people: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """Rows of at most `most` images of each person, in order.

    A few people have hundreds of images in LFW; in all pairs of images a rate would mostly say
    how much those few look like others, and the mean would be theirs.
    """
    seen: Counter[int] = Counter()
    rows = []
    for row, person in enumerate(people.tolist()):
        seen[person] += 1
        if seen[person] <= most:
            rows.append(row)
    return np.array(rows, np.int64)


def mated_histogram(embeddings: Floats, people: NDArray[np.int64]) -> NDArray[np.float64]:
    """Scores of mated pairs, float64 (BINS,): each person's pairs sum to 1."""
    total = np.zeros(BINS)
    for person in np.flatnonzero(np.bincount(people) > 1):
        rows = embeddings[people == person]
        pairs = (rows @ rows.T)[np.triu_indices(len(rows), 1)]
        total += np.bincount(bin_of(pairs, BINS), minlength=BINS) / len(pairs)
    return total


def measure(
    faces: lfw.LfwEmbeddings, backbone: str, weights_sha256: str, centring: Floats | None = None
) -> dict[str, object]:
    """The content of the calibration file; without `centring` the mean of these faces is it."""
    usable = np.flatnonzero(faces.found)
    rows = usable[first_of_each(faces.people[usable], IMAGES_PER_PERSON)]
    raw, people = faces.raw[rows], faces.people[rows]
    if centring is None and registry.get(backbone).centres:
        centring = raw.mean(axis=0, dtype=np.float64).astype(np.float32)
    embeddings = centred(raw, centring)
    _, nonmated = all_pairs(embeddings, people, bins=BINS)
    mated = mated_histogram(embeddings, people)
    return {
        "backbone": backbone,
        "weights_sha256": weights_sha256,
        "protocol": _PROTOCOL,
        "people": len(np.unique(people)),
        "people_with_mates": round(float(mated.sum())),
        "images": len(raw),
        "failures": int((~faces.found).sum()),
        "bins": BINS,
        "nonmated": _packed(nonmated.counts.astype(np.float64)),
        "mated": _packed(mated),
        "centring": [] if centring is None else [float(str(value)) for value in centring],
    }


def _packed(counts: NDArray[np.float64]) -> dict[str, object]:
    """A histogram without its empty ends; whole numbers as such, others to five digits."""
    used = np.flatnonzero(counts)
    first, last = int(used[0]), int(used[-1])
    values = [int(v) if v == int(v) else float(f"{v:.5g}") for v in counts[first : last + 1]]
    return {"first_bin": first, "counts": values}


def show(calibration: Calibration) -> None:
    """Thresholds by gallery size as a table."""
    print(f"{calibration.images} images of {calibration.people} people, ", end="")
    print(f"{calibration.comparisons:,} nonmated pairs, {calibration.failures} without a face")
    print(f"{'templates':>10} {'threshold':>10} {'FMR':>10} {'FNMR':>8} {'FPIR':>8}  supported")
    for templates in GALLERIES:
        choice = calibration.threshold_for(templates)
        fnmr = calibration.fnmr_at(choice.score)
        print(
            f"{templates:>10} {choice.score:>10.4f} {choice.fmr:>10.2e} {fnmr:>8.4f} "
            f"{choice.expected_fpir:>8.4f}  {'yes' if choice.supported else 'no'}"
        )


def measure_mix(
    kind: ScoreKind, name: str, faces: mixes.Faces, people: NDArray[np.int64], mix: Mix
) -> dict[str, object]:
    """The content of the calibration file of a mixed kind of score."""
    mated, nonmated = mixes.histograms(mix, faces, people, BINS)
    return {
        "backbone": name,
        "weights_sha256": "",
        "protocol": f"{_PROTOCOL} {_MIXED}",
        "people": len(np.unique(people)),
        "people_with_mates": round(float(mated.sum())),
        "images": len(people),
        "failures": 0,
        "bins": BINS,
        "mix": mix.as_json(),
        "nonmated": _packed(nonmated.astype(np.float64)),
        "mated": _packed(mated),
        "centring": [],
    }


def _mixed_content(
    kind: ScoreKind,
    name: str,
    sets: list[lfw.LfwEmbeddings],
    yaw: Floats,
) -> dict[str, object]:
    """Embeddings centred as shipped, a cohort of one image per person, constants, histograms."""
    backbones = registry.components(name)
    usable = np.flatnonzero(np.logical_and.reduce([faces.found for faces in sets]))
    people = sets[0].people
    rows = usable[first_of_each(people[usable], IMAGES_PER_PERSON)]
    rng = np.random.default_rng(SEED)
    parts = [
        centred(faces.raw[rows], centring_of(registry.get(backbone)))
        for faces, backbone in zip(sets, backbones, strict=True)
    ]
    cohort = mixes.draw_cohort(people[rows], np.arange(len(rows)), rng)
    described = mixes.describe(parts, cohort, yaw[rows])
    poses = [mixes.POSES.get(backbone, (180.0, 180.0)) for backbone in backbones]
    mix = mixes.fit(kind, described, people[rows], rng, poses)
    return measure_mix(kind, name, described, people[rows], mix)


def main() -> None:
    """Make the file and show what follows from it."""
    environment.run_without_blas_overrides("benchmarks.calibration")
    parser = argparse.ArgumentParser(description="Make the calibration file of a backbone.")
    environment.add_arguments(parser, data=environment.DATA / "lfw")
    parser.add_argument("--backbone", default="facenet-casia", help="or an ensemble")
    parser.add_argument("--kind", default="raw", choices=KINDS, help="of score")
    parser.add_argument("--weights-file", type=Path, help="for a backbone no package carries")
    parser.add_argument("--out", type=Path, default=FOLDER)
    options = parser.parse_args()
    paired = set(lfw.view2(options.data).images)
    names = [name for name in lfw.image_names(options.data) if name not in paired]
    sets, digest = [], ""
    for backbone in registry.components(options.backbone):
        FacePipeline.prepare(
            options.models_dir, backbone=backbone, weights_file=options.weights_file
        )
        pipeline = FacePipeline.build(options.models_dir, backbone=backbone, calibrated=False)
        sets.append(lfw.embed(pipeline, options.data, names, options.cache))
        digest = pipeline.version.weights_sha256
    if options.kind == "raw":
        spec = registry.get(options.backbone)
        known = centring_of(spec)
        content = measure(sets[0], spec.name, digest, known)
        if known is None and spec.centres:
            save(options.out / f"{spec.name}.centring.npy", from_json(content).centring)
    else:
        yaw = lfw.detect(pipeline, options.data, names, options.cache)["yaw"]
        content = _mixed_content(options.kind, options.backbone, sets, yaw)
    suffix = "" if options.kind == "raw" else f".{options.kind}"
    path = options.out / f"{options.backbone}{suffix}.json"
    path.write_text(json.dumps(content) + "\n", encoding="utf-8")
    print(f"wrote {path}")
    show(from_json(content))


if __name__ == "__main__":
    main()
