"""CFP, celebrities in frontal and profile: what turned faces do to each network and to the fusion.

    python -m benchmarks.cfp            a table
    python -m benchmarks.cfp --json     one JSON record

The pairs of five folds, frontal with frontal and frontal with profile. The crops are doubled in
size and padded with black before faces are looked for; a pair with an image in which no face is
found is left out and counted. Error rates are pooled over the folds. `shipped` is the fusion with
the constants of the product's calibration. `fitted` takes the weight of the second network, the yaw
from which it counts less and all other constants from the other four folds.
"""

import argparse
import csv
import json
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks import environment
from benchmarks.lfw_pairs import error_rates
from recognition.vision import registry
from recognition.vision.calibration import Calibration
from recognition.vision.centring import centring_of
from recognition.vision.detection import main_face
from recognition.vision.embedding import centred
from recognition.vision.images import decode_image
from recognition.vision.pipeline import FacePipeline
from recognition.vision.scoring import Mix, fit_mix
from recognition.vision.types import DetectedFace, Floats, Pixels

ENSEMBLE = "facenet-dlib"
PROTOCOLS = {"frontal-frontal": "pairs_FF.csv", "frontal-profile": "pairs_FP.csv"}
WEIGHTS = (0.5, 1.0, 1.5, 2.0)
POSES = ((180.0, 180.0), (15.0, 30.0), (20.0, 40.0), (25.0, 50.0), (30.0, 60.0))
_BATCH = 16
Rows = NDArray[np.int64]
Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Pairs of one protocol that have a face on both sides.

    `cosines` by component, `yaw` of the more turned face in degrees, whether `mated`, `fold`;
    `lost` pairs had no face on one side.
    """

    cosines: tuple[Floats, ...]
    yaw: Floats
    mated: NDArray[np.bool_]
    fold: Rows
    lost: int

    def rows(self, chosen: NDArray[np.bool_]) -> "Pairs":
        return Pairs(
            tuple(part[chosen] for part in self.cosines),
            self.yaw[chosen],
            self.mated[chosen],
            self.fold[chosen],
            self.lost,
        )


def enlarged(path: Path) -> Pixels:
    """A crop of CFP at twice its size with a black border of a quarter on each side."""
    pixels = decode_image(path.read_bytes()).pixels
    height, width = pixels.shape[:2]
    large = Image.fromarray(pixels).resize((2 * width, 2 * height), Image.Resampling.BICUBIC)
    return np.pad(np.asarray(large, np.uint8), ((height // 2,) * 2, (width // 2,) * 2, (0, 0)))


def embed(pipelines: list[FacePipeline], data: Path, names: list[str], cache: Path) -> Arrays:
    """Uncentred embeddings by component, `found` and `yaw` of the main face of every image."""
    versions = "-".join(pipeline.version.digest[:8] for pipeline in pipelines)
    path = cache / f"cfp-{versions}.npz"
    if path.exists():
        with np.load(path) as stored:
            return {key: stored[key] for key in stored.files}
    made: Arrays = {"found": np.zeros(len(names), bool), "yaw": np.zeros(len(names), np.float32)}
    for number, pipeline in enumerate(pipelines):
        made[str(number)] = np.zeros((len(names), pipeline.version.dimension), np.float32)
    for start in range(0, len(names), _BATCH):
        pictures = [enlarged(data / name) for name in names[start : start + _BATCH]]
        work: list[tuple[Pixels, DetectedFace]] = []
        rows: list[int] = []
        for index, faces in enumerate(pipelines[0].detector.detect(pictures)):
            face = main_face(faces, pictures[index].shape[1], pictures[index].shape[0])
            if face is not None:
                work.append((pictures[index], face))
                rows.append(start + index)
                made["yaw"][start + index] = abs(face.quality.yaw)
        made["found"][rows] = True
        for number, pipeline in enumerate(pipelines):
            made[str(number)][rows] = pipeline.embedder.embed_raw(work)
    cache.mkdir(parents=True, exist_ok=True)
    np.savez(path, allow_pickle=False, **made)
    return made


def pairs_of(data: Path, file: str, names: list[str], faces: Arrays) -> Pairs:
    """The pairs of one protocol."""
    place = {name: row for row, name in enumerate(names)}
    with (data / file).open(encoding="utf-8") as stream:
        lines = list(csv.DictReader(stream))
    first = np.array([place[line["a"]] for line in lines])
    second = np.array([place[line["b"]] for line in lines])
    found = faces["found"][first] & faces["found"][second]
    cosines = []
    for number, backbone in enumerate(registry.components(ENSEMBLE)):
        rows = centred(faces[str(number)], centring_of(registry.get(backbone)))
        cosines.append((rows[first] * rows[second]).sum(axis=1)[found])
    return Pairs(
        tuple(cosines),
        np.maximum(faces["yaw"][first], faces["yaw"][second])[found],
        np.array([line["same"] == "1" for line in lines])[found],
        np.array([int(line["fold"]) for line in lines])[found],
        int((~found).sum()),
    )


def fitted(training: list[Pairs], weight: float, pose: tuple[float, float]) -> Mix:
    """The fusion with constants from the nonmated pairs of these."""
    strangers = [part.rows(~part.mated) for part in training]
    raw = [np.concatenate([part.cosines[i] for part in strangers]) for i in range(2)]
    terms = [(0, False, 1.0), (1, False, weight)]
    return fit_mix("fused", terms, raw, [None, None], [None, None], poses=[(180.0, 180.0), pose])


def chosen(training: list[Pairs]) -> tuple[float, tuple[float, float]]:
    """Weight and pose with the lowest sum of the protocols' error rates on these pairs."""

    def cost(choice: tuple[float, tuple[float, float]]) -> float:
        mix = fitted(training, *choice)
        return sum(eer(part, mix.scores(part.cosines, [None, None], part.yaw)) for part in training)

    return min(product(WEIGHTS, POSES), key=cost)


def eer(pairs: Pairs, scores: Floats) -> float:
    """Equal error rate of these scores."""
    return error_rates(scores.astype(np.float64), pairs.mated)[0]


def evaluate(sets: dict[str, Pairs]) -> dict[str, Any]:
    """Error rates of each way of scoring, and what was chosen for each fold."""
    shipped = Calibration.load(ENSEMBLE, kind="fused").mix
    if shipped is None:
        raise SystemExit("the ensemble's calibration has no mix")
    folds = np.unique(next(iter(sets.values())).fold)
    choices = []
    scores = {name: np.zeros(len(part.mated), np.float32) for name, part in sets.items()}
    for fold in folds:
        training = [part.rows(part.fold != fold) for part in sets.values()]
        choice = chosen(training)
        choices.append(choice)
        mix = fitted(training, *choice)
        for name, part in sets.items():
            own = part.fold == fold
            mine = part.rows(own)
            scores[name][own] = mix.scores(mine.cosines, [None, None], mine.yaw)
    rows: dict[str, Any] = {}
    for name, part in sets.items():
        equal = part.cosines[0] + part.cosines[1]
        rows[name] = {
            "facenet": eer(part, part.cosines[0]),
            "dlib": eer(part, part.cosines[1]),
            "equal sum": eer(part, equal),
            "shipped": eer(part, shipped.scores(part.cosines, [None, None], part.yaw)),
            "fitted": eer(part, scores[name]),
            "pairs": len(part.mated),
            "pairs_without_face": part.lost,
        }
    everything = chosen(list(sets.values()))
    return {"eer": rows, "chosen_by_fold": choices, "chosen_on_all": everything}


def table(results: dict[str, Any]) -> str:
    """The results for people."""
    ways = ("facenet", "dlib", "equal sum", "shipped", "fitted")
    lines = [f"{'EER %':<18}" + "".join(f"{way:>11}" for way in ways)]
    for name, row in results["eer"].items():
        lines.append(f"{name:<18}" + "".join(f"{100 * row[way]:>11.2f}" for way in ways))
    lines.append(f"weight and yaw by fold: {results['chosen_by_fold']}")
    lines.append(f"on all folds: {results['chosen_on_all']}")
    return "\n".join(lines)


def main() -> None:
    """Run both protocols and print."""
    environment.run_without_blas_overrides("benchmarks.cfp")
    parser = argparse.ArgumentParser(description="CFP with each network and with their fusion.")
    environment.add_arguments(parser, data=environment.DATA / "cfp")
    parser.add_argument("--json", action="store_true", help="one JSON record and nothing else")
    options = parser.parse_args()
    pipelines = []
    for backbone in registry.components(ENSEMBLE):
        FacePipeline.prepare(options.models_dir, backbone=backbone, allow_download=True)
        pipelines.append(
            FacePipeline.build(options.models_dir, backbone=backbone, calibrated=False)
        )
    names = sorted(
        str(path.relative_to(options.data)) for path in options.data.glob("[0-9]*/*/*.jpg")
    )
    faces = embed(pipelines, options.data, names, options.cache)
    sets = {name: pairs_of(options.data, file, names, faces) for name, file in PROTOCOLS.items()}
    results = evaluate(sets)
    record = environment.record("cfp", images=len(names), **results)
    print(json.dumps(record, indent=1) if options.json else table(results))


if __name__ == "__main__":
    main()
