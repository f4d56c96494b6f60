"""Faces of answers that are kept by choice, gathered and named."""

from pathlib import Path

import pytest

from faceplatform.core.actors import SYSTEM
from faceplatform.core.errors import DomainError
from recognition.models import FaceImage, FaceState, Gallery, Probe
from recognition.selectors.galleries import gallery_facts
from recognition.selectors.review import review_queue
from recognition.selectors.unnamed import unnamed_clusters
from recognition.services.identification import identify
from recognition.services.unnamed import keep_probe_face, name_faces, reject_faces
from tests.factories import GalleryFactory
from tests.fakes import FakePipeline, face_photo

pytestmark = pytest.mark.django_db(transaction=True)

ANN, BOB = 1, 2


@pytest.fixture
def gallery(fake_pipeline: FakePipeline, files: Path) -> Gallery:
    made: Gallery = GalleryFactory.create(name="Staff")
    return made


def ask(gallery: Gallery, person: int, variant: int) -> Probe:
    data = face_photo(person, variant=variant)
    return identify(gallery=gallery, data=data, name=f"gate {variant}.png", actor=SYSTEM)


def keep(gallery: Gallery, person: int, variant: int) -> FaceImage:
    face = ask(gallery, person, variant).faces.get()
    return keep_probe_face(probe_face=face, actor=SYSTEM)


def test_nothing_of_a_probe_enters_a_gallery_by_itself(gallery: Gallery) -> None:
    ask(gallery, ANN, 1)
    assert not FaceImage.objects.exists()


def test_kept_faces_are_gathered_by_person_and_not_searched(gallery: Gallery) -> None:
    ann = [keep(gallery, ANN, variant) for variant in (1, 2, 3)]
    bob = keep(gallery, BOB, 1)
    assert [{face.pk for face in group} for group in unnamed_clusters(gallery)] == [
        {face.pk for face in ann},
        {bob.pk},
    ]
    assert {face.state for face in ann} == {FaceState.QUARANTINED}
    assert ask(gallery, ANN, 9).faces.get().decision == "unknown"
    facts = gallery_facts(gallery)
    assert (facts.unnamed, facts.in_review, facts.images) == (4, 0, 0)
    owner = type("Asks", (), {"organization_id": gallery.organization_id})()
    assert not review_queue(owner).exists()


def test_a_named_group_is_found_and_the_rest_can_be_put_aside(gallery: Gallery) -> None:
    ann = [keep(gallery, ANN, variant).pk for variant in (1, 2)]
    bob = keep(gallery, BOB, 1).pk
    assert name_faces(gallery=gallery, face_ids=ann, name="Ann", actor=SYSTEM) == 2
    answer = ask(gallery, ANN, 9).faces.get()
    assert answer.identity is not None
    assert answer.identity.name == "Ann"
    assert reject_faces(gallery=gallery, face_ids=[bob], actor=SYSTEM) == 1
    assert unnamed_clusters(gallery) == []
    with pytest.raises(DomainError) as refused:
        name_faces(gallery=gallery, face_ids=ann, name="Ann", actor=SYSTEM)
    assert refused.value.code == "nothing_to_name"


def test_the_same_face_is_kept_once_and_not_without_its_photo(gallery: Gallery) -> None:
    face = ask(gallery, ANN, 1).faces.get()
    keep_probe_face(probe_face=face, actor=SYSTEM)
    with pytest.raises(DomainError) as refused:
        keep_probe_face(probe_face=face, actor=SYSTEM)
    assert refused.value.code == "duplicate_image"
    Probe.objects.update(photo=None)
    again = Probe.objects.get().faces.get()
    with pytest.raises(DomainError) as refused:
        keep_probe_face(probe_face=again, actor=SYSTEM)
    assert refused.value.code == "photo_not_kept"


def test_faces_of_another_gallery_are_left_alone(gallery: Gallery) -> None:
    elsewhere = GalleryFactory.create()
    face = keep(gallery, ANN, 1)
    with pytest.raises(DomainError):
        name_faces(gallery=elsewhere, face_ids=[face.pk], name="Ann", actor=SYSTEM)
    face.refresh_from_db()
    assert face.identity is None
