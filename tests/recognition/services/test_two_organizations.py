"""Two organizations that hold the same faces never see each other's."""

import numpy as np
import pytest

from recognition.models import FaceImage, Gallery
from recognition.selectors import templates
from recognition.selectors.thresholds import threshold_of
from tests.factories import FaceTemplateFactory, GalleryFactory, IdentityFactory
from tests.fakes import DIMENSION, embedding_of

PEOPLE = 20


@pytest.mark.django_db
def test_a_thousand_identifications_find_only_ones_own() -> None:
    galleries: list[Gallery] = [GalleryFactory.create(), GalleryFactory.create()]
    assert galleries[0].organization != galleries[1].organization
    for gallery in galleries:
        for person in range(PEOPLE):
            identity = IdentityFactory.create(gallery=gallery, name=f"Person {person}")
            for variant in (0, 1):
                FaceTemplateFactory.create(face__identity=identity, person=person, variant=variant)
    mine, theirs = (set(_faces(gallery)) for gallery in galleries)
    gallery = galleries[0]
    threshold = threshold_of(gallery).value
    rng = np.random.default_rng(4)
    seen = set()
    for number in range(1000):
        person = number % (PEOPLE + 5)  # some are strangers to both
        probe = embedding_of(person, 10 + number // (PEOPLE + 5))
        probe = probe + 0.2 * rng.standard_normal(DIMENSION).astype(np.float32) / DIMENSION**0.5
        probe /= np.linalg.norm(probe)
        answers = [*templates.nearest(gallery, probe, limit=200)]
        if number % 10 == 0:
            answers += templates.at_least(gallery, probe, score=threshold)
        seen |= {match.face_id for match in answers}
    assert seen == mine
    assert seen.isdisjoint(theirs)


def _faces(gallery: Gallery) -> list[object]:
    return list(FaceImage.objects.filter(gallery=gallery).values_list("pk", flat=True))
