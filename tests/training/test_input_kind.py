"""Datasets of pre-cropped faces: cut out of the photos, and the cut-outs are what is measured."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from faceplatform.core import storage
from recognition.models import Gallery, Photo
from recognition.vision.types import Box, DecodedImage
from tests.fakes import FakePipeline
from tests.training.conftest import Run
from tests.training.test_protocols import freeze
from training.evaluation.report import Report
from training.models import InputKind
from training.services import sources


def photo(height: int = 100, width: int = 200) -> DecodedImage:
    pixels = np.arange(height * width * 3, dtype=np.uint32).reshape(height, width, 3) % 251
    return DecodedImage(pixels.astype(np.uint8), "PNG")


def test_a_cut_out_is_the_square_around_the_box_inside_the_photo() -> None:
    whole = photo()
    part = sources.cut_out(whole, Box(100, 40, 120, 60))
    assert part.pixels.shape == (30, 30, 3)
    assert (part.pixels == whole.pixels[35:65, 95:125]).all()
    corner = sources.cut_out(whole, Box(-10, -10, 30, 30))
    assert corner.pixels.shape == (40, 40, 3)
    nothing = sources.cut_out(whole, Box(199.9, 99.9, 199.9, 99.9))
    assert min(nothing.pixels.shape) >= 1


def one_colour(person: int, variant: int) -> bytes:
    """A photo that tells in every pixel who is in it; variant 7 has no face."""
    out = io.BytesIO()
    Image.new("RGB", (640, 240), (person + 1, variant, variant == 7)).save(out, format="PNG")
    return out.getvalue()


def face_of(pipeline: FakePipeline, pixel: np.ndarray) -> list[Any]:
    person, variant, faceless = (int(value) for value in pixel)
    row = np.array([[(not faceless, 0, 0), (person, 0, variant)]], np.uint8)
    return pipeline._faces(row)


@pytest.mark.django_db
def test_an_evaluation_of_pre_cropped_faces_looks_at_cut_outs(
    gallery: Gallery, run: Run, fake_pipeline: FakePipeline, files: Path, monkeypatch: Any
) -> None:
    """No stored template is used, and a cut-out without a face is a failure."""
    faces = list(gallery.faces.select_related("photo").order_by("identity_id", "pk"))
    for number, face in enumerate(faces):
        sha256 = storage.put_photo(gallery.organization_id, one_colour(number // 3, number))
        Photo.objects.filter(pk=face.photo_id).update(sha256=sha256)
    shapes: set[tuple[int, ...]] = set()

    def analyse(images: Any, **options: Any) -> list[Any]:
        shapes.update(image.pixels.shape for image in images)
        return [tuple(face_of(fake_pipeline, image.pixels[0, 0])) for image in images]

    monkeypatch.setattr(sources, "analyse_images", analyse)
    dataset = freeze(gallery, input_kind=InputKind.CROP)
    report = Report.from_dict(run(dataset=dataset).report["report"])
    assert shapes == {(89, 89, 3)}, "one and a half times the box of 59 pixels"
    assert report.subject.input_kind == "crop"
    assert (report.subject.images, report.subject.failures) == (180, 1)
    assert report.verification is not None
    assert report.verification.mated == 178
    lowest = report.hardest_mated[0]
    assert lowest.score > 0.8, "those of the stand-in, not the stored templates"
