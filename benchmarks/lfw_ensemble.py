"""LFW View 2 with several backbones: each alone, and their scores fused.

    python -m benchmarks.lfw_ensemble            a table
    python -m benchmarks.lfw_ensemble --json     one JSON record

The protocol is that of `benchmarks.lfw_pairs`: per fold, the centring vectors and the constants of
the mix come from the images of the other nine folds, and so does the threshold. Cohort-normalised
scores are left out: pairs come without a gallery.
"""

import argparse
import json
from dataclasses import asdict

import numpy as np

from benchmarks import environment, lfw, mixes
from benchmarks.lfw_pairs import Scores, Trial, Verification, verify
from recognition.vision import registry
from recognition.vision.embedding import centred
from recognition.vision.pipeline import FacePipeline
from recognition.vision.scoring import CohortStatistics
from recognition.vision.types import Floats


def fold_scores(
    trial: Trial, sets: list[lfw.LfwEmbeddings], names: tuple[str, ...], yaw: Floats, fused: bool
) -> list[Scores]:
    """Scores of every pair, once per fold, with constants from the other folds."""
    found = []
    for fold in range(int(trial.fold.max()) + 1):
        others = trial.fold != fold
        rows = np.unique(np.concatenate([trial.first[others], trial.second[others]]))
        rows = rows[sets[0].found[rows]]
        parts = []
        for name, faces in zip(names, sets, strict=True):
            mean = faces.raw[rows].mean(axis=0) if registry.get(name).centres else None
            parts.append(centred(faces.raw, mean))
        blank = CohortStatistics(np.zeros(len(yaw), np.float32), np.ones(len(yaw), np.float32))
        faces_of = mixes.Faces(tuple(parts), (blank,) * len(parts), np.abs(yaw))
        mix = None
        if fused:
            poses = [mixes.POSES.get(name, (180.0, 180.0)) for name in names]
            rng = np.random.default_rng(fold)
            mix = mixes.fit("fused", faces_of.rows(rows), sets[0].people[rows], rng, poses)
        scores = mixes.pairs(mix, faces_of, trial.first, trial.second)
        found.append(scores.astype(np.float64))
    return found


def evaluate(
    trial: Trial, sets: list[lfw.LfwEmbeddings], names: tuple[str, ...], yaw: Floats
) -> dict[str, Verification]:
    """Each backbone alone, then all fused."""
    results = {
        name: verify(trial, fold_scores(trial, [faces], (name,), yaw, fused=False))
        for name, faces in zip(names, sets, strict=True)
    }
    results["fused"] = verify(trial, fold_scores(trial, sets, names, yaw, fused=True))
    return results


def table(results: dict[str, Verification]) -> str:
    """The results for people."""
    lines = [f"{'scores':<16}{'accuracy %':>12}{'95 % interval':>18}{'EER %':>8}{'TAR@1e-3 %':>12}"]
    for name, result in results.items():
        low, high = result.interval
        lines.append(
            f"{name:<16}{100 * result.accuracy:>12.2f}"
            f"{f'{100 * low:.2f} - {100 * high:.2f}':>18}{100 * result.eer:>8.2f}"
            f"{100 * result.tar_at_fmr_1e3:>12.2f}"
        )
    return "\n".join(lines)


def main() -> None:
    """Run the protocol and print its record."""
    environment.run_without_blas_overrides("benchmarks.lfw_ensemble")
    parser = argparse.ArgumentParser(description="LFW View 2 with several backbones.")
    environment.add_arguments(parser, data=environment.DATA / "lfw")
    parser.add_argument("--ensemble", default="facenet-dlib")
    parser.add_argument("--json", action="store_true", help="one JSON record and nothing else")
    options = parser.parse_args()
    pairs = lfw.view2(options.data)
    names = pairs.images
    backbones = registry.components(options.ensemble)
    sets, models = [], {}
    for backbone in backbones:
        FacePipeline.prepare(options.models_dir, backbone=backbone)
        pipeline = FacePipeline.build(options.models_dir, backbone=backbone, calibrated=False)
        sets.append(lfw.embed(pipeline, options.data, names, options.cache, quiet=options.json))
        models[backbone] = asdict(pipeline.version)
    yaw = lfw.detect(pipeline, options.data, names, options.cache)["yaw"]
    results = evaluate(Trial.of(pairs, sets[0]), sets, backbones, yaw)
    record = environment.record(
        "lfw_ensemble",
        protocol=" ".join((__doc__ or "").split("\n\n")[-1].split()),
        models=models,
        results={name: asdict(result) for name, result in results.items()},
    )
    print(json.dumps(record, indent=1) if options.json else table(results))


if __name__ == "__main__":
    main()
