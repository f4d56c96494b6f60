"""Makes the models folder ready: weights converted, networks exported, once per machine.

    python -m recognition.vision.prepare --models-dir var/models --backbone facenet-casia

Runs as a child process of `FacePipeline.prepare`, so that a web process never imports torch.
Exports only what is missing or was made by another recipe.
"""

import argparse
import hashlib
import importlib
import json
import sys
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from recognition.vision import reference, registry, store
from recognition.vision.errors import ModelDamaged, ModelUnavailable, VisionError
from recognition.vision.registry import BackboneSpec
from recognition.vision.types import Floats

if TYPE_CHECKING:
    import torch

DETECTOR = "mtcnn"
WEIGHTS, NETWORK, REFERENCE = "weights.safetensors", "network.xml", "reference.npz"
_MAX_DIFFERENCE = 1e-5  # between a converted network and its source
_RECIPE = "2"  # raise when the files would come out differently


def recipe_of(spec: BackboneSpec) -> str:
    """Identifies what `prepare_backbone` makes for this spec."""
    return _recipe(spec.name, spec.source_sha256)


def detector_recipe() -> str:
    """Identifies what `prepare_detector` makes."""
    return _recipe(DETECTOR, version("facenet-pytorch"))


def _recipe(*parts: str) -> str:
    # OpenVINO writes the exported files, so its version belongs to what they are.
    text = "|".join((_RECIPE, version("openvino"), *parts))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def is_current(folder: Path, recipe: str) -> bool:
    """Whether a folder was finished by this recipe and every file has its checksum."""
    try:
        manifest = store.read_manifest(folder)
        store.check_files(folder, manifest, tuple(manifest.files))
    except (ModelUnavailable, ModelDamaged):
        return False
    return manifest.recipe == recipe


def is_ready(models_dir: Path, spec: BackboneSpec) -> bool:
    """Whether backbone and detector can be loaded as they are."""
    return is_current(models_dir / DETECTOR, detector_recipe()) and is_current(
        models_dir / spec.name, recipe_of(spec)
    )


def prepare_backbone(
    models_dir: Path, spec: BackboneSpec, *, weights_file: Path | None, allow_download: bool
) -> None:
    """Convert, check against the source, export and describe one backbone."""
    import torch

    folder = models_dir / spec.name
    folder.mkdir(parents=True, exist_ok=True)
    loader = importlib.import_module(spec.loader)
    source = loader.find_source(spec, folder, weights_file, allow_download)
    weights = folder / WEIGHTS
    loader.convert(spec, source, weights)
    weights_sha256 = store.sha256_of(weights)
    if spec.weights_sha256 not in {"", weights_sha256}:
        raise ModelDamaged(f"{spec.name}: the converted weights do not have their checksum.")
    network = loader.build_network(weights)
    batch = spec.preprocessing.network_input(reference.crops(spec.preprocessing.size))
    with torch.inference_mode():
        embeddings = network(torch.from_numpy(batch)).numpy()
    _compare(spec, embeddings, loader.run_source(source, batch))
    with store.replacing(folder / REFERENCE) as draft:
        reference.save(draft, embeddings)
    side = spec.preprocessing.size
    _export(network, (-1, 3, side, side), folder / NETWORK)
    store.write_manifest(
        folder,
        recipe=recipe_of(spec),
        weights_sha256=weights_sha256,
        names=(WEIGHTS, REFERENCE, NETWORK, "network.bin"),
        made_with=_versions(),
    )


def prepare_detector(models_dir: Path) -> None:
    """Export the three networks of the detector."""
    from recognition.vision.backbones import mtcnn

    folder = models_dir / DETECTOR
    folder.mkdir(parents=True, exist_ok=True)
    names = []
    digest = hashlib.sha256()
    for name, network in mtcnn.networks().items():
        for key, values in sorted(network.state_dict().items()):
            digest.update(key.encode() + values.numpy().tobytes())
        _export(network, mtcnn.INPUT_SHAPES[name], folder / f"{name}.xml")
        names += [f"{name}.xml", f"{name}.bin"]
    store.write_manifest(
        folder,
        recipe=detector_recipe(),
        weights_sha256=digest.hexdigest(),
        names=names,
        made_with=_versions(),
    )


def _compare(spec: BackboneSpec, ours: Floats, theirs: Floats | None) -> None:
    if theirs is None:
        return
    difference = float(np.abs(ours - theirs).max())
    if not difference <= _MAX_DIFFERENCE:
        raise ModelDamaged(
            f"{spec.name}: the converted network differs from its source by {difference:.1e}."
        )


def _export(network: "torch.nn.Module", shape: tuple[int, ...], target: Path) -> None:
    """Write a network as OpenVINO IR in float32: `target` (.xml) and its .bin."""
    import torch

    # convert_model would report usage to the vendor; the frontend alone reports nothing.
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    import openvino
    from openvino.frontend import FrontEndManager
    from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder

    sizes = [2 if axis == 0 else size if size > 0 else 64 for axis, size in enumerate(shape)]
    example = torch.zeros(sizes)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        # A network may look at sizes: those of its input are fixed but for the first.
        warnings.simplefilter("ignore", torch.jit.TracerWarning)  # type: ignore[attr-defined]
        traced = torch.jit.trace(  # type: ignore[no-untyped-call]
            network, (example,), check_trace=False
        )
        traced = torch.jit.freeze(traced)
        decoder = TorchScriptPythonDecoder(traced, example_input=(example,))
        frontend = FrontEndManager().load_by_framework("pytorch")
        model = frontend.convert(frontend.load(decoder))
    model.reshape(list(shape))
    binary = target.with_suffix(".bin")
    with store.replacing(target) as xml_draft, store.replacing(binary) as bin_draft:
        # The two files must lie side by side under one stem while they are written.
        draft = target.with_name(f".draft.{target.name}")
        openvino.save_model(model, draft, compress_to_fp16=False)
        draft.replace(xml_draft)
        draft.with_suffix(".bin").replace(bin_draft)


def _versions() -> dict[str, str]:
    names = ("torch", "openvino", "facenet-pytorch", "numpy", "safetensors")
    return {name: version(name) for name in names}


def main(arguments: list[str] | None = None) -> int:
    """Prepare what is asked for; a failure is one JSON line on standard output."""
    parser = argparse.ArgumentParser(description="Convert weights and export networks once.")
    parser.add_argument("--models-dir", type=Path, required=True)
    parser.add_argument("--backbone", default="facenet-casia")
    parser.add_argument("--weights-file", type=Path)
    parser.add_argument("--allow-download", action="store_true")
    options = parser.parse_args(arguments)
    try:
        spec = registry.get(options.backbone)
        with store.locked(options.models_dir):
            if not is_current(options.models_dir / spec.name, recipe_of(spec)):
                prepare_backbone(
                    options.models_dir,
                    spec,
                    weights_file=options.weights_file,
                    allow_download=options.allow_download,
                )
            if not is_current(options.models_dir / DETECTOR, detector_recipe()):
                prepare_detector(options.models_dir)
    except VisionError as error:
        sys.stdout.write(json.dumps({"code": error.code, "detail": error.detail}) + "\n")
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
