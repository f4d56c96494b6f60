"""dlib's network: its file, its rebuilding, and equality with dlib itself."""

import struct
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from recognition.vision import prepare, reference, registry
from recognition.vision.backbones import dlib_resnet
from recognition.vision.backbones.dlib_file import header, integer, read_tensors
from recognition.vision.engines.openvino import OpenVinoEngine
from recognition.vision.errors import ModelDamaged, ModelUnavailable

SPEC = registry.get("dlib-resnet")


@pytest.fixture(scope="module")
def weights_file(models_dir: Path) -> Path:
    """dlib's file where it is at hand; the tests that need it download nothing."""
    try:
        return dlib_resnet.find_source(SPEC, models_dir / SPEC.name, None, allow_download=False)
    except ModelUnavailable as reason:
        pytest.skip(f"{reason}")


def test_integers_and_headers_of_dlib() -> None:
    assert integer(0) == b"\x01\x00"
    assert integer(300) == b"\x02\x2c\x01"
    assert header((4736, 1, 1, 1)) == b"\x01\x02\x02\x80\x12\x01\x01\x01\x01\x01\x01"


def test_tensors_are_read_in_order_and_not_from_inside_each_other() -> None:
    shape = (3, 1, 1, 1)
    first = np.array([1.0, np.frombuffer(header(shape)[:4], "<f4")[0], 2.0], "<f4")
    second = np.array([4.0, 5.0, 6.0], "<f4")
    stream = b"settings" + header(shape) + first.tobytes() + b"\x07between" + header(shape)
    found = read_tensors(stream + second.tobytes(), [shape, shape])
    assert found[0].ravel().tolist() == first.tolist()
    assert found[1].ravel().tolist() == [4.0, 5.0, 6.0]
    with pytest.raises(ModelDamaged, match="ends inside"):
        read_tensors(stream + second.tobytes()[:-1], [shape, shape])
    with pytest.raises(ModelDamaged, match="no tensor 1"):
        read_tensors(stream, [shape, (4, 1, 1, 1)])
    with pytest.raises(ModelDamaged, match="not finite"):
        read_tensors(header(shape) + struct.pack("<3f", 1, float("nan"), 2), [shape])


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300))
def test_junk_is_refused(junk: bytes) -> None:
    with pytest.raises(ModelDamaged):
        dlib_resnet.weights_of(junk)


def test_a_network_survives_the_file_format() -> None:
    torch.manual_seed(5)
    network = dlib_resnet.DlibResnet().eval()
    state = network.state_dict()
    stream = b"head"
    for name in [n for n in state if n.endswith((".weight", ".gamma"))]:
        place = name.rpartition(".")[0]
        parts = [state[n] for n in (name, f"{place}.bias", f"{place}.beta") if n in state]
        if place == "last":
            parts = [parts[0].T]
        shape = (256, 128, 1, 1) if place == "last" else (sum(p.numel() for p in parts), 1, 1, 1)
        stream += header(shape) + b"".join(p.contiguous().numpy().tobytes() for p in parts)
    found = dlib_resnet.weights_of(stream)
    assert set(found) == set(state)
    assert all(torch.equal(found[name], state[name]) for name in state)


def test_weights_have_to_be_given_or_allowed(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="no file"):
        dlib_resnet.find_source(SPEC, tmp_path, tmp_path / "missing.dat", allow_download=False)
    wrong = tmp_path / "wrong.dat"
    wrong.write_bytes(b"not the weights")
    with pytest.raises(ModelDamaged, match="checksum"):
        dlib_resnet.find_source(SPEC, tmp_path, wrong, allow_download=False)
    if find_spec("face_recognition_models") is None:
        with pytest.raises(ModelUnavailable, match="Allow the download"):
            dlib_resnet.find_source(SPEC, tmp_path, None, allow_download=False)


def test_the_network_equals_dlib_itself(weights_file: Path) -> None:
    dlib = pytest.importorskip("dlib", reason="dlib-bin is not installed: pip install dlib-bin")
    oracle = dlib.face_recognition_model_v1(str(weights_file))
    chips = reference.crops(150)
    theirs = np.array([oracle.compute_face_descriptor(chip) for chip in chips])
    network = dlib_resnet.DlibResnet().eval()
    network.load_state_dict(dlib_resnet.weights_of(weights_file.read_bytes()))
    batch = SPEC.preprocessing.network_input(chips)
    with torch.inference_mode():
        ours = network(torch.from_numpy(batch)).numpy()
    assert np.abs(ours - theirs).max() < 1e-5


def test_openvino_runs_it_alike_and_as_stored(weights_file: Path, models_dir: Path) -> None:
    folder = models_dir / SPEC.name
    if not prepare.is_current(folder, prepare.recipe_of(SPEC)):
        prepare.prepare_backbone(models_dir, SPEC, weights_file=weights_file, allow_download=False)
    batch = SPEC.preprocessing.network_input(reference.crops(150))
    found = OpenVinoEngine(folder / prepare.NETWORK, threads=1).infer(batch)
    stored = reference.load(Path(registry.__file__).with_name("calibrations") / SPEC.reference)
    assert np.abs(found - stored).max() < 1e-3
