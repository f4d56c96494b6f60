"""The pipeline as services use it, and what a web process may import."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from recognition.vision.detection import main_face
from recognition.vision.errors import (
    EngineRefused,
    ModelDamaged,
    ModelUnavailable,
    UnknownBackbone,
)
from recognition.vision.images import decode_image
from recognition.vision.pipeline import FacePipeline
from recognition.vision.types import Floats, Pixels
from tests.recognition.vision.conftest import ROOT, encoded

HEAVY = ("torch", "torchvision", "facenet_pytorch", "cv2", "pandas", "scipy", "django")

_SERVE = """
import importlib, pkgutil, sys
from pathlib import Path
import numpy as np
import recognition.vision
skipped = ("backbones.dlib_resnet", "backbones.facenet", "backbones.mtcnn", "engines.torch")
for module in pkgutil.walk_packages(recognition.vision.__path__, "recognition.vision."):
    if not module.name.endswith(skipped):
        importlib.import_module(module.name)
from recognition.vision.images import decode_image
from recognition.vision.pipeline import FacePipeline
pipeline = FacePipeline.build(Path(sys.argv[1]), engine="openvino", threads=1)
for name in sys.argv[2:]:
    assert pipeline.analyse([decode_image(Path(name).read_bytes()).pixels])[0]
pipeline.analyse([np.zeros((120, 160, 3), np.uint8)])
print(",".join(name for name in %r if name in sys.modules))
"""


def test_serving_imports_nothing_heavy(models_dir: Path) -> None:
    photo = ROOT.parent / "shared" / "data" / "groups" / "insightface_t1.jpg"
    command = [sys.executable, "-c", _SERVE % (HEAVY,), str(models_dir)]
    command += [str(photo)] if photo.exists() else []
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == ""


def test_version_says_what_made_an_embedding(pipeline: FacePipeline) -> None:
    version = pipeline.version
    assert version.backbone == "facenet-casia"
    assert version.dimension == 512
    assert len(version.digest) == 64
    assert version.engine == "openvino"
    assert "min_face 40" in version.detector


def test_nothing_prepared_is_an_answer(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="prepare"):
        FacePipeline.build(tmp_path)
    with pytest.raises(UnknownBackbone):
        FacePipeline.build(tmp_path, backbone="nobody")
    with pytest.raises(EngineRefused, match="no engine"):
        FacePipeline.build(tmp_path, engine="abacus")
    with pytest.raises(UnknownBackbone):
        FacePipeline.prepare(tmp_path, backbone="nobody")


def test_weights_that_are_nowhere_are_reported_by_the_child(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="Allow the download"):
        FacePipeline.prepare(tmp_path, backbone="facenet-vggface2")


@pytest.fixture
def copied_models(models_dir: Path, tmp_path: Path) -> Path:
    """A models folder of this test's own, hard-linked where nothing is changed."""
    for path in models_dir.glob("*/*.*"):
        target = tmp_path / path.relative_to(models_dir)
        target.parent.mkdir(exist_ok=True)
        target.hardlink_to(path)
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("name", ["facenet-casia/network.bin", "mtcnn/pnet.bin"])
def test_a_damaged_model_is_refused_then_repaired(copied_models: Path, name: str) -> None:
    path = copied_models / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x10
    path.unlink()
    path.write_bytes(content)
    with pytest.raises(ModelDamaged, match="checksum"):
        FacePipeline.build(copied_models, threads=1)
    FacePipeline.prepare(copied_models)
    assert FacePipeline.build(copied_models, threads=1).version.digest


def first_embedding(pipeline: FacePipeline, data: bytes) -> Floats:
    embedding = pipeline.analyse([decode_image(data).pixels])[0][0].embedding
    assert embedding is not None
    return embedding


@pytest.mark.faces
def test_an_import_embeds_the_main_subject_alone(
    pipeline: FacePipeline, lfw_photos: list[Pixels]
) -> None:
    beside = np.concatenate([lfw_photos[0], lfw_photos[1]], axis=1)
    every = pipeline.analyse([beside])[0]
    one = pipeline.analyse([beside, np.zeros_like(beside)], main_only=True)
    assert one[1] == []
    assert [face.face.box for face in one[0]] == [face.face.box for face in every]
    main = main_face([face.face for face in every], beside.shape[1], beside.shape[0])
    for full, short in zip(every, one[0], strict=True):
        if full.face is main:
            assert short.embedding is not None
            assert full.embedding is not None
            np.testing.assert_allclose(short.embedding, full.embedding, atol=1e-4)
        else:
            assert short.embedding is None


@pytest.mark.faces
def test_one_face_in_many_files_is_one_face(
    pipeline: FacePipeline, lfw_photos: list[Pixels]
) -> None:
    """CMYK, 16 bits, orientation: the way a photograph is stored must not change who it is."""
    photo = lfw_photos[3]
    upright = first_embedding(pipeline, encoded(photo, "PNG"))
    grey = Image.fromarray(photo).convert("L")
    turned = Image.Exif()
    turned[0x0112] = 6
    sideways = Image.fromarray(photo).transpose(Image.Transpose.ROTATE_90)
    variants = {
        "jpeg": (encoded(photo, "JPEG", quality=92), upright, 0.97),
        "webp": (encoded(photo, "WEBP", quality=92), upright, 0.95),
        "cmyk": (encoded(Image.fromarray(photo).convert("CMYK"), "JPEG"), upright, 0.9),
        "orientation": (encoded(sideways, "PNG", exif=turned), upright, 0.99),
        "16 bits": (
            encoded(Image.fromarray(np.asarray(grey).astype(np.uint16) * 257), "PNG"),
            first_embedding(pipeline, encoded(grey, "PNG")),
            0.99,
        ),
    }
    for name, (data, expected, least) in variants.items():
        assert float(first_embedding(pipeline, data) @ expected) > least, name


@pytest.mark.faces
def test_people_are_told_apart(pipeline: FacePipeline, shared_data: Path) -> None:
    """Two photographs of one person score higher than any two of two people."""
    folder = shared_data / "people" / "knn_examples" / "train"
    people = {
        path.name: [
            first_embedding(pipeline, photo.read_bytes()) for photo in sorted(path.glob("*.jp*g"))
        ]
        for path in sorted(folder.iterdir())
        if path.is_dir()
    }
    mated = [a @ b for own in people.values() for i, a in enumerate(own) for b in own[i + 1 :]]
    nonmated = [
        a @ b for name, own in people.items() for other, theirs in people.items() if name < other
        for a in own for b in theirs
    ]  # fmt: skip
    assert min(mated) > max(nonmated) + 0.1
