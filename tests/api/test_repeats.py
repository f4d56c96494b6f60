"""Idempotency-Key: sent again, a request does nothing again."""

import datetime as dt
import threading
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from faceplatform.accounts.models import Organization
from faceplatform.accounts.roles import Role, Scope
from faceplatform.core.models import AuditEvent, RepeatableRequest
from recognition.models import FaceImage, Gallery, Identity, ImportRun, Probe
from tests.api.caller import JSON, Caller, refused, upload
from tests.api.test_imports import zip_of
from tests.factories import IdentityFactory, make_key, make_member
from tests.fakes import face_photo

GALLERIES = "/api/v1/galleries"


def post(caller: Caller, path: str, body: Any, key: str = "once") -> Any:
    """Send JSON, or a form if the body holds a file."""
    headers = {"idempotency-key": key}
    if any(hasattr(value, "read") for value in body.values()):
        return caller.client.post(path, body, headers=headers)
    return caller.client.post(path, body, content_type=JSON, headers=headers)


def same(first: Any, again: Any) -> None:
    """Assert that the second answer is the first one, and says so."""
    assert first.status_code == again.status_code < 300, again.content
    assert "Idempotency-Replayed" not in first
    assert again["Idempotency-Replayed"] == "true"
    assert first.get("Location") == again.get("Location")
    assert first.json()["id"] == again.json()["id"]


def test_people_galleries_images_imports_and_answers(operator: Caller, gallery: Gallery) -> None:
    identity = IdentityFactory.create(gallery=gallery)
    below = f"{GALLERIES}/{gallery.pk}"
    asked: list[tuple[Any, str, Any]] = [
        (Gallery, GALLERIES, lambda: {"name": "Other"}),
        (Identity, f"{below}/identities", lambda: {"name": "Ada"}),
        (FaceImage, f"/api/v1/identities/{identity.pk}/images",
         lambda: {"images": upload(face_photo(1))}),
        (ImportRun, f"{below}/imports",
         lambda: {"archive": upload(zip_of(a=[face_photo(2)]), "a.zip")}),
        (Probe, f"{below}/identify", lambda: {"image": upload(face_photo(1, variant=2))}),
    ]  # fmt: skip
    for number, (model, path, body) in enumerate(asked):
        before = model.objects.count()
        first = post(operator, path, body(), key=f"key-{number}")
        events = AuditEvent.objects.count()
        # Another boundary each time: a form is known by its parts.
        again = post(operator, path, body(), key=f"key-{number}")
        same(first, again)
        assert model.objects.count() == before + 1, model
        assert AuditEvent.objects.count() == events


def test_the_same_key_for_something_else_is_a_conflict(operator: Caller, gallery: Gallery) -> None:
    assert post(operator, GALLERIES, {"name": "One"}).status_code == 201
    refused(post(operator, GALLERIES, {"name": "Two"}), 409, "idempotency_conflict")
    people = f"{GALLERIES}/{gallery.pk}/identities"
    refused(post(operator, people, {"name": "One"}), 409, "idempotency_conflict")
    identify = f"{GALLERIES}/{gallery.pk}/identify"
    photos = [upload(face_photo(1)), upload(face_photo(2))]
    assert post(operator, identify, {"image": photos[0]}, key="photo").status_code == 200
    refused(post(operator, identify, {"image": photos[1]}, key="photo"), 409,
            "idempotency_conflict")  # fmt: skip
    assert Probe.objects.count() == 1
    assert not Gallery.objects.filter(name="Two").exists()


def test_a_refused_request_leaves_the_key_free(operator: Caller, gallery: Gallery) -> None:
    path = f"{GALLERIES}/{gallery.pk}/identify"
    refused(post(operator, path, {"image": upload(b"no photo at all")}), 415, "unsupported_media")
    assert not RepeatableRequest.objects.exists()
    assert post(operator, path, {"image": upload(face_photo(1))}).status_code == 200


def test_a_key_belongs_to_its_caller(
    organization: Organization, gallery: Gallery, operator: Caller
) -> None:
    other = Caller.person(make_member(organization, Role.OPERATOR))
    program = Caller.key(make_key(organization, Scope.ENROLL).secret)
    people = f"{GALLERIES}/{gallery.pk}/identities"
    for number, caller in enumerate((operator, other, program)):
        assert post(caller, people, {"name": f"Person {number}"}).status_code == 201
    assert Identity.objects.count() == 3


def test_what_was_erased_meanwhile_is_not_brought_back(admin: Caller, gallery: Gallery) -> None:
    people = f"{GALLERIES}/{gallery.pk}/identities"
    made = post(admin, people, {"name": "Ada"})
    assert admin.delete(made["Location"]).status_code == 204
    refused(post(admin, people, {"name": "Ada"}), 404, "not_found")
    assert not Identity.objects.exists()


def test_nothing_of_request_or_answer_is_kept(operator: Caller, gallery: Gallery) -> None:
    post(operator, f"{GALLERIES}/{gallery.pk}/identities", {"name": "Ada Lovelace"})
    assert "Lovelace" not in str(RepeatableRequest.objects.values().get())


def test_a_day_later_the_key_is_free_again(operator: Caller, gallery: Gallery) -> None:
    post(operator, GALLERIES, {"name": "One"})
    RepeatableRequest.objects.update(created_at=timezone.now() - dt.timedelta(hours=25))
    assert post(operator, GALLERIES, {"name": "Two"}).status_code == 201
    assert RepeatableRequest.objects.count() == 1


def test_a_first_request_that_died_blocks_for_minutes_only(
    operator: Caller, gallery: Gallery
) -> None:
    post(operator, GALLERIES, {"name": "One"})
    RepeatableRequest.objects.update(row=None)
    refused(post(operator, GALLERIES, {"name": "One"}), 409, "idempotency_running")
    RepeatableRequest.objects.update(created_at=timezone.now() - dt.timedelta(minutes=11))
    refused(post(operator, GALLERIES, {"name": "One"}), 409, "gallery_exists")


@pytest.mark.parametrize("key", ["", " ", "a b", "ä", "k" * 129, "a\tb"])
def test_a_key_is_visible_ascii(operator: Caller, gallery: Gallery, key: str) -> None:
    response = post(operator, GALLERIES, {"name": "One"}, key=key)
    refused(response, 400, "idempotency_key_invalid")


def test_several_photos_take_no_key(operator: Caller, gallery: Gallery) -> None:
    identity = IdentityFactory.create(gallery=gallery)
    photos = [upload(face_photo(1)), upload(face_photo(1, variant=2))]
    response = operator.client.post(
        f"/api/v1/identities/{identity.pk}/images",
        {"images": photos},
        headers={"idempotency-key": "once"},
    )
    refused(response, 400, "idempotency_ambiguous")
    assert not FaceImage.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_one_makes_the_row(operator: Caller, gallery: Gallery) -> None:
    people = f"{GALLERIES}/{gallery.pk}/identities"
    session = operator.client.cookies["session"].value
    start = threading.Barrier(8)
    answers: list[tuple[int, str]] = []

    def send() -> None:
        caller = Caller()
        caller.client.cookies["session"] = session
        start.wait()
        response = post(caller, people, {"name": "Ada"})
        answers.append((response.status_code, response.json().get("code", "")))
        connection.close()

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Identity.objects.count() == 1
    assert (201, "") in answers
    assert set(answers) <= {(201, ""), (409, "idempotency_running")}
