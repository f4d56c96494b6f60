"""Merge, move, split, consent and export by API."""

import io
import json
import zipfile

import pytest

from recognition.models import Gallery, Identity
from tests.api.caller import Caller
from tests.factories import FaceImageFactory, GalleryFactory, IdentityFactory


@pytest.fixture
def ada(gallery: Gallery) -> Identity:
    identity = IdentityFactory.create(gallery=gallery, name="Ada Lovelace")
    FaceImageFactory.create(identity=identity)
    FaceImageFactory.create(identity=identity)
    return identity


def test_merge_and_undo(ada: Identity, operator: Caller) -> None:
    other = IdentityFactory.create(gallery=ada.gallery, name="Augusta King")
    FaceImageFactory.create(identity=other)
    merge = operator.post(f"/api/v1/identities/{ada.pk}/merge", {"source": str(other.pk)}).json()
    assert (merge["source_name"], merge["images"]) == ("Augusta King", 1)
    assert operator.get(f"/api/v1/identities/{other.pk}").status_code == 404
    again = operator.post(f"/api/v1/merges/{merge['id']}/undo").json()
    assert (again["id"], again["images"]) == (str(other.pk), 1)
    refused = operator.post(f"/api/v1/merges/{merge['id']}/undo")
    assert (refused.status_code, refused.json()["code"]) == (409, "already_undone")
    foreign = IdentityFactory.create()
    path = f"/api/v1/identities/{ada.pk}/merge"
    assert operator.post(path, {"source": str(foreign.pk)}).status_code == 404


def test_move_and_split(ada: Identity, operator: Caller) -> None:
    spare = GalleryFactory.create(organization=ada.organization)
    path = f"/api/v1/identities/{ada.pk}"
    moved = operator.post(f"{path}/move", {"gallery": str(spare.pk)}).json()
    assert moved["gallery_id"] == str(spare.pk)
    face = ada.faces.order_by("pk")[0]
    body = {"images": [str(face.pk)], "name": "Grace"}
    made = operator.post(f"{path}/split", body)
    assert (made.status_code, made.json()["images"]) == (201, 1)
    assert made["Location"] == f"/api/v1/identities/{made.json()['id']}"
    assert operator.post(f"{path}/split", body).json()["code"] == "images_invalid"


def test_consents(ada: Identity, operator: Caller) -> None:
    gallery, path = f"/api/v1/galleries/{ada.gallery_id}", f"/api/v1/identities/{ada.pk}"
    operator.patch(gallery, {"consent_required": True})
    assert operator.get(path).json()["matchable"] is False
    sent = {"purpose": "Entry", "given_on": "2026-01-31", "evidence": "file 7"}
    made = operator.post(f"{path}/consents", sent)
    assert made.status_code == 201
    assert operator.get(path).json()["matchable"] is True
    assert [row["evidence"] for row in operator.get(f"{path}/consents").json()] == ["file 7"]
    operator.post(f"/api/v1/consents/{made.json()['id']}/withdraw")
    assert operator.get(path).json()["matchable"] is False
    listed = operator.get(f"{gallery}/identities?only=not_matchable").json()["results"]
    assert [row["id"] for row in listed] == [str(ada.pk)]


def test_tags_search_and_retention(ada: Identity, operator: Caller) -> None:
    path = f"/api/v1/identities/{ada.pk}"
    changed = operator.patch(path, {"tags": ["night", "night"], "retain_until": "2030-01-01"})
    assert changed.json()["tags"] == ["night"]
    assert changed.json()["retain_until"] == "2030-01-01"
    assert operator.patch(path, {"retain_until": None}).json()["retain_until"] is None
    people = f"/api/v1/galleries/{ada.gallery_id}/identities"
    for query, count in (("tag=night", 1), ("tag=day", 0), ("search=VELA", 1), ("search=ce", 0)):
        assert len(operator.get(f"{people}?{query}").json()["results"]) == count


def test_export(ada: Identity, admin: Caller, operator: Caller) -> None:
    from tests.factories import PhotoFactory, store_file
    from tests.fakes import face_photo

    ada.faces.all().delete()
    data = face_photo(1)
    photo = store_file(PhotoFactory.create(organization=ada.organization, data=data), data)
    FaceImageFactory.create(identity=ada, photo=photo)
    path = f"/api/v1/identities/{ada.pk}/export"
    assert operator.get(path).status_code == 403
    answer = admin.get(path)
    assert answer["Content-Type"] == "application/zip"
    archive = zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content)))
    record = json.loads(archive.read("person.json"))
    assert archive.read(record["images"][0]["photo"]) == data
