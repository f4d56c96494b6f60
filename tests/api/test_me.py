from collections.abc import Callable

from faceplatform.accounts.models import Membership, Organization
from faceplatform.accounts.roles import Role, Scope
from tests.api.caller import Caller, refused
from tests.factories import UserFactory, make_member


def test_a_person(organization: Organization) -> None:
    person = make_member(organization, Role.VIEWER, email="v@example.org", name="Vera")
    body = Caller.person(person).get("/api/v1/me").json()
    assert body["kind"] == "person"
    assert (body["name"], body["email"]) == ("Vera", "v@example.org")
    assert body["organization"] == {"id": str(organization.pk), "name": organization.name}
    assert (body["role"], body["scopes"]) == ("viewer", [])
    assert "gallery.view" in body["may"]
    assert "identify" not in body["may"]


def test_a_key(key: Callable[..., Caller], organization: Organization) -> None:
    body = key(Scope.IDENTIFY).get("/api/v1/me").json()
    assert (body["kind"], body["email"], body["scopes"]) == ("key", None, ["identify"])
    assert body["organization"]["id"] == str(organization.pk)
    assert set(body["may"]) == {"public", "account.self", "identify", "verify"}


def test_a_person_without_an_organization_sees_only_themselves(db: None) -> None:
    caller = Caller.person(UserFactory.create())
    body = caller.get("/api/v1/me").json()
    assert (body["organization"], body["role"]) == (None, None)
    assert {"public", "account.self"} <= set(body["may"])
    assert not [action for action in body["may"] if action.startswith(("gallery", "identi"))]
    refused(caller.get("/api/v1/galleries"), 403, "not_allowed")


def test_a_change_of_role_is_effective_at_the_next_request(organization: Organization) -> None:
    person = make_member(organization, Role.ADMIN)
    caller = Caller.person(person)
    assert caller.get("/api/v1/me").json()["role"] == "admin"
    Membership.objects.update(role=Role.VIEWER)
    assert caller.get("/api/v1/me").json()["role"] == "viewer"
    Membership.objects.all().delete()
    assert caller.get("/api/v1/me").json()["role"] is None


def test_strangers_are_asked_for_a_key(db: None) -> None:
    response = Caller().get("/api/v1/me")
    refused(response, 401, "not_authenticated")
    assert response["WWW-Authenticate"] == 'Bearer realm="api"'
