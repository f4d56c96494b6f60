"""Prepared networks and real photographs for the tests of the vision engine."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from recognition.vision.images import decode_image
from recognition.vision.pipeline import FacePipeline
from recognition.vision.types import Pixels

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="session")
def models_dir() -> Path:
    """The project's own models folder, prepared. It is a cache: making it again costs time only."""
    folder = ROOT / "var" / "models"
    FacePipeline.prepare(folder)
    return folder


@pytest.fixture(scope="session")
def pipeline(models_dir: Path) -> FacePipeline:
    return FacePipeline.build(models_dir, threads=1)


@pytest.fixture(scope="session")
def lfw_photos(shared_data: Path) -> list[Pixels]:
    """Eighty photographs of LFW, spread over the alphabet."""
    paths = sorted((shared_data / "lfw" / "lfw-deepfunneled").glob("*/*_0001.jpg"))
    return [decode_image(path.read_bytes()).pixels for path in paths[:: len(paths) // 80][:80]]


@pytest.fixture(scope="session")
def group_photo(shared_data: Path) -> Pixels:
    """Six people, 1280 x 886."""
    return decode_image((shared_data / "groups" / "insightface_t1.jpg").read_bytes()).pixels


@pytest.fixture(scope="session")
def picture() -> Pixels:
    """A soft coloured picture without a face, 160 x 120."""
    cells = np.random.default_rng(7).integers(0, 255, (6, 8, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(cells).resize((160, 120), Image.Resampling.BICUBIC))


def encoded(pixels: Pixels | Image.Image, kind: str, **options: object) -> bytes:
    """A picture as the bytes of a file."""
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()
