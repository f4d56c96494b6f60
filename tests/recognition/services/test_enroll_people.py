"""One photo, several people, in one step."""

import json
from pathlib import Path

import pytest

from faceplatform.accounts.roles import Role
from faceplatform.core.actors import SYSTEM
from faceplatform.core.errors import DomainError
from recognition.models import FaceImage, Gallery, Identity, Photo
from recognition.services.enrollment import NamedFace, enroll_people
from recognition.services.identification import identify
from tests.api.caller import Caller, refused, upload
from tests.factories import GalleryFactory, IdentityFactory, make_member
from tests.fakes import POOR, FakePipeline, face_photo

pytestmark = pytest.mark.django_db


@pytest.fixture
def gallery(fake_pipeline: FakePipeline, files: Path) -> Gallery:
    made: Gallery = GalleryFactory.create()
    return made


@pytest.fixture
def operator(gallery: Gallery) -> Caller:
    return Caller.person(make_member(gallery.organization, Role.OPERATOR))


def nothing_is_there(gallery: Gallery) -> bool:
    return not FaceImage.objects.filter(gallery=gallery).exists() and not Photo.objects.exists()


def test_every_named_face_is_enrolled_and_found(gallery: Gallery) -> None:
    ada = IdentityFactory.create(gallery=gallery, name="Ada")
    people = [NamedFace(3, name="Grace"), NamedFace(1, ada)]
    stored = enroll_people(
        gallery=gallery, data=face_photo(1, 2, 3), path="party.png", people=people, actor=SYSTEM
    )
    assert [image.identity.name for image in stored if image.identity] == ["Grace", "Ada"]
    assert Photo.objects.count() == 1
    probe = identify(gallery=gallery, data=face_photo(1, 2, 3, variant=1), name="", actor=SYSTEM)
    names = [face.identity and face.identity.name for face in probe.faces.all()]
    assert (names[0], names[2]) == ("Ada", "Grace")
    assert probe.faces.get(number=2).decision == "unknown"


@pytest.mark.parametrize(
    ("faces", "code"),
    [
        ([NamedFace(1, name="Ada"), NamedFace(3, name="Grace")], "face_number_invalid"),
        ([NamedFace(1, name="Ada"), NamedFace(1, name="Grace")], "people_invalid"),
        ([NamedFace(1, name="Ada"), NamedFace(2, name="Ada")], "identity_exists"),
        ([NamedFace(1, name="Ada"), NamedFace(2, name=" ")], "name_invalid"),
        ([], "people_invalid"),
    ],
)
def test_a_refusal_leaves_nothing_behind(
    gallery: Gallery, faces: list[NamedFace], code: str
) -> None:
    with pytest.raises(DomainError) as refusal:
        enroll_people(gallery=gallery, data=face_photo(1, 2), path="", people=faces, actor=SYSTEM)
    assert refusal.value.code == code
    assert nothing_is_there(gallery)
    assert not Identity.objects.exists()


def test_a_poor_face_is_named_in_the_refusal(gallery: Gallery) -> None:
    people = [NamedFace(1, name="Ada"), NamedFace(2, name="Grace")]
    with pytest.raises(DomainError) as refusal:
        enroll_people(
            gallery=gallery,
            data=face_photo(1, 2, variant=POOR),
            path="",
            people=people,
            actor=SYSTEM,
        )
    assert refusal.value.code == "low_quality"
    assert [error.field for error in refusal.value.errors] == ["face 1"]
    assert nothing_is_there(gallery)


def test_over_the_api(operator: Caller, gallery: Gallery) -> None:
    ada = IdentityFactory.create(gallery=gallery, name="Ada")
    path = f"/api/v1/galleries/{gallery.pk}/photos"
    people = [{"face": 2, "identity": str(ada.pk)}, {"face": 1, "name": "Grace"}]
    body = {"image": upload(face_photo(1, 2)), "people": json.dumps(people)}
    response = operator.form(path, **body)
    assert response.status_code == 201, response.content
    results = response.json()["results"]
    assert [row["identity"]["name"] for row in results] == ["Ada", "Grace"]
    assert {row["state"] for row in results} == {"enrolled"}
    again = [{"face": 1, "identity": str(ada.pk)}]
    refusal = operator.form(path, image=upload(face_photo(1, 2)), people=json.dumps(again))
    refused(refusal, 409, "duplicate_image")
    for wrong in ("", "[]", "{}", '[{"face": 1}]', '[{"face": 0, "name": "X"}]', "[1", "[1]"):
        response = operator.form(path, image=upload(face_photo(5)), people=wrong)
        assert response.status_code == 400, (wrong, response.content)
    foreign = IdentityFactory.create()
    mixed = json.dumps([{"face": 1, "identity": str(foreign.pk)}])
    refused(operator.form(path, image=upload(face_photo(5)), people=mixed), 404, "not_found")
    assert FaceImage.objects.filter(gallery=gallery).count() == 2


def test_on_the_page_of_an_answer(operator: Caller, gallery: Gallery) -> None:
    IdentityFactory.create(gallery=gallery, name="Ada")
    probe = identify(gallery=gallery, data=face_photo(1, 2, 3), name="party.png", actor=SYSTEM)
    path = f"/probes/{probe.pk}/people/"
    page = operator.get(path).content.decode()
    assert page.count('name="face-') == 3
    wrong = operator.client.post(path, {"face-1": "Ada", "face-2": "Ada"})
    assert wrong.status_code == 422
    assert "people_invalid" in wrong.content.decode()
    assert FaceImage.objects.count() == 0
    done = operator.client.post(path, {"face-1": "Ada", "face-2": "Grace", "face-3": ""})
    assert done.status_code == 302
    rows = FaceImage.objects.filter(gallery=gallery).values_list("identity__name", "state")
    assert sorted(rows) == [("Ada", "enrolled"), ("Grace", "enrolled")]
    names = operator.get(f"/galleries/{gallery.pk}/names/?face-2=rac").content.decode()
    assert "Grace" in names
    assert "Ada" not in names
