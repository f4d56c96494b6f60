"""A gallery of many people, written in a few statements."""

import numpy as np

from recognition.models import FaceImage, FaceTemplate, Gallery, Identity
from recognition.vision.types import Floats
from tests.factories import GalleryFactory, PhotoFactory
from tests.fakes import DIMENSION, embedding_of


def crowded_gallery(people: int, *, first: int = 0, gallery: Gallery | None = None) -> Gallery:
    """Return a gallery of persons `first` and up of `tests.fakes`, one template each."""
    gallery = gallery or GalleryFactory.create()
    organization = gallery.organization
    photo = PhotoFactory.create(organization=organization)
    identities = Identity.objects.bulk_create(
        Identity(organization=organization, gallery=gallery, name=f"Person {first + number}")
        for number in range(people)
    )
    faces = FaceImage.objects.bulk_create(
        FaceImage(
            organization=organization,
            gallery=gallery,
            identity=identity,
            photo=photo,
            x1=20.0,
            y1=40.0,
            x2=79.0,
            y2=99.0,
            landmarks=[0.0] * 10,
            detection_score=0.99,
            quality=0.8,
            quality_parts={"yaw": 0.0},
            detector="fake",
            path=identity.name,
        )
        for identity in identities
    )
    FaceTemplate.objects.bulk_create(
        FaceTemplate(
            organization=organization,
            gallery=gallery,
            face=face,
            model_version=gallery.model_version,
            dimension=DIMENSION,
            embedding=vector(first + number),
        )
        for number, face in enumerate(faces)
    )
    return gallery


def vector(person: int, variant: int = 0) -> Floats:
    """Return the person's embedding, on a cone, so that strangers score about 0.3."""
    shared = np.random.default_rng(10**6).standard_normal(DIMENSION)
    mixed = embedding_of(person, variant) + 0.65 * shared / np.linalg.norm(shared)
    return np.asarray(mixed / np.linalg.norm(mixed), np.float32)
