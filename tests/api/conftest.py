"""Callers of the API."""

from collections.abc import Callable
from pathlib import Path

import pytest

from faceplatform.accounts.models import Organization
from faceplatform.accounts.roles import Role, Scope
from recognition.models import Gallery
from tests.api.caller import Caller
from tests.factories import GalleryFactory, OrganizationFactory, make_key, make_member
from tests.fakes import FakePipeline


@pytest.fixture
def organization(db: None) -> Organization:
    return OrganizationFactory.create()


@pytest.fixture
def gallery(organization: Organization, fake_pipeline: FakePipeline, files: Path) -> Gallery:
    """An empty gallery, over the stand-in for the networks and a storage of its own."""
    return GalleryFactory.create(organization=organization)


@pytest.fixture
def operator(organization: Organization) -> Caller:
    return Caller.person(make_member(organization, Role.OPERATOR))


@pytest.fixture
def admin(organization: Organization) -> Caller:
    return Caller.person(make_member(organization, Role.ADMIN))


@pytest.fixture
def key(organization: Organization) -> Callable[..., Caller]:
    """Make a caller with a key of these scopes."""

    def make(*scopes: Scope) -> Caller:
        return Caller.key(make_key(organization, *scopes).secret)

    return make
