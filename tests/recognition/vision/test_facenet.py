"""The conversion of FaceNet's weights, and the reader of TensorFlow graphs below it."""

from pathlib import Path

import numpy as np
import pytest
import torch
from facenet_pytorch import InceptionResnetV1
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from recognition.vision import registry
from recognition.vision.backbones import facenet
from recognition.vision.backbones.tensorflow_graph import float_constants
from recognition.vision.embedding import box_crop
from recognition.vision.errors import ModelDamaged, ModelUnavailable
from recognition.vision.pipeline import FacePipeline
from recognition.vision.prepare import WEIGHTS
from recognition.vision.types import Pixels


def field(number: int, content: bytes | int) -> bytes:
    if isinstance(content, int):
        return bytes([number << 3, content])
    return bytes([number << 3 | 2, len(content)]) + content


def constant(name: str, values: NDArray[np.generic], dtype: int = 1) -> bytes:
    shape = b"".join(field(2, field(1, size)) for size in values.shape)
    tensor = field(1, dtype) + field(2, shape) + field(4, values.astype("<f4").tobytes())
    attribute = field(1, b"value") + field(2, field(8, tensor))
    return field(1, field(1, name.encode()) + field(2, b"Const") + field(5, attribute))


def test_reads_constants_by_name() -> None:
    kernel = np.arange(6, dtype=np.float32).reshape(2, 3)
    graph = (
        constant("a/weights", kernel)
        + field(1, field(1, b"x") + field(2, b"Placeholder"))
        + constant("indices", kernel, dtype=3)
        + constant("scalar", np.array(0.17, np.float32))
    )
    found = float_constants(graph)
    assert set(found) == {"a/weights", "scalar"}
    assert np.array_equal(found["a/weights"], kernel)
    assert found["scalar"].shape == ()


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_junk_is_no_graph(junk: bytes) -> None:
    graph = constant("a", np.ones((2, 2)))
    for data in (junk, graph[: len(junk)], graph[:20] + junk):
        try:
            assert isinstance(float_constants(data), dict)
        except ModelDamaged:
            continue


@pytest.mark.faces
def test_converted_network_equals_its_source_on_real_faces(
    models_dir: Path, pipeline: FacePipeline, lfw_photos: list[Pixels]
) -> None:
    spec = registry.get("facenet-casia")
    faces = [
        (photo, found[0].box)
        for photo, found in zip(
            lfw_photos[:12], pipeline.detector.detect(lfw_photos[:12]), strict=True
        )
    ]
    crops = np.stack([box_crop(photo, box, spec.preprocessing) for photo, box in faces])
    batch = spec.preprocessing.network_input(crops)
    source = facenet.find_source(spec, models_dir / spec.name, None, allow_download=False)
    expected = facenet.run_source(source, batch)
    network = facenet.build_network(models_dir / spec.name / WEIGHTS)
    with torch.inference_mode():
        found = network(torch.from_numpy(batch)).numpy()
    assert expected is not None
    assert np.abs(found - expected).max() < 1e-5


def test_weights_that_no_package_carries(tmp_path: Path) -> None:
    spec = registry.get("facenet-vggface2")
    with pytest.raises(ModelUnavailable, match="Allow the download"):
        facenet.find_source(spec, tmp_path, None, allow_download=False)
    with pytest.raises(ModelUnavailable, match="no file"):
        facenet.find_source(spec, tmp_path, tmp_path / "missing.pt", allow_download=False)
    wrong = tmp_path / "wrong.pt"
    wrong.write_bytes(b"not the weights")
    with pytest.raises(ModelDamaged, match="checksum"):
        facenet.find_source(spec, tmp_path, wrong, allow_download=False)


def test_a_release_file_becomes_weights(tmp_path: Path) -> None:
    """The release of facenet-pytorch has a classifier on top, which is left out."""
    state = InceptionResnetV1().state_dict()
    source, target = tmp_path / "release.pt", tmp_path / "weights.safetensors"
    torch.save(state | {"logits.weight": torch.zeros(3, 512)}, source)
    facenet.convert(registry.get("facenet-vggface2"), source, target)
    loaded = facenet.build_network(target).state_dict()
    assert set(loaded) == set(state)
    assert torch.equal(loaded["last_linear.weight"], state["last_linear.weight"])


def test_a_release_file_with_code_in_it_is_not_run(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return eval, ("1/0",)

    source = tmp_path / "release.pt"
    torch.save({"trap": Trap()}, source)
    with pytest.raises(ModelDamaged):
        facenet.convert(registry.get("facenet-vggface2"), source, tmp_path / "w.safetensors")
