import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from faceplatform.accounts.models import Membership, Organization, SetupLink, User
from faceplatform.accounts.roles import Role
from faceplatform.accounts.services.setup import (
    complete_setup,
    create_setup_link,
    find_setup_link,
    is_set_up,
)
from faceplatform.core.errors import DomainError
from faceplatform.core.models import AuditEvent
from tests.factories import OrganizationFactory, UserFactory, make_member

PERSON = {
    "email": "First@Example.org",
    "name": "First Person",
    "password": "a long enough secret",
    "organization_name": "Our team",
}


def new_link() -> str:
    token = create_setup_link()
    assert token is not None
    return token


def test_the_first_administrator(db: None) -> None:
    token = new_link()
    user = complete_setup(token=token, **PERSON)
    assert user.email == "First@example.org"
    assert user.check_password(PERSON["password"])
    assert not user.is_superuser
    membership = Membership.objects.get()
    assert (membership.role, membership.organization.name) == (Role.OWNER, "Our team")
    assert is_set_up()
    assert AuditEvent.objects.get().action == "setup"


def test_a_link_works_once_and_none_is_made_afterwards(db: None) -> None:
    token = new_link()
    complete_setup(token=token, **PERSON)
    with pytest.raises(DomainError) as error:
        complete_setup(token=token, **(PERSON | {"email": "second@example.org"}))
    assert (error.value.code, error.value.status) == ("setup_link_invalid", 410)
    assert create_setup_link() is None
    assert User.objects.count() == 1


def test_only_a_hash_of_the_link_is_kept(db: None) -> None:
    token = new_link()
    assert token not in str(SetupLink.objects.values().get())
    assert len(token) >= 32


def test_a_new_link_replaces_the_last_one(db: None) -> None:
    old, new = new_link(), new_link()
    assert find_setup_link(old) is None
    assert find_setup_link(new) is not None
    assert SetupLink.objects.count() == 1


def test_an_expired_link_is_worth_nothing(db: None) -> None:
    token = new_link()
    SetupLink.objects.update(expires_at=timezone.now() - dt.timedelta(seconds=1))
    assert find_setup_link(token) is None
    with pytest.raises(DomainError):
        complete_setup(token=token, **PERSON)
    assert not User.objects.exists()


@pytest.mark.parametrize("token", ["", "x", "\x00", "\ud800", "a" * 5000])
def test_a_guessed_link_is_worth_nothing(db: None, token: str) -> None:
    new_link()
    assert find_setup_link(token) is None


def test_the_demos_organization_is_joined(db: None) -> None:
    demo = OrganizationFactory.create(name="Demo")
    complete_setup(token=new_link(), **PERSON)
    assert Membership.objects.get().organization == demo
    demo.refresh_from_db()
    assert demo.name == "Demo"


def test_of_two_organizations_neither_is_taken(db: None) -> None:
    OrganizationFactory.create_batch(2)
    complete_setup(token=new_link(), **PERSON)
    assert Membership.objects.get().organization.name == "Our team"
    assert Organization.objects.count() == 3


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"email": "nobody"}, "email"),
        ({"email": ""}, "email"),
        ({"email": "taken@example.org"}, "email"),
        ({"email": "TAKEN@example.org"}, "email"),
        ({"email": f"{'a' * 300}@example.org"}, "email"),
        ({"name": "n" * 121}, "name"),
        ({"organization_name": "n" * 121}, "organization_name"),
        ({"password": "short"}, "password"),
        ({"password": "password1234"}, "password"),
        ({"password": "12345678901"}, "password"),
        ({"password": "First Person"}, "password"),
        ({"password": ""}, "password"),
    ],
)
def test_wrong_fields_are_named_and_the_link_stays_good(
    db: None, changes: dict[str, str], field: str
) -> None:
    UserFactory.create(email="taken@example.org")
    token = new_link()
    with pytest.raises(DomainError) as error:
        complete_setup(token=token, **(PERSON | changes))
    assert {wrong.field for wrong in error.value.errors} == {field}
    assert find_setup_link(token) is not None
    assert not Membership.objects.exists()
    assert not Organization.objects.exists()


def test_an_installation_without_an_active_owner_can_be_set_up_again(db: None) -> None:
    owner = make_member(OrganizationFactory.create(), Role.OWNER)
    assert create_setup_link() is None
    User.objects.filter(pk=owner.pk).update(is_active=False)
    assert create_setup_link() is not None


@pytest.mark.django_db(transaction=True)
def test_of_two_people_with_the_same_link_one_becomes_administrator() -> None:
    token = new_link()

    def try_it(number: int) -> Any:
        try:
            return complete_setup(token=token, **(PERSON | {"email": f"p{number}@example.org"}))
        except DomainError as error:
            return error.code
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(try_it, range(4)))
    assert sum(isinstance(result, User) for result in results) == 1
    assert results.count("setup_link_invalid") == 3
    assert Membership.objects.filter(role=Role.OWNER).count() == 1


def test_the_command_prints_the_link_while_one_is_needed(db: None, settings: Any) -> None:
    out = StringIO()
    call_command("setup_link", stdout=out)
    address = out.getvalue().strip()
    assert address.startswith(f"{settings.PUBLIC_URL.base}/setup/")
    token = address.rstrip("/").rpartition("/")[2]
    complete_setup(token=token, **PERSON)
    out = StringIO()
    call_command("setup_link", stdout=out)
    assert out.getvalue() == ""
