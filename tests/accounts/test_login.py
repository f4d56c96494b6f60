import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.test import Client
from django.urls import NoReverseMatch, reverse

from faceplatform.accounts.models import Membership, Organization, User
from faceplatform.accounts.roles import Role
from faceplatform.accounts.routes import routes
from tests.api.caller import Caller, refused
from tests.factories import PASSWORD, OrganizationFactory, UserFactory, make_member

LOGIN = "/accounts/login/"
GALLERIES = "/api/v1/galleries"


@pytest.fixture(autouse=True)
def _no_counters(settings: Any) -> None:
    """Tests log in often, from one address."""
    cache.clear()


@pytest.fixture
def organization(db: None) -> Organization:
    return OrganizationFactory.create()


@pytest.fixture
def person(organization: Organization) -> User:
    return make_member(organization, Role.OPERATOR, email="ada@example.org")


def log_in(email: str, password: str, **extra: str) -> tuple[Client, Any]:
    client = Client(raise_request_exception=False)
    return client, client.post(LOGIN, {"login": email, "password": password, **extra})


def shape_of(response: Any) -> str:
    """Return the page without what differs each time: tokens, ids and what was typed."""
    html = response.content.decode()
    html = re.sub(r'name="csrfmiddlewaretoken" value="[^"]*"', "", html)
    html = re.sub(r'"X-CSRFToken": *"[^"]*"', "", html)
    return re.sub(r"[\w.+-]+@example\.org|[0-9a-f]{32}", "", html)


@pytest.mark.parametrize("email", ["ada@example.org", "ADA@Example.ORG", " ada@example.org "])
def test_the_address_is_the_name_whatever_its_case(person: User, email: str) -> None:
    client, response = log_in(email, PASSWORD)
    assert (response.status_code, response["Location"]) == (302, reverse("home"))
    assert client.get("/api/v1/me").json()["email"] == person.email


def test_a_wrong_password_and_an_unknown_address_look_the_same(person: User) -> None:
    _, wrong = log_in(person.email, "not the password")
    _, unknown = log_in("nobody@example.org", "not the password")
    UserFactory.create(email="gone@example.org", is_active=False)
    _, inactive = log_in("gone@example.org", "not the password")
    assert wrong.status_code == unknown.status_code == inactive.status_code
    assert shape_of(wrong) == shape_of(unknown) == shape_of(inactive)
    assert not Session.objects.filter(session_data__contains="_auth_user").exists()


def test_an_unknown_address_costs_a_password_hash_too(
    person: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise the time of the answer would tell who has an account."""
    hashed: list[str] = []
    original = User.set_password

    def count(self: User, raw: str | None) -> None:
        hashed.append("set")
        original(self, raw)

    monkeypatch.setattr(User, "set_password", count)
    log_in("nobody@example.org", "not the password")
    assert hashed


def test_many_wrong_passwords_lock_that_address_out(person: User) -> None:
    answers = [log_in(person.email, f"wrong {n}")[1] for n in range(12)]
    assert answers[0].status_code == 200
    client, right = log_in(person.email, PASSWORD)
    assert right.status_code != 302
    assert client.get("/api/v1/me").status_code == 401


def test_somebody_inactive_stays_outside(person: User) -> None:
    client, _ = log_in(person.email, PASSWORD)
    assert client.get(GALLERIES).status_code == 200
    User.objects.filter(pk=person.pk).update(is_active=False)
    assert client.get(GALLERIES).status_code == 401
    client, _ = log_in(person.email, PASSWORD)
    assert client.get(GALLERIES).status_code == 401


@pytest.mark.parametrize(
    "target", ["https://evil.example", "//evil.example", "javascript:alert(1)", "/\\evil.example"]
)
def test_log_in_leads_nowhere_else(person: User, target: str) -> None:
    _, response = log_in(person.email, PASSWORD, next=target)
    assert response.status_code == 302
    assert response["Location"] == reverse("home")


def test_log_in_leads_back_to_the_page_that_was_asked(person: User) -> None:
    asked = Client().get("/galleries/?page=2")
    assert asked["Location"] == f"{LOGIN}?next=/galleries/%3Fpage%3D2"
    _, response = log_in(person.email, PASSWORD, next="/galleries/?page=2")
    assert response["Location"] == "/galleries/?page=2"


def test_a_form_posted_by_a_stranger_leads_to_log_in_and_not_back(db: None) -> None:
    response = Client().post("/galleries/new/", {"name": "x"})
    assert response.status_code == 302
    assert response["Location"].rstrip("?").startswith(LOGIN)
    assert "galleries" not in response["Location"]


def test_the_session_changes_at_log_in_and_ends_at_log_out(person: User) -> None:
    client = Client()
    client.get(LOGIN)
    before = client.session.session_key
    client.post(LOGIN, {"login": person.email, "password": PASSWORD})
    inside = client.session.session_key
    assert inside != before
    client.post("/accounts/logout/")
    stolen = Client()
    stolen.cookies["session"] = str(inside)
    assert stolen.get("/api/v1/me").status_code == 401


def test_a_new_password_ends_every_other_session(person: User) -> None:
    here, _ = log_in(person.email, PASSWORD)
    elsewhere, _ = log_in(person.email, PASSWORD)
    new = "another correct horse"
    response = here.post(
        "/accounts/password/change/",
        {"oldpassword": PASSWORD, "password1": new, "password2": new},
    )
    assert response.status_code == 302
    assert elsewhere.get("/api/v1/me").status_code == 401
    assert log_in(person.email, PASSWORD)[1].status_code == 200
    assert log_in(person.email, new)[1].status_code == 302


def test_nobody_signs_up(db: None) -> None:
    client = Client()
    fields = {
        "email": "new@example.org",
        "password1": "another correct horse",
        "password2": "another correct horse",
    }
    assert "password1" not in client.get("/accounts/signup/").content.decode()
    client.post("/accounts/signup/", fields)
    assert not User.objects.exists()


def test_what_allauth_offers_and_we_do_not_has_no_address(db: None) -> None:
    for name in (
        "account_reset_password",
        "account_email",
        "account_set_password",
        "account_confirm_email",
        "account_request_login_code",
    ):
        with pytest.raises(NoReverseMatch):
            reverse(name)
    for path in ("password/reset/", "email/", "password/set/", "login/code/"):
        assert Client().get(f"/accounts/{path}").status_code == 404


def test_session_writes_need_the_csrf_token(person: User) -> None:
    """On every page that takes a POST, and in the API; without one nothing is written."""
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    client.force_login(person)
    pk = "00000000-0000-7000-8000-000000000000"
    ids = {"pk": pk, "object_id": pk, "number": 1, "frame": 1, "token": "a" * 32}
    posts = 0
    for route in routes():
        if "POST" in route.methods and not route.is_api:
            kwargs = {name: value for name, value in ids.items() if f":{name}>" in route.pattern}
            response = client.post(reverse(route.name, kwargs=kwargs))
            assert response.status_code == 403, route.pattern
            posts += 1
    assert posts >= 15

    response = client.post(GALLERIES, {"name": "A"}, content_type="application/json")
    refused(response, 403, "csrf_failed")
    assert client.get(GALLERIES).status_code == 200


def test_the_token_of_a_page_is_good_for_the_api(person: User) -> None:
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    client.force_login(person)
    client.get("/galleries/new/")
    token = client.cookies["csrftoken"].value
    missing = f"{GALLERIES}/00000000-0000-7000-8000-000000000000"
    response = client.patch(
        missing, {}, content_type="application/json", headers={"x-csrftoken": token}
    )
    refused(response, 404, "not_found")


def test_reading_writes_nothing_into_the_session(person: User) -> None:
    client, _ = log_in(person.email, PASSWORD)
    before = Session.objects.values().get()
    for path in ("/", "/galleries/", "/identify/", "/jobs/", GALLERIES, "/api/v1/me"):
        assert client.get(path).status_code == 200, path
    assert Session.objects.values().get() == before


def test_a_demotion_is_effective_on_the_next_page(organization: Organization) -> None:
    person = make_member(organization, Role.ADMIN)
    caller = Caller.person(person)
    assert caller.get("/settings/keys/").status_code == 200
    Membership.objects.filter(user=person).update(role=Role.OPERATOR)
    assert caller.get("/settings/keys/").status_code == 403
    assert caller.get("/galleries/new/").status_code == 200
    Membership.objects.filter(user=person).update(role=Role.VIEWER)
    assert caller.get("/galleries/new/").status_code == 403


def test_cookies_are_closed_to_scripts_and_other_sites(person: User) -> None:
    client, _ = log_in(person.email, PASSWORD)
    session = client.cookies["session"]
    assert session["httponly"]
    assert session["samesite"] == "Lax"


def test_behind_tls_cookies_never_leave_it() -> None:
    """Settings of a platform with an https address, read in a process of its own."""
    code = (
        "import django; django.setup(); from django.conf import settings as s;"
        "print(s.SESSION_COOKIE_SECURE, s.CSRF_COOKIE_SECURE, s.SESSION_COOKIE_NAME,"
        " s.SECURE_HSTS_SECONDS > 0, s.DEBUG)"
    )
    environment = os.environ | {
        "PUBLIC_URL": "https://faces.example.org",
        "DJANGO_SETTINGS_MODULE": "faceplatform.settings",
    }
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True,
        cwd=Path(__file__).resolve().parents[2],
    )  # fmt: skip
    assert done.stdout.split() == ["True", "True", "__Host-session", "True", "False"]
