from pathlib import Path

import pytest

from recognition.models import FaceImage, FaceTemplate, Gallery, Identity, Photo
from tests.api.caller import Caller, refused, upload
from tests.factories import FaceImageFactory, IdentityFactory
from tests.fakes import POOR, FakePipeline, face_photo


@pytest.fixture
def identity(gallery: Gallery) -> Identity:
    return IdentityFactory.create(gallery=gallery, name="Ada")


@pytest.fixture
def images(identity: Identity) -> str:
    return f"/api/v1/identities/{identity.pk}/images"


def test_one_photo_is_enrolled_and_searchable_at_once(
    operator: Caller, identity: Identity, images: str, files: Path
) -> None:
    made = operator.form(images, images=upload(face_photo(1), "desk/ada 1.png"))
    assert made.status_code == 201, made.content
    face = FaceImage.objects.get()
    assert made["Location"] == f"/api/v1/images/{face.pk}"
    body = made.json()
    assert body["identity"] == {"id": str(identity.pk), "name": "Ada"}
    assert (body["path"], body["state"]) == ("ada 1.png", "enrolled")
    assert len(body["box"]) == 4
    assert [len(point) for point in body["landmarks"]] == [2] * 5
    assert body["quality"]["score"] == 0.8
    assert body["photo"]["width"], body["photo"]["height"] == (640, 240)
    assert all(url.startswith("/pictures/") for url in body["pictures"].values())
    assert operator.get(made["Location"]).json()["id"] == body["id"]
    assert FaceTemplate.objects.get().searchable
    assert sum(path.is_file() for path in files.rglob("*")) == 1

    found = operator.form(
        f"/api/v1/galleries/{identity.gallery_id}/identify", image=upload(face_photo(1, variant=3))
    ).json()
    assert found["faces"][0]["identity"]["name"] == "Ada"


def test_no_answer_holds_an_embedding(operator: Caller, identity: Identity, images: str) -> None:
    def longest_numbers(value: object) -> int:
        if isinstance(value, dict):
            return max((longest_numbers(v) for v in value.values()), default=0)
        if isinstance(value, list):
            numbers = sum(isinstance(v, int | float) for v in value)
            return max([numbers, *(longest_numbers(v) for v in value)])
        return 0

    answers = [
        operator.form(images, images=upload(face_photo(1))),
        operator.get(images),
        operator.get("/api/v1/models"),
        operator.form(
            f"/api/v1/galleries/{identity.gallery_id}/identify", image=upload(face_photo(1, 2))
        ),
    ]
    assert [answer.status_code for answer in answers] == [201, 200, 200, 200]
    assert max(longest_numbers(answer.json()) for answer in answers) < 64


@pytest.mark.parametrize(
    ("photo", "status", "code"),
    [
        (face_photo(), 422, "no_face"),
        (face_photo(1, 2), 422, "multiple_faces"),
        (face_photo(1, variant=POOR), 422, "low_quality"),
        (b"", 400, "file_empty"),
        (b"\x00" * 100, 415, "unsupported_media"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", 415, "unsupported_media"),
        (face_photo(1)[:300], 422, "image_truncated"),
    ],
)
def test_what_cannot_be_enrolled_says_why_and_leaves_nothing(
    operator: Caller, images: str, files: Path, photo: bytes, status: int, code: str
) -> None:
    refused(operator.form(images, images=upload(photo)), status, code)
    assert not FaceImage.objects.exists()
    assert not Photo.objects.exists()
    assert not [path for path in files.rglob("*") if path.is_file()]


def test_of_several_faces_one_is_named_by_number(operator: Caller, images: str) -> None:
    photo = face_photo(1, 2)
    problem = refused(operator.form(images, images=upload(photo)), 422, "multiple_faces")
    assert [error["field"] for error in problem["errors"]] == ["face 1", "face 2"]
    assert all("box" in error["detail"] for error in problem["errors"])

    second = operator.form(images, images=upload(photo), face="2")
    assert second.status_code == 201
    assert second.json()["box"][0] > 80  # the one on the right
    refused(operator.form(images, images=upload(photo), face="3"), 400, "face_number_invalid")


@pytest.mark.parametrize("face", ["0", "-1", "101", "1.0", "one", "true"])
def test_the_number_of_a_face_is_a_number(operator: Caller, images: str, face: str) -> None:
    response = operator.form(images, images=upload(face_photo(1)), face=face)
    assert response.status_code == 400
    assert response.json()["errors"][0]["field"] == "face"


def test_the_same_photo_is_enrolled_once(operator: Caller, images: str) -> None:
    photo = upload(face_photo(1))
    assert operator.form(images, images=photo).status_code == 201
    photo.seek(0)
    refused(operator.form(images, images=photo), 409, "duplicate_image")
    assert FaceImage.objects.count() == FaceTemplate.objects.count() == 1


def test_several_photos_answer_one_result_each_in_order(operator: Caller, images: str) -> None:
    response = operator.form(
        images,
        images=[
            upload(face_photo(1), "a.png"),
            upload(face_photo(), "b.png"),
            upload(face_photo(1), "again.png"),
            upload(face_photo(1, variant=2), "c.png"),
        ],
    )
    assert response.status_code == 200, response.content
    body = response.json()
    assert (body["enrolled"], body["refused"]) == (2, 2)
    assert [(row["name"], row["status"], row["code"]) for row in body["results"]] == [
        ("a.png", "enrolled", ""),
        ("b.png", "refused", "no_face"),
        ("again.png", "refused", "duplicate_image"),
        ("c.png", "enrolled", ""),
    ]
    assert [row["image"] is None for row in body["results"]] == [False, True, True, False]
    assert FaceImage.objects.count() == 2


def test_a_face_number_needs_one_photo_and_twenty_are_the_most(
    operator: Caller, images: str
) -> None:
    two = [upload(face_photo(1)), upload(face_photo(2))]
    refused(operator.form(images, images=two, face="1"), 400, "face_ambiguous")
    many = [upload(face_photo(n)) for n in range(21)]
    response = operator.form(images, images=many)
    assert response.status_code == 400
    assert response.json()["errors"][0]["field"] == "images"
    assert not FaceImage.objects.exists()


def test_a_model_that_is_away_is_no_fault_of_the_photos(
    operator: Caller, images: str, fake_pipeline: FakePipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    from faceplatform.core.errors import DomainError

    def away(*_: object, **__: object) -> None:
        raise DomainError("model_unavailable", "The model is not here.", status=503)

    monkeypatch.setattr("recognition.services.enrollment.analyse_photo", away)
    two = [upload(face_photo(1)), upload(face_photo(2))]
    response = operator.form(images, images=two)
    refused(response, 503, "model_unavailable")
    assert response["Retry-After"] == "5"


def test_list_filter_and_delete(operator: Caller, identity: Identity, images: str) -> None:
    kept = FaceImageFactory.create(identity=identity)
    poor = FaceImageFactory.create(identity=identity, state="quarantined", reason="blurred")
    rows = operator.get(images).json()["results"]
    assert [row["id"] for row in rows] == [str(poor.pk), str(kept.pk)]
    rows = operator.get(f"{images}?state=quarantined").json()["results"]
    assert [(row["id"], row["reason"]) for row in rows] == [(str(poor.pk), "blurred")]
    refused(operator.get(f"{images}?state=lost"), 400, "invalid_choice")

    assert operator.delete(f"/api/v1/images/{poor.pk}").status_code == 204
    assert FaceImage.objects.get() == kept
    assert Photo.objects.get() == kept.photo
    refused(operator.delete(f"/api/v1/images/{poor.pk}"), 404, "not_found")
