"""Crops, flip averaging, centring, unit norm."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from facenet_pytorch import extract_face
from PIL import Image

from recognition.vision.embedding import Embedder, box_crop, centred, unit
from recognition.vision.pipeline import FacePipeline
from recognition.vision.registry import Preprocessing
from recognition.vision.types import Box, Floats, Pixels


class SumEngine:
    """A network small enough to check by hand: the sums of the left and of the right half."""

    name, precision = "sum", "f32"

    def __init__(self) -> None:
        self.batches: list[int] = []

    def infer(self, batch: Floats) -> Floats:
        self.batches.append(len(batch))
        half = batch.shape[3] // 2
        left, right = batch[..., :half].sum((1, 2, 3)), batch[..., half:].sum((1, 2, 3))
        return np.stack([left, right], axis=1).astype(np.float32)


def test_crop_equals_facenet_pytorch(picture: Pixels) -> None:
    rng = np.random.default_rng(3)
    start = rng.uniform([-30, -30], [120, 90], (60, 2))
    boxes = np.concatenate([start, start + rng.uniform(12, 90, (60, 2))], axis=1)
    for row in boxes:
        ours = box_crop(picture, Box(*(float(value) for value in row)), Preprocessing())
        theirs = extract_face(Image.fromarray(picture), row, image_size=160, margin=32)
        assert np.array_equal(ours.transpose(2, 0, 1), np.asarray(theirs.numpy()))


def test_input_equals_facenet_pytorch(picture: Pixels) -> None:
    crop = box_crop(picture, Box(20, 20, 90, 100), Preprocessing())
    found = Preprocessing().network_input(crop[None])[0]
    expected = (torch.from_numpy(crop.transpose(2, 0, 1).astype(np.float32)) - 127.5) / 128.0
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected.numpy(), atol=1e-6)


def test_a_box_outside_the_picture_is_grey(picture: Pixels) -> None:
    crop = box_crop(picture, Box(500, 500, 600, 600), Preprocessing())
    assert (crop == 127).all()


def test_mirror_image_is_averaged() -> None:
    crops = np.random.default_rng(0).integers(0, 256, (3, 160, 160, 3), dtype=np.uint8)
    embedder = Embedder(SumEngine(), Preprocessing(), 2)
    embeddings = embedder.embed_crops(crops)
    np.testing.assert_allclose(embeddings, embedder.embed_crops(crops[:, :, ::-1]), rtol=1e-5)
    np.testing.assert_allclose(np.abs(embeddings), np.sqrt(0.5), rtol=1e-4)
    alone = Embedder(SumEngine(), Preprocessing(flip=False), 2).embed_crops(crops)
    assert np.abs(alone - embeddings).max() > 1e-3


def test_batches_are_bounded_and_order_is_kept() -> None:
    crops = np.random.default_rng(0).integers(0, 256, (50, 160, 160, 3), dtype=np.uint8)
    engine = SumEngine()
    embeddings = Embedder(engine, Preprocessing(), 2).embed_crops(crops)
    assert max(engine.batches) <= 32
    single = Embedder(SumEngine(), Preprocessing(), 2).embed_crops(crops[41:42])
    np.testing.assert_allclose(embeddings[41:42], single, rtol=1e-5)


def test_centring_is_subtracted_before_the_last_normalisation() -> None:
    rows = unit(np.array([[3.0, 4.0], [1.0, 0.0]], np.float32))
    shifted = centred(rows, np.array([0.6, 0.0], np.float32))
    np.testing.assert_allclose(shifted, [[0.0, 1.0], [1.0, 0.0]], atol=1e-6)
    assert centred(rows, None) is rows


def test_nothing_in_nothing_out() -> None:
    embedder = Embedder(SumEngine(), Preprocessing(), 2, np.zeros(2, np.float32))
    assert embedder.embed([]).shape == (0, 2)


@pytest.mark.faces
def test_embeddings_are_unit_centred_and_blind_to_mirroring(
    pipeline: FacePipeline, lfw_photos: list[Pixels]
) -> None:
    photo = lfw_photos[0]
    answer = pipeline.analyse([photo])[0][0]
    assert answer.embedding is not None
    assert answer.embedding.dtype == np.float32
    assert np.linalg.norm(answer.embedding) == pytest.approx(1.0, abs=1e-5)
    box, width = answer.face.box, photo.shape[1]
    mirrored = replace(answer.face, box=Box(width - box.x2, box.y1, width - box.x1, box.y2))
    other = pipeline.embedder.embed([(photo[:, ::-1], mirrored)])[0]
    assert float(answer.embedding @ other) > 0.99
