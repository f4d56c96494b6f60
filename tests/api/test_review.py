from pathlib import Path
from typing import Any

import pytest

from faceplatform.accounts.roles import Scope
from recognition.models import FaceImage, FaceState, Gallery, Identity
from tests.api.caller import Caller, refused, upload
from tests.factories import IdentityFactory
from tests.fakes import face_photo

ANN, BOB = 1, 2


@pytest.fixture
def people(gallery: Gallery, operator: Caller, files: Path) -> dict[str, Identity]:
    """Ann and Bob with one image each."""
    made = {}
    for name, person in {"Ann": ANN, "Bob": BOB}.items():
        made[name] = IdentityFactory.create(gallery=gallery, name=name)
        operator.form(path_of(made[name]), images=upload(face_photo(person)))
    return made


def path_of(identity: Identity) -> str:
    return f"/api/v1/identities/{identity.pk}/images"


def held(operator: Caller, people: dict[str, Identity]) -> dict[str, Any]:
    """Return an image of Bob that was filed under Ann."""
    made = operator.form(path_of(people["Ann"]), images=upload(face_photo(BOB, variant=4)))
    assert made.status_code == 201, made.content
    body: dict[str, Any] = made.json()
    return body


def test_an_image_that_looks_like_another_is_quarantined_with_its_evidence(
    operator: Caller, gallery: Gallery, people: dict[str, Identity]
) -> None:
    body = held(operator, people)
    assert (body["state"], body["reason"]) == ("quarantined", "like_another")
    evidence = body["evidence"]
    assert evidence["other_identity"] == str(people["Bob"].pk)
    assert evidence["own"] < evidence["low_match"]
    assert evidence["other"] > evidence["threshold"]
    rows = operator.get(f"/api/v1/galleries/{gallery.pk}/review").json()["results"]
    assert [row["id"] for row in rows] == [body["id"]]


def test_among_several_photos_the_held_one_is_counted(
    operator: Caller, people: dict[str, Identity]
) -> None:
    photos = [face_photo(ANN, variant=5), face_photo(BOB, variant=5), face_photo()]
    answer = operator.form(path_of(people["Ann"]), images=[upload(photo) for photo in photos])
    body = answer.json()
    assert (body["enrolled"], body["quarantined"], body["refused"]) == (1, 1, 1)
    assert [row["status"] for row in body["results"]] == ["enrolled", "quarantined", "refused"]
    assert body["results"][1]["code"] == "like_another"
    assert body["results"][1]["detail"] == "It looks more like somebody else."


def test_move_and_undo(operator: Caller, gallery: Gallery, people: dict[str, Identity]) -> None:
    image = held(operator, people)["id"]
    bob = str(people["Bob"].pk)
    address = f"/api/v1/images/{image}/decisions"
    made = operator.post(address, {"action": "move", "identity_id": bob})
    assert made.status_code == 201, made.content
    body = made.json()
    assert body["identity_after"] == {"id": bob, "name": "Bob"}
    assert (body["state_before"], body["state_after"]) == ("quarantined", "enrolled")
    assert operator.get(f"/api/v1/galleries/{gallery.pk}/review").json()["results"] == []
    undone = operator.post(f"/api/v1/decisions/{body['id']}/undo")
    assert undone.status_code == 200
    assert undone.json()["undone_at"] is not None
    face = FaceImage.objects.get(pk=image)
    assert (face.state, face.identity) == (FaceState.QUARANTINED, people["Ann"])
    refused(operator.post(f"/api/v1/decisions/{body['id']}/undo"), 409, "already_undone")
    assert len(operator.get(address).json()["results"]) == 1


def test_what_is_wrong_with_a_decision(operator: Caller, people: dict[str, Identity]) -> None:
    address = f"/api/v1/images/{held(operator, people)['id']}/decisions"
    refused(operator.post(address, {"action": "keep"}), 400, "invalid_choice")
    refused(operator.post(address, {"action": "move"}), 400, "identity_missing")
    stranger = IdentityFactory.create()
    body = {"action": "move", "identity_id": str(stranger.pk)}
    refused(operator.post(address, body), 404, "not_found")


def test_a_key_that_enrolls_cannot_let_its_own_images_through(
    operator: Caller, key: Any, people: dict[str, Identity]
) -> None:
    address = f"/api/v1/images/{held(operator, people)['id']}/decisions"
    refused(key(*Scope).post(address, {"action": "accept"}), 403, "not_allowed")
