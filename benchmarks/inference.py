"""Networks as the product runs them beside what a user would take instead, in one run.

    python -m benchmarks.inference                 a table
    python -m benchmarks.inference --json          one JSON record

FaceNet beside facenet-pytorch's network in eager float32, dlib's network beside dlib's own (where
the package dlib-bin is installed), the detector beside facenet-pytorch's MTCNN with the same
smallest face. Contenders take turns; figures are medians. Neither side averages mirror images.
"""

import argparse
import importlib
import importlib.util
import json
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import environment, lfw
from benchmarks.timing import in_turns, row
from recognition.vision import registry
from recognition.vision.backbones import dlib_resnet
from recognition.vision.embedding import face_crop
from recognition.vision.images import decode_image
from recognition.vision.pipeline import FacePipeline
from recognition.vision.types import Box, DetectedFace, Floats, Pixels

BATCH = 32
Found = list[tuple[Pixels, DetectedFace]]


def facenet(models: Path, found: Found, rounds: int, threads: int) -> dict[str, Any]:
    """One face and a batch beside the eager network; cosines over all faces."""
    import torch

    torch.set_num_threads(threads)
    spec = registry.get("facenet-casia")
    loader = importlib.import_module(spec.loader)
    theirs = loader.build_network(models / spec.name / "weights.safetensors")
    engine = _engine(models, spec.name, threads)
    crops = np.stack([face_crop(pixels, face, spec.preprocessing) for pixels, face in found])
    inputs = spec.preprocessing.network_input(crops)

    def eager(batch: Floats) -> Floats:
        with torch.inference_mode():
            answer: Floats = theirs(torch.from_numpy(batch)).numpy()
        return answer

    rows: dict[str, Any] = {}
    for count in (1, BATCH):
        batch = inputs[:count]
        times = in_turns(
            {"ours": partial(engine.infer, batch), "theirs": partial(eager, batch)}, rounds
        )
        rows[f"facenet, batch {count}"] = row(times["ours"], times["theirs"], count)
    ours = np.concatenate([engine.infer(inputs[i : i + 16]) for i in range(0, len(inputs), 16)])
    other = np.concatenate([eager(inputs[i : i + 16]) for i in range(0, len(inputs), 16)])
    cosines = (ours * other).sum(axis=1)
    cosines /= np.linalg.norm(ours, axis=1) * np.linalg.norm(other, axis=1)
    rows["facenet, agreement"] = {
        "faces": len(inputs),
        "precision": engine.precision,
        "cosine_mean": round(float(cosines.mean()), 6),
        "cosine_lowest": round(float(cosines.min()), 6),
    }
    return rows


def dlib(models: Path, found: Found, rounds: int, threads: int) -> dict[str, Any]:
    """A batch of chips beside dlib's own network; {} without the package."""
    if importlib.util.find_spec("_dlib_pybind11") is None:
        return {}
    import _dlib_pybind11 as package  # type: ignore[import-not-found,unused-ignore]

    spec = registry.get("dlib-resnet")
    source = dlib_resnet.find_source(spec, models / spec.name, None, True)
    theirs = package.face_recognition_model_v1(str(source))
    engine = _engine(models, spec.name, threads)
    chips = np.stack([face_crop(pixels, face, spec.preprocessing) for pixels, face in found])
    chips = chips[:BATCH]
    batch = spec.preprocessing.network_input(chips)
    images = list(chips)
    times = in_turns(
        {
            "ours": lambda: engine.infer(batch),
            "theirs": lambda: theirs.compute_face_descriptor(images, 0),
        },
        rounds,
    )
    other = np.array(theirs.compute_face_descriptor(images, 0), np.float32)
    difference = float(np.abs(engine.infer(batch) - other).max())
    return {
        f"dlib, batch {BATCH}": row(
            times["ours"],
            times["theirs"],
            len(chips),
            largest_difference=float(f"{difference:.1e}"),
        )
    }


def detector(
    pipeline: FacePipeline, photos: list[Pixels], group: Pixels | None, rounds: int, threads: int
) -> dict[str, Any]:
    """LFW photos and a group photo beside facenet-pytorch's MTCNN."""
    import torch
    from facenet_pytorch import MTCNN
    from PIL import Image

    torch.set_num_threads(threads)
    theirs = MTCNN(keep_all=True, min_face_size=pipeline.detector.settings.min_face)
    rows: dict[str, Any] = {}
    sets = {"mtcnn, LFW photo": photos[:20]}
    if group is not None:
        sets[f"mtcnn, {group.shape[1]}x{group.shape[0]}"] = [group]
    for name, pictures in sets.items():
        images = [Image.fromarray(picture) for picture in pictures]
        times = in_turns(
            {
                "ours": partial(_each, _ours(pipeline), pictures),
                "theirs": partial(_each, partial(theirs.detect, landmarks=True), images),
            },
            rounds,
        )
        rows[name] = row(times["ours"], times["theirs"], len(pictures))
    rows["mtcnn, agreement"] = _agreement(pipeline, theirs, photos)
    return rows


def _ours(pipeline: FacePipeline) -> Callable[[Pixels], object]:
    return lambda picture: pipeline.detector.detect([picture])


def _each(work: Callable[[Any], object], pieces: Iterable[Any]) -> None:
    for piece in pieces:
        work(piece)


def _agreement(pipeline: FacePipeline, theirs: Any, photos: list[Pixels]) -> dict[str, Any]:
    """How many of the other's boxes ours has, and how far landmarks lie apart."""
    from PIL import Image

    total = same = 0
    apart = [0.0]
    for photo in photos:
        ours = pipeline.detector.detect([photo])[0]
        boxes, _, points = theirs.detect(Image.fromarray(photo), landmarks=True)
        for box, places in zip(*((boxes, points) if boxes is not None else ((), ())), strict=True):
            total += 1
            wanted = Box(*(float(value) for value in box))
            near = max(ours, key=lambda face: face.box.iou(wanted), default=None)
            if near is not None and near.box.iou(wanted) >= 0.9:
                same += 1
                apart.append(float(np.abs(near.landmarks - places).max()))
    return {
        "boxes": total,
        "same": round(same / max(total, 1), 4),
        "landmarks_apart_px": round(max(apart), 3),
    }


def _engine(models: Path, name: str, threads: int) -> Any:
    from recognition.vision.engines.openvino import OpenVinoEngine

    path = models / name / "network.xml"
    return OpenVinoEngine(path, threads=threads, precision="auto")


def _photos(data: Path, count: int) -> list[Pixels]:
    names = lfw.image_names(data)
    folder = data / "lfw-deepfunneled"
    chosen = names[:: max(1, len(names) // count)][:count]
    return [decode_image((folder / name).read_bytes()).pixels for name in chosen]


def table(record: dict[str, Any]) -> str:
    """The record for people."""
    heads = "".join(f"{head:>9}" for head in ("here", "there", "times"))
    lines = [f"{'milliseconds':<22}{heads}   of processor{heads}"]
    for name, values in record["rows"].items():
        if "times" not in values:
            lines.append(f"{name:<22}{values}")
            continue
        lines.append(
            f"{name:<22}{values['ours_ms']:>9}{values['theirs_ms']:>9}{values['times']:>9}"
            f"{values['ours_processor_ms']:>24}{values['theirs_processor_ms']:>9}"
            f"{values['times_processor']:>9}"
        )
    lines.append(f"load before: {record['hardware']['load_before']}")
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    environment.run_without_blas_overrides("benchmarks.inference")
    parser = argparse.ArgumentParser(description="Networks beside those of other packages.")
    parser.add_argument("--data", type=Path, default=environment.DATA / "lfw")
    parser.add_argument("--group", type=Path, help="a photo of several people")
    parser.add_argument("--models-dir", type=Path, default=environment.ROOT / "var" / "models")
    parser.add_argument("--photos", type=int, default=400, help="of LFW, for the agreement")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=0, help="0: all processors")
    parser.add_argument("--json", action="store_true", help="one JSON record and nothing else")
    options = parser.parse_args()
    before = environment.hardware()
    for name in ("facenet-casia", "dlib-resnet"):
        FacePipeline.prepare(options.models_dir, backbone=name, allow_download=True)
    pipeline = FacePipeline.build(options.models_dir, threads=options.threads)
    threads = options.threads or int(str(before["cores"]))
    group = options.group or environment.DATA / "groups" / "insightface_t1.jpg"
    many = decode_image(group.read_bytes()).pixels if group.is_file() else None
    photos = _photos(options.data, options.photos)
    answers = [pipeline.detector.detect([photo])[0] for photo in photos]
    found = [(photo, faces[0]) for photo, faces in zip(photos, answers, strict=True) if faces]
    rows = facenet(options.models_dir, found, options.rounds, threads)
    rows |= dlib(options.models_dir, found, options.rounds, threads)
    rows |= detector(pipeline, photos, many, options.rounds, threads)
    record = environment.record("inference", threads=threads, rows=rows) | {"hardware": before}
    print(json.dumps(record, indent=1) if options.json else table(record))


if __name__ == "__main__":
    main()
