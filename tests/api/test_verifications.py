"""Comparing by API."""

from typing import Any

import pytest

from faceplatform.accounts.roles import Scope
from recognition.models import Gallery, Verification
from tests.api.caller import Caller
from tests.factories import FaceTemplateFactory, IdentityFactory
from tests.fakes import face_photo


def upload(data: bytes, name: str = "photo.png") -> Any:
    from django.core.files.uploadedfile import SimpleUploadedFile

    return SimpleUploadedFile(name, data, content_type="image/png")


def test_two_photos(gallery: Gallery, key: Any) -> None:
    caller = key(Scope.IDENTIFY, Scope.READ)
    response = caller.form(
        "/api/v1/verify", first=upload(face_photo(1, 2)), second=upload(face_photo(2, variant=3))
    )
    body = response.json()
    assert response.status_code == 200, body
    assert [[pair["verdict"] for pair in row] for row in body["pairs"]] == [["different"], ["same"]]
    assert body["best"]["first"] == 2
    assert body["threshold"]["fmr"] == 0.001
    assert body["identity"] is None
    picture = body["photos"][0]["faces"][0]["picture_url"]
    assert caller.get(picture)["Content-Type"] == "image/jpeg"
    again = caller.get(f"/api/v1/verifications/{body['id']}").json()
    assert again["pairs"] == body["pairs"]
    rows = caller.get("/api/v1/verifications").json()["results"]
    assert [row["id"] for row in rows] == [body["id"]]


def test_a_person(gallery: Gallery, operator: Caller) -> None:
    identity = IdentityFactory.create(gallery=gallery, name="Ada")
    for variant in (1, 2):
        FaceTemplateFactory.create(face__identity=identity, person=1, variant=variant)
    path = f"/api/v1/identities/{identity.pk}/verify"
    body = operator.form(path, image=upload(face_photo(1)), rule="vote", fmr="0.0001").json()
    assert body["identity"]["name"] == "Ada"
    assert body["faces"][0]["verdict"] == "same"
    assert [anchor["above"] for anchor in body["faces"][0]["anchors"]] == [True, True]
    assert body["threshold"]["rule"] == "vote"
    assert operator.delete(f"/api/v1/verifications/{body['id']}").status_code == 204
    assert not Verification.objects.exists()


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"image": face_photo(), "rule": "max"}, 422, "no_face"),
        ({"image": face_photo(1), "rule": "best"}, 400, "invalid_choice"),
        ({"image": face_photo(1), "fmr": "0.5"}, 400, "invalid_choice"),
        ({"image": b"no picture"}, 415, "unsupported_media"),
        ({}, 400, "file_missing"),
    ],
)
def test_refusals(
    gallery: Gallery, operator: Caller, fields: dict[str, Any], status: int, code: str
) -> None:
    identity = IdentityFactory.create(gallery=gallery)
    FaceTemplateFactory.create(face__identity=identity, person=1)
    sent = {k: upload(v) if isinstance(v, bytes) else v for k, v in fields.items()}
    response = operator.form(f"/api/v1/identities/{identity.pk}/verify", **sent)
    body = response.json()
    assert response.status_code == status, body
    assert code in {body["code"], *(error["code"] for error in body["errors"])}
    assert not Verification.objects.exists()
