"""Who may not enter sees nothing; who may enter and belongs nowhere sees counts."""

import re

import pytest
from django.test import Client

from faceplatform.accounts.models import User
from faceplatform.accounts.roles import Role
from faceplatform.core.models import Job, JobState
from recognition.models import FaceImage, FaceState, FaceTemplate, Gallery, Identity, Photo
from recognition.services.pictures import picture_url
from tests.admin.people import OUTSIDERS, Staff, addresses, admin_routes, told
from tests.architecture.world import Team, World

ENTERED = {"admin:index", "admin:jsi18n", "admin:app_list"}


def test_a_stranger_is_sent_to_the_platforms_log_in_page(world: World) -> None:
    for route, path in addresses(world.a):
        for method in route.methods:
            response = world.callers["nobody"].client.generic(method, path)
            assert response.status_code == 302, path
            assert response["Location"].startswith("/accounts/login/"), path


def test_the_way_back_leads_to_the_page_that_was_asked_for(world: World) -> None:
    response = Client().get("/admin/recognition/gallery/?q=x")
    assert response["Location"] == "/accounts/login/?next=/admin/recognition/gallery/%3Fq%3Dx"


def test_a_key_does_not_open_the_admin(world: World) -> None:
    for name in ("key read", "key identify", "key enroll"):
        response = world.callers[name].client.get("/admin/")
        assert response["Location"].startswith("/accounts/login/")


@pytest.mark.parametrize("role", Role)
def test_who_is_not_staff_finds_nothing(world: World, role: Role) -> None:
    client = world.callers[role.value].client
    for route, path in addresses(world.a):
        for method in route.methods:
            response = client.generic(method, path)
            assert response.status_code == 404, f"{method} {path}"
            assert "unfold" not in response.content.decode()


def test_there_is_no_second_way_to_log_in_or_change_a_password(world: World, staff: Staff) -> None:
    names = {route.name.removeprefix("admin:") for route in admin_routes()}
    assert not names & {
        "login",
        "logout",
        "password_change",
        "search",
        "autocomplete",
        "view_on_site",
    }
    client = staff.of(world.a)
    for path in ("login/", "logout/", "password_change/", "search/?s=a", "autocomplete/", "r/1/1/"):
        assert client.get(f"/admin/{path}").status_code == 404, path


@pytest.mark.parametrize("who", OUTSIDERS)
def test_outsiders_enter_and_see_no_row(world: World, staff: Staff, who: str) -> None:
    client = staff.outside(who)
    for team in (world.a, world.b):
        for route, path in addresses(team):
            for method in sorted(route.methods):
                response = client.generic(method, path)
                expected = (
                    404 if "object_id" in route.pattern
                    else 302 if route.name == "admin:app_list"
                    else 200 if route.name in ENTERED
                    else 403
                )  # fmt: skip
                assert response.status_code == expected, f"{method} {path}"
                assert told(response, team) == [], f"{method} {path}"
                assert "/pictures/" not in response.content.decode()


def test_a_superuser_elsewhere_sees_counts_and_states(world: World, staff: Staff) -> None:
    Job.objects.filter(organization=world.b.organization).update(state=JobState.FAILED)
    page = staff.outside("superuser").get("/admin/").content.decode()
    own, foreign = (
        Job.objects.filter(organization=team.organization) for team in (world.a, world.b)
    )
    assert not own.exclude(state=JobState.QUEUED).exists()
    waiting, failed = [own.count(), 0, 0, 0, 0], [0, 0, 0, foreign.count(), 0]
    for team, jobs in ((world.a, waiting), (world.b, failed)):
        # galleries, identities, images, in review, photos, templates
        held = FaceImage.objects.filter(gallery=team.gallery, state=FaceState.QUARANTINED)
        mine = {"organization": team.organization}
        assert numbers_of(page, "counts", team) == [
            Gallery.objects.filter(**mine).count(),
            Identity.objects.filter(**mine).count(),
            FaceImage.objects.filter(**mine).count(),
            held.count(),
            Photo.objects.filter(**mine).count(),
            FaceTemplate.objects.filter(**mine).count(),
        ]
        assert numbers_of(page, "jobs", team) == jobs


def numbers_of(page: str, table: str, team: Team) -> list[int]:
    row = re.search(rf'<tr data-{table}="{team.organization.pk}">(.*?)</tr>', page, re.DOTALL)
    assert row is not None
    return [int(number) for number in re.findall(r"<td>(\d+)</td>", row[1])]


def test_staff_of_nowhere_see_no_figures(staff: Staff) -> None:
    page = staff.outside("staff of nowhere").get("/admin/").content.decode()
    assert "data-counts" not in page
    assert "You belong to no organization" in page


def test_pictures_signed_for_others_are_not_found_by_a_superuser(
    world: World, staff: Staff
) -> None:
    client = staff.outside("superuser")
    for principal in (world.callers["owner"].principal, world.callers["superuser"].principal):
        for row in ({"face_id": world.a.face.pk}, {"photo_id": world.a.face.photo_id}):
            link = picture_url(principal=principal, kind="thumb", **row)
            assert client.get(link).status_code in {403, 404}


def test_a_superuser_who_belongs_to_an_organization_is_bound_to_the_role(
    world: World, staff: Staff
) -> None:
    User.objects.filter(pk=world.a.people[Role.VIEWER].pk).update(is_superuser=True)
    client = staff.of(world.a, Role.VIEWER)
    assert (
        client.get(f"/admin/recognition/identity/{world.a.identity.pk}/change/").status_code == 200
    )
    assert (
        client.post(f"/admin/recognition/identity/{world.a.identity.pk}/delete/").status_code == 403
    )
    assert client.get("/admin/core/auditevent/").status_code == 403
    for route, path in addresses(world.b):
        if "object_id" in route.pattern and "modelversion" not in route.name:
            assert client.get(path).status_code == 404, path
    page = client.get("/admin/").content.decode()
    assert world.a.organization.name in page
    assert world.b.organization.name not in page
    assert str(world.b.organization.pk) in page
