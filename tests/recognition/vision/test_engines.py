"""Engines agree, prove themselves, and may be shared between threads."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from recognition.vision import reference, registry
from recognition.vision.engines.base import prove
from recognition.vision.engines.openvino import OpenVinoEngine
from recognition.vision.errors import EngineRefused
from recognition.vision.pipeline import FacePipeline
from recognition.vision.pipeline import logger as pipeline_logger
from recognition.vision.prepare import NETWORK, REFERENCE
from recognition.vision.types import Floats, Pixels

SPEC = registry.get("facenet-casia")


def inputs() -> Floats:
    return SPEC.preprocessing.network_input(reference.crops(160))


def stored(models_dir: Path) -> Floats:
    return reference.load(models_dir / SPEC.name / REFERENCE)


def test_crops_of_the_seed_are_what_they_were() -> None:
    crops = reference.crops(160)
    assert crops.shape == (16, 160, 160, 3)
    assert crops[0, 0, 0].tolist() == [114, 133, 136]
    assert int(crops.astype(np.int64).sum()) == 162_512_012


def test_the_project_s_own_embeddings_are_those_of_this_machine(models_dir: Path) -> None:
    from recognition.vision.calibration import FOLDER

    committed = reference.load(FOLDER / SPEC.reference)
    np.testing.assert_allclose(committed, stored(models_dir), atol=1e-5)


def test_openvino_reproduces_pytorch(models_dir: Path) -> None:
    engine = OpenVinoEngine(models_dir / SPEC.name / NETWORK, threads=1)
    assert prove(engine, inputs(), stored(models_dir)) > 0.9999


class Wrong:
    name, precision = "wrong", "f32"

    def __init__(self, answer: Floats) -> None:
        self.answer = answer

    def infer(self, batch: Floats) -> Floats:
        return self.answer[: len(batch)]


def test_an_engine_that_is_off_is_refused(models_dir: Path) -> None:
    right = stored(models_dir)
    assert prove(Wrong(right * 2), inputs(), right) == pytest.approx(1.0)  # length does not matter
    off = right.copy()
    off[7] = np.roll(off[7], 1)
    for bad in (off, np.full_like(right, np.nan), np.zeros_like(right)):
        with pytest.raises(EngineRefused):
            prove(Wrong(bad), inputs(), right)


def test_auto_falls_back_to_pytorch_and_says_so(
    models_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    # Not caplog: another test may have changed where the process's loggers lead.
    monkeypatch.setattr(pipeline_logger, "warning", lambda text, *args: said.append(text % args))

    def broken(self: OpenVinoEngine, batch: Floats) -> Floats:
        return np.ones((len(batch), 512), np.float32)

    monkeypatch.setattr(OpenVinoEngine, "infer", broken)
    with pytest.raises(EngineRefused):
        FacePipeline.build(models_dir, engine="openvino", threads=1)
    pipeline = FacePipeline.build(models_dir, engine="auto", threads=1)
    assert pipeline.version.engine == "torch"
    assert ["PyTorch takes over" in text for text in said] == [True]


@pytest.mark.faces
def test_both_engines_give_one_version(
    models_dir: Path, pipeline: FacePipeline, lfw_photos: list[Pixels]
) -> None:
    other = FacePipeline.build(models_dir, engine="torch", threads=1)
    assert pipeline.version.engine == "openvino"
    assert other.version.digest == pipeline.version.digest
    for one, two in zip(
        pipeline.analyse(lfw_photos[:6]), other.analyse(lfw_photos[:6]), strict=True
    ):
        assert one[0].face.box.iou(two[0].face.box) > 0.99
        assert one[0].embedding is not None
        assert two[0].embedding is not None
        assert float(one[0].embedding @ two[0].embedding) > 0.999


@pytest.mark.faces
def test_threads_share_a_pipeline(pipeline: FacePipeline, lfw_photos: list[Pixels]) -> None:
    photos = lfw_photos[:8]
    alone = [pipeline.analyse([photo])[0][0].embedding for photo in photos]
    with ThreadPoolExecutor(8) as pool:
        together = list(
            pool.map(lambda photo: pipeline.analyse([photo])[0][0].embedding, photos * 3)
        )
    for index, embedding in enumerate(together):
        expected = alone[index % len(photos)]
        assert embedding is not None
        assert expected is not None
        np.testing.assert_allclose(embedding, expected, atol=1e-5)
