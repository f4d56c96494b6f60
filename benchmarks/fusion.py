"""Rules that fuse the scores of one face with several images of a person, compared on LFW.

    python -m benchmarks.fusion                a table
    python -m benchmarks.fusion --json         one JSON record
    python -m benchmarks.fusion --write        also writes the thresholds of fused scores

Identities with five or more images. Of each, four images drawn by a seed are its anchors and at
most ten others its mated probes; nonmated probes are one image of every other person. Five draws.
Every identity weighs the same. Intervals: 95 %, bootstrap over identities (1,000 samples).
"""

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import environment, lfw
from benchmarks.calibration import IMAGES_PER_PERSON, first_of_each
from recognition.vision.calibration import FOLDER, Calibration
from recognition.vision.embedding import centred
from recognition.vision.fusion import DEFAULT_RULE, RULES, centroid_length, fuse_rows
from recognition.vision.matching import bin_of
from recognition.vision.pipeline import FacePipeline

SEED = 20180408
BINS = 4000
LEAST_IMAGES, ANCHORS, MOST_PROBES, DRAWS, SAMPLES = 5, 4, 10, 5, 1000
COUNTS = (1, 2, 3, 5, 8, 12, 16)
FMRS = (0.01, 0.001, 0.0001, 0.00001)
_CALIBRATION = (
    "LFW images that View 2 does not name, at most 20 of each person, as for the calibration of "
    "single scores. For each number of anchors, of every person with so many images that many "
    "drawn by a seed, five draws, against every image of all other people; the threshold is the "
    "score that the stated share of these comparisons reaches."
)
Rows = NDArray[np.int64]
Shares = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class RuleResult:
    """A rule's error rates with 95 % intervals; `behind_best` is the paired difference of EER."""

    rule: str
    eer: float
    eer_low: float
    eer_high: float
    fnmr_at_fmr_0_001: float
    behind_best: tuple[float, float]


def draws(faces: lfw.LfwEmbeddings, rng: np.random.Generator) -> Iterator[tuple[int, Rows, Rows]]:
    """Identity, its anchors and its mated probes, `DRAWS` times."""
    groups = [np.flatnonzero(faces.people == p) for p in range(int(faces.people.max()) + 1)]
    for _ in range(DRAWS):
        for person, rows in enumerate(groups):
            if len(rows) >= LEAST_IMAGES:
                order = rng.permutation(rows)
                yield person, order[:ANCHORS], order[ANCHORS : ANCHORS + MOST_PROBES]


def histograms(faces: lfw.LfwEmbeddings, seed: int) -> dict[str, tuple[Shares, Shares]]:
    """Per rule the shares of mated and nonmated scores, float64 (identities, BINS)."""
    rng = np.random.default_rng(seed)
    people = np.unique(faces.people)
    strangers = np.array([rng.choice(np.flatnonzero(faces.people == p)) for p in people])
    place: dict[int, int] = {}
    parts = {rule: ([], []) for rule in RULES}  # type: dict[str, tuple[list[Shares], list[Shares]]]
    owners = []
    for person, anchors, mates in draws(faces, rng):
        owners.append(place.setdefault(person, len(place)))
        others = strangers[faces.people[strangers] != person]
        length = centroid_length(faces.raw[anchors])
        for rule in RULES:
            for part, probes in zip(parts[rule], (mates, others), strict=True):
                scores = faces.raw[probes] @ faces.raw[anchors].T
                fused = fuse_rows(rule, scores, centroid_length=length)
                counts = np.bincount(bin_of(fused, BINS), minlength=BINS)
                part.append(counts / (len(probes) * DRAWS))
    return {rule: (_added(owners, m), _added(owners, n)) for rule, (m, n) in parts.items()}


def _added(owners: list[int], shares: list[Shares]) -> Shares:
    total = np.zeros((max(owners) + 1, BINS))
    for owner, share in zip(owners, shares, strict=True):
        total[owner] += share
    return total


def error_rates(mated: Shares, nonmated: Shares, weights: Shares) -> tuple[Shares, Shares]:
    """FNMR and FMR at every bin's lower edge, float64 (samples, BINS), for weights of identities.

    `weights` is (samples, identities), each row summing to 1.
    """
    fnmr = np.cumsum(weights @ mated, axis=1)
    fnmr = np.concatenate([np.zeros((len(fnmr), 1)), fnmr[:, :-1]], axis=1)
    fmr = np.cumsum((weights @ nonmated)[:, ::-1], axis=1)[:, ::-1]
    return fnmr, fmr


def equal_error(fnmr: Shares, fmr: Shares) -> Shares:
    """Equal error rates (samples,): where FNMR first reaches FMR, the mean of the two."""
    index = (fnmr >= fmr).argmax(axis=1)
    rows = np.arange(len(fnmr))
    eer: Shares = (fnmr[rows, index] + fmr[rows, index]) / 2
    return eer


def compare(shares: dict[str, tuple[Shares, Shares]], seed: int) -> list[RuleResult]:
    """Error rates of every rule, on the same bootstrap samples of identities."""
    identities = len(shares["max"][0])
    rng = np.random.default_rng(seed)
    sampled = rng.multinomial(identities, np.full(identities, 1 / identities), SAMPLES)
    weights = np.concatenate([np.full((1, identities), 1 / identities), sampled / identities])
    found: dict[str, tuple[Shares, float]] = {}
    for rule, (mated, nonmated) in shares.items():
        fnmr, fmr = error_rates(mated, nonmated, weights)
        at = int((fmr[0] <= 0.001).argmax())
        found[rule] = equal_error(fnmr, fmr), float(fnmr[0, at])
    best = min(found.values(), key=lambda pair: float(pair[0][0]))[0]
    return [
        RuleResult(
            rule=rule,
            eer=float(eer[0]),
            eer_low=float(np.quantile(eer[1:], 0.025)),
            eer_high=float(np.quantile(eer[1:], 0.975)),
            fnmr_at_fmr_0_001=fnmr,
            behind_best=(
                float(np.quantile(eer[1:] - best[1:], 0.025)),
                float(np.quantile(eer[1:] - best[1:], 0.975)),
            ),
        )
        for rule, (eer, fnmr) in found.items()
    ]


def fused_thresholds(faces: lfw.LfwEmbeddings, seed: int) -> dict[str, Any]:
    """The calibration of fused scores: thresholds per rule, number of anchors and FMR."""
    rng = np.random.default_rng(seed)
    groups = [np.flatnonzero(faces.people == p) for p in np.unique(faces.people)]
    counts: dict[str, Any] = {rule: [] for rule in RULES}
    comparisons = []
    for anchors in COUNTS:
        totals = {rule: np.zeros(BINS) for rule in RULES}
        # Single anchors would be every pair there is; a thousand people say enough.
        able = [rows for rows in groups if len(rows) >= anchors]
        able = [able[i] for i in rng.permutation(len(able))[:1000]]
        for rows in able * DRAWS:
            chosen = rng.permutation(rows)[:anchors]
            others = np.flatnonzero(faces.people != faces.people[rows[0]])
            scores = faces.raw[others] @ faces.raw[chosen].T
            length = centroid_length(faces.raw[chosen])
            for rule in RULES:
                fused = fuse_rows(rule, scores, centroid_length=length)
                totals[rule] += np.bincount(bin_of(fused, BINS), minlength=BINS)
        comparisons.append(int(totals["max"].sum()))
        for rule in RULES:
            counts[rule].append([_reached_by(totals[rule], fmr) for fmr in FMRS])
    return {
        "counts": list(COUNTS),
        "fmrs": list(FMRS),
        "comparisons": comparisons,
        "thresholds": counts,
        "protocol": _CALIBRATION,
    }


def _reached_by(counts: Shares, share: float) -> float:
    """The lowest bin edge that at most this share of the scores reaches."""
    above = np.cumsum(counts[::-1])[::-1]
    index = int((above <= share * above[0]).argmax())
    return round(-1.0 + 2.0 * index / BINS, 4)


def table(results: list[RuleResult], identities: int) -> str:
    """The results for people."""
    lines = [f"{'rule':<10} {'EER':>7} {'95 % interval':>16} {'FNMR at FMR 0.001':>18}"]
    for row in sorted(results, key=lambda result: result.eer):
        interval = f"{row.eer_low:.2%} - {row.eer_high:.2%}"
        mark = "  default" if row.rule == DEFAULT_RULE else ""
        lines.append(
            f"{row.rule:<10} {row.eer:>7.2%} {interval:>16} {row.fnmr_at_fmr_0_001:>18.2%}{mark}"
        )
    lines.append(f"{identities} identities with {LEAST_IMAGES} or more images, {ANCHORS} anchors.")
    return "\n".join(lines)


def _usable(pipeline: FacePipeline, options: argparse.Namespace) -> lfw.LfwEmbeddings:
    """Centred embeddings of the images with a face."""
    names = lfw.image_names(options.data)
    loaded = lfw.embed(pipeline, options.data, names, options.cache, quiet=options.json)
    part = _part(loaded, np.flatnonzero(loaded.found))
    centring = Calibration.load(options.backbone).centring
    return replace(part, raw=centred(part.raw, centring))


def _calibrating(faces: lfw.LfwEmbeddings, data: Path) -> lfw.LfwEmbeddings:
    """The images that calibrations are made of."""
    view2 = set(lfw.view2(data).images)
    rest = _part(faces, np.array([i for i, n in enumerate(faces.names) if n not in view2]))
    return _part(rest, first_of_each(rest.people, IMAGES_PER_PERSON))


def _part(faces: lfw.LfwEmbeddings, rows: Rows) -> lfw.LfwEmbeddings:
    return lfw.LfwEmbeddings(
        tuple(faces.names[row] for row in rows),
        faces.raw[rows],
        faces.found[rows],
        faces.people[rows],
    )


def main() -> None:
    """Run the protocol and print its record."""
    environment.run_without_blas_overrides("benchmarks.fusion")
    parser = argparse.ArgumentParser(description="Fusion rules on LFW.")
    environment.add_arguments(parser, data=environment.DATA / "lfw")
    parser.add_argument("--backbone", default="facenet-casia")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--json", action="store_true", help="one JSON record and nothing else")
    parser.add_argument("--write", action="store_true", help="write the calibration file")
    options = parser.parse_args()
    FacePipeline.prepare(options.models_dir, backbone=options.backbone)
    pipeline = FacePipeline.build(options.models_dir, backbone=options.backbone, calibrated=False)
    faces = _usable(pipeline, options)
    shares = histograms(faces, options.seed)
    results = compare(shares, options.seed)
    if options.write:
        about = {"backbone": options.backbone, "weights_sha256": pipeline.version.weights_sha256}
        content = about | fused_thresholds(_calibrating(faces, options.data), options.seed)
        path = FOLDER / f"{options.backbone}.fusion.json"
        path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    record = environment.record(
        "fusion",
        protocol=" ".join((__doc__ or "").split("\n\n")[-1].split()),
        seed=options.seed,
        model=asdict(pipeline.version),
        identities=len(shares["max"][0]),
        default=DEFAULT_RULE,
        results=[asdict(result) for result in results],
    )
    print(json.dumps(record, indent=1) if options.json else table(results, len(shares["max"][0])))


if __name__ == "__main__":
    main()
