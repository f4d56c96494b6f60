"""All-vs-all of LFW: time, memory and exactness, beside a CSV with pandas and scikit-learn.

    python -m benchmarks.evaluation            a table
    python -m benchmarks.evaluation --json     one JSON record

All images with a face are compared with each other in a process of its own: both histograms and the
1,000 hardest pairs of each kind. Seconds are medians. Memory is the highest resident size less the
size with the templates loaded. On the first 3,000 images FMR and FNMR are compared with sorting all
scores in float64, at every edge of a bin. On the first 2,000 three ways make FMR and FNMR at 101
thresholds and the EER: a CSV of all pairs written and read with pandas, scikit-learn, this project.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks import environment, lfw
from recognition.vision.embedding import centred
from recognition.vision.pipeline import FacePipeline
from recognition.vision.types import Floats
from training.evaluation.arrays import Flags, Ints
from training.evaluation.comparisons import compare_all, edges
from training.evaluation.curves import ErrorCurve

RUNS = 5
THRESHOLDS = np.linspace(-1, 1, 101)
Figures = dict[str, object]


def timed(work: Callable[[], object], runs: int) -> tuple[float, float]:
    """Median seconds by the clock and of processor time."""
    clock, busy = [], []
    for _ in range(runs):
        began, spent = time.perf_counter(), time.process_time()
        work()
        clock.append(time.perf_counter() - began)
        busy.append(time.process_time() - spent)
    return statistics.median(clock), statistics.median(busy)


def measure_here(file: Path) -> Figures:
    """Time and memory of one all-vs-all; run in a fresh process."""
    with np.load(file) as stored:
        templates, people = stored["templates"], stored["people"]
    before = _resident()
    found = compare_all(templates, people)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    seconds, busy = timed(lambda: compare_all(templates, people), RUNS)
    curve = ErrorCurve.of_comparisons(found)
    return {
        "templates": len(templates),
        "comparisons": found.total,
        "mated": curve.mated,
        "seconds": round(seconds, 3),
        "processor_seconds": round(busy, 3),
        "memory_mb": round((peak - before) / 2**20, 1),
        "templates_mb": round(templates.nbytes / 2**20, 1),
        "eer": curve.eer()[0],
        "auc": curve.auc(),
    }


def _resident() -> int:
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * resource.getpagesize()


def measure_in_child(templates: Floats, people: Ints) -> Figures:
    """`measure_here` in a process that holds nothing but the templates."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "templates.npz"
        np.savez(file, templates=templates, people=people)
        command = [sys.executable, "-m", "benchmarks.evaluation", "--child", str(file)]
        answer = subprocess.run(command, check=True, capture_output=True, text=True)
    figures: Figures = json.loads(answer.stdout)
    return figures


def exactness(templates: Floats, people: Ints) -> Figures:
    """Largest differences to sorting all scores of these images."""
    scores, mated = all_scores(templates.astype(np.float64), people)
    exact = ErrorCurve.of_scores(scores, mated)
    curve = ErrorCurve.of_comparisons(compare_all(templates, people))
    own, other = np.sort(scores[mated]), np.sort(scores[~mated])
    at = edges()
    places = np.searchsorted(curve.thresholds, at).clip(max=len(curve.thresholds) - 1)
    fnmr = np.searchsorted(own, at) / len(own)
    fmr = 1 - np.searchsorted(other, at) / len(other)
    return {
        "images": len(templates),
        "comparisons": len(scores),
        "thresholds": len(at),
        "fmr_difference": float(np.abs(curve.fmr[places] - fmr).max()),
        "fnmr_difference": float(np.abs(curve.fnmr[places] - fnmr).max()),
        "eer_difference": abs(curve.eer()[0] - exact.eer()[0]),
    }


def all_scores(templates: NDArray[np.floating], people: Ints) -> tuple[NDArray[np.floating], Flags]:
    """Scores of all unordered pairs and whether mated, in the precision of the templates."""
    matrix = templates @ templates.T
    first, second = np.triu_indices(len(templates), 1)
    return matrix[first, second], people[first] == people[second]


def three_ways(templates: Floats, people: Ints, names: list[str]) -> Figures:
    """Seconds of FMR, FNMR and EER of the same images, three ways."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "pairs.csv"
        pandas_seconds, _ = timed(lambda: _with_pandas(templates, people, names, file), 1)
        size = file.stat().st_size
    sklearn_seconds, _ = timed(lambda: _with_scikit_learn(templates, people), 3)
    seconds, _ = timed(lambda: _with_this(templates, people), RUNS)
    return {
        "images": len(templates),
        "comparisons": len(templates) * (len(templates) - 1) // 2,
        "pandas_csv_seconds": round(pandas_seconds, 3),
        "csv_mb": round(size / 2**20, 1),
        "scikit_learn_seconds": round(sklearn_seconds, 3),
        "seconds": round(seconds, 4),
        "eer": _with_this(templates, people),
        "eer_scikit_learn": _with_scikit_learn(templates, people),
    }


def _with_pandas(templates: Floats, people: Ints, names: list[str], file: Path) -> float:
    import pandas as pd

    first, second = np.triu_indices(len(templates), 1)
    scores, mated = all_scores(templates, people)
    paths = np.array(names)
    table = pd.DataFrame(
        {"path1": paths[first], "path2": paths[second], "score": scores, "mated": mated}
    )
    table.to_csv(file, index=False)
    read = pd.read_csv(file)
    rates = []
    for threshold in THRESHOLDS:
        match = read["score"] >= threshold
        rates.append((match[~read["mated"]].mean(), 1 - match[read["mated"]].mean()))
    return float(min(max(fmr, fnmr) for fmr, fnmr in rates))


def _with_scikit_learn(templates: Floats, people: Ints) -> float:
    from sklearn.metrics import roc_curve

    scores, mated = all_scores(templates, people)
    fmr, tar, _ = roc_curve(mated, scores)
    place = int(np.argmax(1 - tar <= fmr))
    return float((fmr[place] + 1 - tar[place]) / 2)


def _with_this(templates: Floats, people: Ints) -> float:
    curve = ErrorCurve.of_comparisons(compare_all(templates, people))
    for threshold in THRESHOLDS:
        curve.at(float(threshold))
    return curve.eer()[0]


def table(record: dict[str, Figures]) -> str:
    """The record for people."""
    whole, exact, ways = record["all"], record["exactness"], record["three_ways"]
    return "\n".join(
        (
            (
                f"all-vs-all      {whole['comparisons']:,} comparisons of {whole['templates']:,}: "
                f"{whole['seconds']} s ({whole['processor_seconds']} s of processor time), "
                f"{whole['memory_mb']} MB above {whole['templates_mb']} MB of templates"
            ),
            (
                f"exactness       {exact['images']:,} images, {exact['thresholds']:,} thresholds: "
                f"FMR {exact['fmr_difference']:.1e}, FNMR {exact['fnmr_difference']:.1e}, "
                f"EER {exact['eer_difference']:.1e} off at most"
            ),
            (
                f"{ways['images']:,} images    pandas and CSV {ways['pandas_csv_seconds']} s "
                f"({ways['csv_mb']} MB), scikit-learn {ways['scikit_learn_seconds']} s, "
                f"this {ways['seconds']} s"
            ),
        )
    )


def main() -> None:
    """Run the measurements and print their record."""
    environment.run_without_blas_overrides("benchmarks.evaluation")
    parser = argparse.ArgumentParser(description="All-vs-all of LFW.")
    environment.add_arguments(parser, data=environment.DATA / "lfw")
    parser.add_argument("--backbone", default="facenet-casia")
    parser.add_argument("--json", action="store_true", help="one JSON record and nothing else")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child is not None:
        print(json.dumps(measure_here(options.child)))
        return
    faces, version = lfw_faces(options.models_dir, options.data, options.cache, options.backbone)
    templates = centred(faces.raw, faces.raw.mean(axis=0))
    part = slice(0, 2000)
    results: dict[str, Figures] = {
        "all": measure_in_child(templates, faces.people),
        "exactness": exactness(templates[:3000], faces.people[:3000]),
        "three_ways": three_ways(templates[part], faces.people[part], list(faces.names[part])),
    }
    protocol = " ".join((__doc__ or "").split("\n\n")[-1].split())
    record = environment.record("evaluation", protocol=protocol, model=version, **results)
    print(json.dumps(record, indent=1) if options.json else table(results))


def lfw_faces(
    models: Path, data: Path, cache: Path, backbone: str
) -> tuple[lfw.LfwEmbeddings, str]:
    """Embeddings of all images in which a face was found, and the version's digest."""
    FacePipeline.prepare(models, backbone=backbone)
    pipeline = FacePipeline.build(models, backbone=backbone, calibrated=False)
    names = lfw.image_names(data)
    faces = lfw.embed(pipeline, data, names, cache, quiet=True)
    good = np.flatnonzero(faces.found)
    chosen = lfw.LfwEmbeddings(
        tuple(faces.names[row] for row in good), faces.raw[good], faces.found[good],
        faces.people[good],
    )  # fmt: skip
    return chosen, pipeline.version.digest


if __name__ == "__main__":
    main()
