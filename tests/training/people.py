"""Galleries of generated people: quick to make, and hard enough to get some wrong."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from faceplatform.core.ids import uuid7
from faceplatform.core.jobs import JobContext
from recognition.models import FaceImage, FaceTemplate, Gallery, Identity, ModelVersion, Photo
from tests.factories import GalleryFactory
from tests.fakes import DIMENSION
from training.models import Evaluation
from training.services.measuring import PROTOCOLS, Measuring
from training.services.sources import Faces

FACE = {
    "x1": 20.0,
    "y1": 40.0,
    "x2": 79.0,
    "y2": 99.0,
    "landmarks": [40.0, 60.0, 60.0, 60.0, 50.0, 75.0, 42.0, 88.0, 58.0, 88.0],
    "detection_score": 0.99,
    "quality": 0.8,
    "detector": "fake",
}


def vectors(
    people: int, images: int, *, seed: int = 1, noise: float = 1.2, rank: int = 24
) -> np.ndarray:
    """Return unit vectors (people * images, d), a person's one after the other.

    People differ in `rank` directions only, so some of them look alike.
    """
    rng = np.random.default_rng(seed)
    basis = np.linalg.qr(rng.standard_normal((DIMENSION, rank)))[0]
    centres = np.repeat(rng.standard_normal((people, rank)), images, axis=0)
    rows = (centres + noise * rng.standard_normal(centres.shape) * 0.5) @ basis.T
    found: np.ndarray = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return found.astype(np.float32)


def make_gallery(
    gallery: Gallery | None = None,
    *,
    people: int = 40,
    images: int = 3,
    seed: int = 1,
    **more: float,
) -> Gallery:
    """Fill a gallery with people of `vectors`; photos have rows and no files."""
    gallery = gallery or GalleryFactory.create()
    organization = gallery.organization
    rows = vectors(people, images, seed=seed, **more)  # type: ignore[arg-type]
    named = Identity.objects.bulk_create(
        Identity(organization=organization, gallery=gallery, name=f"Person {seed}-{number:03d}")
        for number in range(people)
    )
    photos = Photo.objects.bulk_create(
        Photo(
            organization=organization,
            sha256=f"{seed:032x}{number:032x}",
            size=1,
            media_type="image/png",
            width=640,
            height=240,
        )
        for number in range(len(rows))
    )
    faces = FaceImage.objects.bulk_create(
        FaceImage(
            organization=organization,
            photo=photo,
            gallery=gallery,
            identity=named[number // images],
            path=f"{named[number // images].name}/{number % images:04d}.png",
            **FACE,
        )
        for number, photo in enumerate(photos)
    )
    FaceTemplate.objects.bulk_create(
        FaceTemplate(
            organization=organization,
            gallery=gallery,
            face=face,
            model_version=gallery.model_version,
            dimension=DIMENSION,
            embedding=row,
        )
        for face, row in zip(faces, rows, strict=True)
    )
    return gallery


class QuietContext(JobContext):
    """A job that nobody watches: no lease, so that a test's transaction may stay open."""

    def __init__(self, row: Any) -> None:
        self.payload = row.job.payload
        self.notes: list[str] = []

    def check(self) -> None:
        """Nobody cancels."""

    def progress(
        self, done: int, total: int | None = None, note: str = "", *, force: bool = False
    ) -> None:
        """Note what is done, and that there is no more done than there is to do."""
        assert total is None or 0 <= done <= total
        self.notes.append(note)

    def log(self, message: str, *, level: str = "info") -> None:
        """Keep nothing."""

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Write."""
        yield


class NoSteps:
    """Progress that nobody reads."""

    def begin(self, note: str) -> None:
        """Nothing."""

    def __call__(self, done: int, total: int) -> None:
        """Nothing."""


def measured_vectors(*, people: int, images: int, seed: int = 1) -> dict[str, Any]:
    """Return the record of an all-pairs evaluation of generated vectors, without a database."""
    rows = vectors(people, images, seed=seed)
    owners = [uuid7() for _ in range(people)]
    faces = Faces(
        faces=tuple(uuid7() for _ in rows),
        owners=tuple(owners[number // images] for number in range(len(rows))),
        embeddings=rows,
        failures=0,
    )
    evaluation = Evaluation(
        gallery=Gallery(name="generated"),
        model_version=ModelVersion(name="generated", digest="0" * 64),
        protocol="all_pairs",
    )
    return PROTOCOLS["all_pairs"].measure(Measuring(evaluation, faces, NoSteps()))
