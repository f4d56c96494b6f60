"""What the admin changes goes through the services: named in the audit log, proven, refusable."""

from pathlib import Path
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from faceplatform.accounts.models import ApiKey
from faceplatform.accounts.roles import Role
from faceplatform.core.models import AuditEvent, Job, JobState
from recognition.models import FaceImage, FaceTemplate, Gallery, Identity, Photo
from tests.admin.people import Staff
from tests.architecture.world import World
from tests.factories import IdentityFactory, JobFactory, MembershipFactory, UserFactory


@pytest.fixture
def client(world: World, staff: Staff) -> Client:
    return staff.of(world.a, Role.ADMIN)


@pytest.fixture(autouse=True)
def no_second_log(client: Client) -> Any:
    """Django's own log would keep names of people who were erased."""
    yield
    assert not LogEntry.objects.exists()


def last_event(world: World) -> AuditEvent:
    return AuditEvent.objects.filter(organization=world.a.organization).latest("pk")


def messages_of(response: Any) -> str:
    return " ".join(str(message) for message in response.context["messages"])


def test_renaming_a_person(world: World, client: Client) -> None:
    person = world.a.identity
    path = f"/admin/recognition/identity/{person.pk}/change/"
    fields = {"name": "  New   name ", "external_id": person.external_id, "notes": ""}
    assert client.post(path, fields).status_code == 302
    person.refresh_from_db()
    assert (person.name, person.gallery) == ("New name", world.a.gallery)
    event = last_event(world)
    assert (event.action, event.target_label) == ("identity.change", "New name")
    assert event.data == {"name_before": "Alpha-identity"}
    assert event.actor_label == world.a.people[Role.ADMIN].email


def test_a_name_that_is_taken_is_refused_in_words(world: World, client: Client) -> None:
    other = IdentityFactory.create(gallery=world.a.gallery, name="Taken")
    before = AuditEvent.objects.count()
    path = f"/admin/recognition/identity/{world.a.identity.pk}/change/"
    response = client.post(path, {"name": "Taken", "external_id": "", "notes": ""}, follow=True)
    assert response.status_code == 200
    assert "Somebody of that name is here already." in messages_of(response)
    assert Identity.objects.get(pk=world.a.identity.pk).name == "Alpha-identity"
    assert other.name == "Taken" and AuditEvent.objects.count() == before


def test_what_is_not_editable_stays_as_it_is(world: World, client: Client) -> None:
    path = f"/admin/recognition/identity/{world.a.identity.pk}/change/"
    fields = {
        "name": "X", "external_id": "", "notes": "", "organization": str(world.b.organization.pk),
        "gallery": str(world.b.gallery.pk), "metadata": '{"a": 1}', "id": str(world.b.identity.pk),
        "_saveasnew": "1",
    }  # fmt: skip
    before = Identity.objects.count()
    client.post(path, fields)
    fields.pop("_saveasnew")
    assert client.post(path, fields).status_code == 302
    person = Identity.objects.get(pk=world.a.identity.pk)
    assert (person.name, person.gallery, person.metadata) == ("X", world.a.gallery, {})
    assert Identity.objects.count() == before


@pytest.mark.parametrize("way", ["page", "list"])
@pytest.mark.django_db(transaction=True)
def test_erasing_a_person(world: World, client: Client, files: Path, way: str) -> None:
    person = world.a.identity
    own = FaceImage.objects.filter(identity=person)
    faces, sums = own.count(), sorted(own.values_list("photo__sha256", flat=True))
    templates = FaceTemplate.objects.filter(organization=world.a.organization).exclude(
        face__identity=person
    )
    others = set(templates.values_list("pk", flat=True))
    stored = [path for path in files.rglob("*") if path.is_file()]
    if way == "page":
        path = f"/admin/recognition/identity/{person.pk}/delete/"
        asked, fields = client.get(path), {"post": "yes"}
    else:
        path = "/admin/recognition/identity/"
        fields = {"action": "delete_selected", "_selected_action": str(person.pk)}
        asked = client.post(path, fields)
        fields |= {"post": "yes"}
    assert asked.status_code == 200 and "Alpha-identity" in asked.content.decode()
    assert f"Face images: {faces}" in " ".join(asked.content.decode().split())
    assert Identity.objects.filter(pk=person.pk).exists()
    assert client.post(path, fields).status_code == 302
    assert not Identity.objects.filter(pk=person.pk).exists()
    assert not own.exists()
    left = FaceTemplate.objects.filter(organization=world.a.organization)
    assert set(left.values_list("pk", flat=True)) == others
    assert not Photo.objects.filter(sha256__in=sums, organization=world.a.organization).exists()
    assert len([path for path in files.rglob("*") if path.is_file()]) == len(stored) - len(sums)
    event = last_event(world)
    assert (event.action, event.target_id) == ("identity.erase", str(person.pk))
    assert sorted(event.data["photos_sha256"]) == sums
    assert Identity.objects.filter(pk=world.b.identity.pk).exists()


def test_ticked_rows_of_others_are_left_alone(world: World, client: Client) -> None:
    fields = {
        "action": "delete_selected",
        "_selected_action": [str(world.b.identity.pk)],
        "post": "yes",
    }
    client.post("/admin/recognition/identity/", fields)
    client.post("/admin/recognition/identity/", fields | {"select_across": "1"})
    assert Identity.objects.filter(pk=world.b.identity.pk).exists()


def test_deleting_a_face(world: World, client: Client) -> None:
    path = f"/admin/recognition/faceimage/{world.a.face.pk}/delete/"
    assert client.post(path, {"post": "yes"}).status_code == 302
    assert not FaceImage.objects.filter(pk=world.a.face.pk).exists()
    assert Identity.objects.filter(pk=world.a.identity.pk).exists()
    assert last_event(world).action == "image.delete"


def test_making_changing_and_deleting_a_gallery(world: World, client: Client) -> None:
    fields = {"name": "Made here", "description": "d", "probe_days": "7"}
    made = client.post("/admin/recognition/gallery/add/", fields, follow=True)
    gallery = Gallery.objects.get(name="Made here")
    assert gallery.organization == world.a.organization
    assert gallery.created_by == world.a.people[Role.ADMIN]
    link = f"/admin/recognition/gallery/{gallery.pk}/change/"
    assert link in made.content.decode()
    assert last_event(world).action == "gallery.create"

    changed = fields | {"name": "Changed"}
    assert client.post(link, changed).status_code == 302
    gallery.refresh_from_db()
    assert (gallery.name, gallery.searchable) == ("Changed", False)  # an unticked box is a no
    assert last_event(world).action == "gallery.change"

    refused = client.post(link, changed | {"name": "Alpha-gallery"}, follow=True)
    assert "There is a gallery of that name already." in messages_of(refused)
    too_long = client.post(link, changed | {"probe_days": "9999"}, follow=True)
    assert "3650 days" in messages_of(too_long)

    assert client.post(f"/admin/recognition/gallery/{gallery.pk}/delete/", {"post": "yes"})
    assert not Gallery.objects.filter(pk=gallery.pk).exists()
    assert last_event(world).action == "gallery.delete"


def test_cancelling_jobs(world: World, client: Client) -> None:
    ended = JobFactory.create(organization=world.a.organization, state=JobState.SUCCEEDED)
    running = JobFactory.create(organization=world.a.organization, state=JobState.RUNNING)
    ticked = [world.a.job.pk, ended.pk, running.pk, world.b.job.pk]
    fields = {"action": "cancel", "_selected_action": [str(pk) for pk in ticked]}
    response = client.post("/admin/core/job/", fields, follow=True)
    assert "Asked to stop: 2." in messages_of(response)
    assert "Had ended before: 1." in messages_of(response)
    states = {job.pk: job for job in Job.objects.all()}
    assert states[world.a.job.pk].state == JobState.CANCELLED
    assert states[running.pk].state == JobState.RUNNING and states[running.pk].cancel_requested
    assert states[ended.pk].state == JobState.SUCCEEDED
    assert states[world.b.job.pk].state == JobState.QUEUED
    assert not states[world.b.job.pk].cancel_requested


def test_revoking_keys(world: World, client: Client) -> None:
    fields = {"action": "revoke", "_selected_action": [str(world.a.key.pk), str(world.b.key.pk)]}
    first = client.post("/admin/accounts/apikey/", fields, follow=True)
    assert "Revoked: 1." in messages_of(first)
    assert last_event(world).action == "key.revoke"
    again = client.post("/admin/accounts/apikey/", fields, follow=True)
    assert "Were revoked before: 1." in messages_of(again)
    assert ApiKey.objects.get(pk=world.a.key.pk).state == "revoked"
    assert ApiKey.objects.get(pk=world.b.key.pk).state == "active"


def test_forms_without_a_token_are_refused(world: World) -> None:
    user = UserFactory.create(is_staff=True)
    MembershipFactory.create(user=user, organization=world.a.organization, role=Role.OWNER)
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(user)
    path = f"/admin/recognition/identity/{world.a.identity.pk}/delete/"
    assert strict.post(path, {"post": "yes"}).status_code == 403
    assert Identity.objects.filter(pk=world.a.identity.pk).exists()
