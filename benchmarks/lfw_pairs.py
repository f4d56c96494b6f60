"""LFW View 2: verification in ten folds, with the product's own detector and embedder.

    python -m benchmarks.lfw_pairs            a table
    python -m benchmarks.lfw_pairs --json     one JSON record

Per fold, the centring vector is the mean over the images of the other nine folds and the threshold
is the one with the highest accuracy on their pairs. A pair with an image in which no face is found
is an error, mated or not.
"""

import argparse
import json
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks import environment, lfw
from recognition.vision.calibration import Calibration
from recognition.vision.embedding import centred
from recognition.vision.errors import CalibrationMissing
from recognition.vision.pipeline import FacePipeline
from recognition.vision.types import Floats
from training.evaluation.protocols import PairProtocol

_T_NINE = 2.262  # Student's t, 95 %, nine degrees of freedom
_SPEED_SAMPLE = 256
Scores = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Verification:
    """Result of ten folds. Rates are shares, 0..1; the interval is of the mean over folds, 95 %."""

    accuracy: float
    interval: tuple[float, float]
    standard_error: float
    folds: tuple[float, ...]
    eer: float
    tar_at_fmr_1e3: float
    fnmr_at_fmr_1e3: float
    threshold: float
    pairs: int
    pairs_without_face: int


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """The pairs as arrays: rows of the two images, mated, fold, and both faces found."""

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    mated: Flags
    fold: NDArray[np.int64]
    usable: Flags

    @classmethod
    def of(cls, pairs: PairProtocol, faces: lfw.LfwEmbeddings) -> "Trial":
        first, second = faces.rows(pairs.first), faces.rows(pairs.second)
        usable = faces.found[first] & faces.found[second]
        return cls(first, second, pairs.mated, pairs.fold, usable)


def best_threshold(scores: Scores, mated: Flags) -> float:
    """The middle between the two scores where accuracy on these pairs is highest."""
    order = np.argsort(-scores, kind="stable")
    gain = np.cumsum(np.where(mated[order], 1, -1))
    best = int(np.argmax(gain))
    ordered = scores[order]
    return float((ordered[best] + ordered[min(best + 1, len(ordered) - 1)]) / 2)


def scores_of(trial: Trial, faces: lfw.LfwEmbeddings, centring: Floats | None) -> Scores:
    """Cosine of every pair with one centring vector."""
    embeddings = centred(faces.raw, centring)
    product = embeddings[trial.first] * embeddings[trial.second]
    cosines: Scores = product.sum(axis=1, dtype=np.float64)
    return cosines


def scores_out_of_fold(trial: Trial, faces: lfw.LfwEmbeddings) -> list[Scores]:
    """Cosine of every pair, once per fold, centred with the mean over the other folds' images."""
    found = []
    for fold in range(int(trial.fold.max()) + 1):
        others = trial.fold != fold
        rows = np.unique(np.concatenate([trial.first[others], trial.second[others]]))
        mean = faces.raw[rows[faces.found[rows]]].mean(axis=0)
        found.append(scores_of(trial, faces, mean))
    return found


def verify(trial: Trial, by_fold: list[Scores]) -> Verification:
    """Accuracy per fold, and error rates over the pooled out-of-fold scores."""
    accuracies, thresholds = [], []
    pooled = np.empty(len(trial.mated))
    for fold, scores in enumerate(by_fold):
        mine = trial.fold == fold
        train = ~mine & trial.usable
        threshold = best_threshold(scores[train], trial.mated[train])
        right = ((scores >= threshold) == trial.mated) & trial.usable
        accuracies.append(float(right[mine].mean()))
        thresholds.append(threshold)
        pooled[mine] = scores[mine]
    pooled[~trial.usable] = -np.inf  # no template, no match
    spread = float(np.std(accuracies, ddof=1) / np.sqrt(len(accuracies)))
    mean = float(np.mean(accuracies))
    eer, fnmr = error_rates(pooled, trial.mated)
    return Verification(
        accuracy=mean,
        interval=(mean - _T_NINE * spread, min(1.0, mean + _T_NINE * spread)),
        standard_error=spread,
        folds=tuple(round(value, 5) for value in accuracies),
        eer=eer,
        tar_at_fmr_1e3=1.0 - fnmr,
        fnmr_at_fmr_1e3=fnmr,
        threshold=float(np.mean(thresholds)),
        pairs=len(trial.mated),
        pairs_without_face=int((~trial.usable).sum()),
    )


def error_rates(scores: Scores, mated: Flags) -> tuple[float, float]:
    """Equal error rate, and FNMR at the lowest threshold with FMR at most 1e-3."""
    edges = np.unique(scores)
    nonmated, own = np.sort(scores[~mated]), np.sort(scores[mated])
    fmr = 1.0 - np.searchsorted(nonmated, edges) / len(nonmated)
    fnmr = np.searchsorted(own, edges) / len(own)
    crossing = int(np.argmax(fnmr >= fmr))
    allowed = np.flatnonzero(fmr <= 1e-3)
    at_limit = float(fnmr[allowed[0]]) if len(allowed) else 1.0
    return float((fmr[crossing] + fnmr[crossing]) / 2), at_limit


def speed(pipeline: FacePipeline, data: Path) -> dict[str, float]:
    """Milliseconds per image of each step and images per second, on fresh images."""
    names = lfw.image_names(data)[:: max(1, len(lfw.image_names(data)) // _SPEED_SAMPLE)]
    names = names[:_SPEED_SAMPLE]
    lfw.main_faces(pipeline, data, names[:32])  # warm
    began = time.perf_counter()
    pictures = [lfw.read(data, name) for name in names]
    decoded = time.perf_counter()
    for start in range(0, len(pictures), 16):
        pipeline.detector.detect(pictures[start : start + 16])
    detected = time.perf_counter()
    lfw.main_faces(pipeline, data, names)
    ended = time.perf_counter()
    count = len(names)
    whole = ended - detected
    decode, detect = decoded - began, detected - decoded
    return {
        "images": count,
        "images_per_second": round(count / whole, 2),
        "decode_ms": round(decode / count * 1e3, 3),
        "detect_ms": round(detect / count * 1e3, 3),
        "embed_with_flip_ms": round((whole - decode - detect) / count * 1e3, 3),
    }


def main() -> None:
    """Run the protocol and print its record."""
    environment.run_without_blas_overrides("benchmarks.lfw_pairs")
    parser = argparse.ArgumentParser(description="LFW View 2 with the product's pipeline.")
    environment.add_arguments(parser, data=environment.DATA / "lfw")
    parser.add_argument("--backbone", default="facenet-casia")
    parser.add_argument("--engine", default="auto", choices=("auto", "openvino", "torch"))
    parser.add_argument("--json", action="store_true", help="one JSON record and nothing else")
    options = parser.parse_args()
    FacePipeline.prepare(options.models_dir, backbone=options.backbone)
    pipeline = FacePipeline.build(
        options.models_dir, backbone=options.backbone, engine=options.engine, calibrated=False
    )
    pairs = lfw.view2(options.data)
    names = pairs.images
    faces = lfw.embed(pipeline, options.data, names, options.cache, quiet=options.json)
    results = evaluate(Trial.of(pairs, faces), faces, options.backbone)
    record = environment.record(
        "lfw_pairs",
        protocol="LFW View 2, deep-funneled, 10 folds, cosine, mirror image averaged",
        model=asdict(pipeline.version),
        images=len(names),
        images_without_face=int((~faces.found).sum()),
        results={how: asdict(result) for how, result in results.items()},
        speed=speed(pipeline, options.data),
    )
    print(json.dumps(record, indent=1) if options.json else table(record, results))


def evaluate(trial: Trial, faces: lfw.LfwEmbeddings, backbone: str) -> dict[str, Verification]:
    """Results by kind of centring: mean of the training folds, the shipped vector, none."""
    kinds: dict[str, list[Scores]] = {"folds": scores_out_of_fold(trial, faces)}
    with suppress(CalibrationMissing):
        kinds["shipped"] = [scores_of(trial, faces, Calibration.load(backbone).centring)]
    kinds["none"] = [scores_of(trial, faces, None)]
    folds = int(trial.fold.max()) + 1
    return {
        how: verify(trial, scores if len(scores) == folds else scores * folds)
        for how, scores in kinds.items()
    }


def table(record: dict[str, object], results: dict[str, Verification]) -> str:
    """The record for people."""
    titles = {"folds": "mean of training folds", "shipped": "shipped vector", "none": "none"}
    heads = f"{'accuracy %':>12}{'95 % interval':>18}{'EER %':>8}{'TAR@FMR 1e-3 %':>16}"
    lines = [
        "LFW View 2, 6,000 pairs, 10 folds; failures to detect are errors",
        f"{'centring':<24}{heads}",
    ]
    for how, result in results.items():
        low, high = result.interval
        lines.append(
            f"{titles[how]:<24}{100 * result.accuracy:>12.2f}"
            f"{f'{100 * low:.2f} - {100 * high:.2f}':>18}{100 * result.eer:>8.2f}"
            f"{100 * result.tar_at_fmr_1e3:>16.2f}"
        )
    lines += [f"{key}: {json.dumps(record[key])}" for key in ("speed", "hardware", "versions")]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
