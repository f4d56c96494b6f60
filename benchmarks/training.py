"""Training: naming people of LFW, stacking, the pace of the loop, and resuming after a kill.

    python -m benchmarks.training [--json] [--part classifier|stacking|metric|pace|kill ...]

Prints a table; `--json` one record alone. Embeddings are made by the platform's own pipelines and
kept in `--cache`; the time for those of the classifier is measured anew with `--fresh`.
"""

import argparse
import json
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.environment import DATA, add_arguments, record, run_without_blas_overrides
from benchmarks.lfw import embed, image_names
from recognition.vision import registry
from recognition.vision.centring import centring_of
from recognition.vision.embedding import centred
from recognition.vision.pipeline import FacePipeline
from recognition.vision.types import Floats
from training.engine import configs, recipes
from training.engine.data import Data, Ints, Part, check
from training.engine.recipes import Result, Work
from training.evaluation.splits import identity_disjoint_split, stratified_split

SPLITS = (1, 2, 3)
LEAST_IMAGES = 20


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_arguments(parser, data=DATA / "lfw")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--fresh", action="store_true", help="embed LFW's images again")
    parser.add_argument("--part", nargs="*", choices=sorted(PARTS), default=sorted(PARTS))
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        _train(_generated(40, 64), "classifier", options.child, epochs=6, patience=0)
        return
    found = {name: PARTS[name](options) for name in options.part}
    if options.json:
        print(json.dumps(record("training", **found)))
        return
    for name, values in found.items():
        print(name)
        for key, value in values.items():
            print(f"  {key:<34} {value}")


def classifier(options: argparse.Namespace) -> dict[str, Any]:
    """Accuracy of `classifier` on frozen embeddings, people with 20 or more images, 80/20."""
    started = time.perf_counter()
    embeddings, labels = _lfw(options, "facenet-casia", least=LEAST_IMAGES, fresh=options.fresh)
    embedding_seconds = time.perf_counter() - started
    rows = []
    for seed in SPLITS:
        data = _split(embeddings, labels, (512,), stratified_split, seed)
        started = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            result = _train(data, "classifier", Path(folder))
        rows.append((result, time.perf_counter() - started))
    return {
        "people": int(labels.max()) + 1,
        "images": len(labels),
        "embedding_seconds": round(embedding_seconds, 1),
        "accuracy": [round(result.figures["accuracy"], 4) for result, _ in rows],
        "naive_bayes": [round(result.baseline["accuracy"], 4) for result, _ in rows],
        "seconds_per_split": [round(seconds, 1) for _, seconds in rows],
    }


def stacking(options: argparse.Namespace) -> dict[str, Any]:
    """EER and TAR of `stacking` beside each model alone, people disjoint."""
    sides = [_lfw(options, name, least=2) for name in ("facenet-casia", "dlib-resnet")]

    embeddings = np.concatenate([side[0] for side in sides], axis=1)
    data = _split(embeddings, sides[0][1], (512, 128), identity_disjoint_split, 1)
    with tempfile.TemporaryDirectory() as folder:
        result = _train(data, "stacking", Path(folder))
    scales = result.head.scales if result.head else ()
    return {
        "images": len(embeddings),
        "scales": [round(scale, 3) for scale in scales],
        **{name: round(value, 4) for name, value in result.figures.items()},
        "naive_bayes": result.baseline.get("pair_accuracy"),
    }


def metric(options: argparse.Namespace) -> dict[str, Any]:
    """A learned projection beside the plain embeddings, people disjoint."""
    embeddings, labels = _lfw(options, "facenet-casia", least=2)
    data = _split(embeddings, labels, (512,), identity_disjoint_split, 1)
    with tempfile.TemporaryDirectory() as folder:
        result = _train(data, "metric", Path(folder))
    return {name: round(value, 4) for name, value in result.figures.items()}


def pace(options: argparse.Namespace) -> dict[str, Any]:
    """Seconds per epoch of ArcFace on 100,000 x 512 with 1,000 classes, 512 to 256."""
    data = _generated(1000, 100)
    history: list[float] = []
    for bf16 in (False, True):
        with tempfile.TemporaryDirectory() as folder:
            result = _train(data, "metric", Path(folder), epochs=2, batch=1024, bf16=bf16)
        history.append(result.state.history[-1]["seconds"] if result.state else 0.0)
    return {"float32_seconds": history[0], "bf16_seconds": history[1]}


def kill(options: argparse.Namespace) -> dict[str, Any]:
    """Whether a run that was killed and resumed has the weights of one that was not."""
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        whole, parts = Path(one), Path(two)
        command = [sys.executable, "-m", "benchmarks.training", "--child"]
        subprocess.run([*command, str(whole)], check=True)
        child = subprocess.Popen([*command, str(parts)])
        while not (parts / "epoch-002.safetensors").exists():
            time.sleep(0.005)
        child.send_signal(signal.SIGKILL)
        child.wait()
        after = len(list(parts.glob("epoch-*")))
        subprocess.run([*command, str(parts)], check=True)
        same = (whole / "last.safetensors").exists() and _same(whole, parts)
        return {"epochs_when_killed": after, "same_weights": same}


def _same(one: Path, two: Path) -> bool:
    from training.engine.checkpoints import read

    first, second = (read(folder / "last.safetensors").tensors for folder in (one, two))
    return all(bool((value == second[name]).all()) for name, value in first.items())


def _train(data: Data, name: str, folder: Path, **settings: Any) -> Result:
    recipe = recipes.get(name)
    check(data)
    config = configs.parse(recipe.config, settings)
    work = Work(data, config, folder, lambda step: None, lambda: False, resume=True)
    return recipe.train(work)


def _lfw(
    options: argparse.Namespace, backbone: str, *, least: int, fresh: bool = False
) -> tuple[Floats, Ints]:
    """Return unit-norm embeddings and people 0..C-1 of those with `least` images or more.

    An image without a face has a zero row, for every backbone the same ones.
    """
    FacePipeline.prepare(options.models_dir, backbone=backbone)
    pipeline = FacePipeline.build(options.models_dir, backbone=backbone)
    names = image_names(options.data)
    people = np.unique([name.split("/")[0] for name in names], return_inverse=True)[1]
    wanted = np.bincount(people)[people] >= least
    chosen = [name for name, one in zip(names, wanted, strict=True) if one]
    with tempfile.TemporaryDirectory() as empty:
        cache = Path(empty) if fresh else options.cache
        found = embed(pipeline, options.data, chosen, cache, quiet=options.json)
    rows = centred(found.raw, centring_of(registry.get(backbone)))[found.found]
    labels = np.unique(found.people[found.found], return_inverse=True)[1]
    return rows, labels.astype(np.int64)


def _split(
    embeddings: Floats,
    labels: Ints,
    widths: tuple[int, ...],
    deal: Callable[..., dict[str, Any]],
    seed: int,
) -> Data:
    parts = deal(labels, {"train": 0.8, "test": 0.2}, seed=seed)
    people = tuple(str(number) for number in range(int(labels.max()) + 1))
    return Data(
        people,
        {name: Part(embeddings[rows], labels[rows]) for name, rows in parts.items()},
        widths,
    )


def _generated(people: int, images: int) -> Data:
    """Return people as noisy unit vectors; a fifth of each one's images are the test part."""
    rng = np.random.default_rng(1)
    labels = np.repeat(np.arange(people), images)
    rows = rng.standard_normal((people, 512), dtype=np.float32)[labels]
    rows += rng.standard_normal(rows.shape, dtype=np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    away = np.arange(len(labels)) % 50 == 0
    return Data(
        tuple(str(number) for number in range(people)),
        {"train": Part(rows[~away], labels[~away]), "test": Part(rows[away], labels[away])},
        (512,),
    )


PARTS: dict[str, Callable[[argparse.Namespace], dict[str, Any]]] = {
    "classifier": classifier,
    "stacking": stacking,
    "metric": metric,
    "pace": pace,
    "kill": kill,
}

if __name__ == "__main__":
    run_without_blas_overrides("benchmarks.training")
    main()
