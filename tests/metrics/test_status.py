"""The status page of administrators."""

from collections.abc import Iterator

import pytest
from django.test import Client
from redis.exceptions import ConnectionError as ValkeyAway

from faceplatform.accounts.models import Organization
from faceplatform.accounts.roles import Role
from faceplatform.api import health
from faceplatform.core.models import JobState
from faceplatform.metrics import figures
from faceplatform.stack.health import Probe
from tests.factories import (
    GalleryFactory,
    JobFactory,
    ModelVersionFactory,
    OrganizationFactory,
    make_member,
)

URL = "/settings/status/"


@pytest.fixture(autouse=True)
def parts(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(health, "_latest", None)
    monkeypatch.setattr(health, "probe_workers", lambda: {"inference": Probe(False, "silent", 1.0)})
    yield
    health._latest = None


@pytest.fixture
def organization(db: None) -> Organization:
    return OrganizationFactory.create()


@pytest.fixture
def admin(organization: Organization) -> Client:
    client = Client()
    client.force_login(make_member(organization, Role.ADMIN))
    return client


def test_it_shows_parts_jobs_disk_and_versions(organization: Organization, admin: Client) -> None:
    JobFactory.create(organization=organization)
    JobFactory.create(organization=organization, state=JobState.FAILED)
    response = admin.get(URL)
    page = response.content.decode()
    assert response.status_code == 200
    assert response.context["waiting"] == 1
    assert response.context["failed"] == 1
    assert "worker inference" in page
    assert "silent" in page
    assert {"PostgreSQL", "pgvector", "Django"} <= set(response.context["software"])


def test_htmx_gets_the_part_that_renews_itself(admin: Client) -> None:
    response = admin.get(URL, headers={"HX-Request": "true", "HX-Target": "status"})
    page = response.content.decode()
    assert page.startswith('<div class="stack stack-wide" id="status"')
    assert "<html" not in page


def test_models_of_others_are_not_shown(organization: Organization, admin: Client) -> None:
    own = ModelVersionFactory.create(organization=organization, name="Ours")
    GalleryFactory.create(organization=organization, model_version=own)
    other = ModelVersionFactory.create(name="Theirs")
    GalleryFactory.create(organization=other.organization, model_version=other)
    response = admin.get(URL)
    assert [(m.name, m.used) for m in response.context["models"]] == [("Ours", 1)]
    assert "Theirs" not in response.content.decode()


def test_it_answers_while_valkey_is_away(admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> None:
        raise ValkeyAway

    monkeypatch.setattr(figures, "valkey", away)
    monkeypatch.setattr(health, "probe_broker", lambda: Probe(False, "refused", 1.0))
    response = admin.get(URL)
    assert response.status_code == 200
    assert response.context["state"] == "degraded"
    assert "refused" in response.content.decode()


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
def test_it_is_for_administrators(organization: Organization, role: Role) -> None:
    client = Client()
    client.force_login(make_member(organization, role))
    assert client.get(URL).status_code == 403
    assert "Status" not in client.get("/settings/").content.decode()


def test_the_way_to_it(admin: Client) -> None:
    assert URL in admin.get("/settings/").content.decode()
