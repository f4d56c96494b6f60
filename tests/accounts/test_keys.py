import datetime as dt
import hashlib

import pytest
from django.utils import timezone

from faceplatform.accounts.models import ApiKey, Membership, Organization, User
from faceplatform.accounts.roles import Role, Scope
from faceplatform.accounts.services.keys import create_key, find_usable_key, revoke_key
from faceplatform.core.actors import Actor
from faceplatform.core.errors import Conflict, DomainError
from faceplatform.core.models import AuditEvent
from tests.api.caller import Caller, refused
from tests.factories import OrganizationFactory, make_key, make_member

GALLERIES = "/api/v1/galleries"


@pytest.fixture
def organization(db: None) -> Organization:
    return OrganizationFactory.create()


@pytest.fixture
def maker(organization: Organization) -> User:
    return make_member(organization, Role.ADMIN)


def make(organization: Organization, maker: User, **changes: object) -> str:
    fields = {
        "organization": organization,
        "name": "Door",
        "scopes": [Scope.READ],
        "expires_at": None,
        "actor": Actor(label=maker.email, user_id=maker.pk),
    }
    return create_key(**(fields | changes)).secret  # type: ignore[arg-type]


def test_only_a_hash_is_kept(organization: Organization, maker: User) -> None:
    secret = make(organization, maker)
    row = ApiKey.objects.get()
    stored = " ".join(str(getattr(row, field.attname)) for field in ApiKey._meta.fields)
    assert secret.split("_", 2)[2] not in stored
    assert secret not in stored
    assert row.secret_sha256 == hashlib.sha256(secret.encode()).hexdigest()
    assert secret.startswith(f"fp_{row.prefix}_")
    events = AuditEvent.objects.get(action="key.create")
    assert secret.split("_", 2)[2] not in f"{events.data}{events.target_label}"


def test_keys_are_long_and_never_the_same(organization: Organization, maker: User) -> None:
    secrets = {make(organization, maker) for _ in range(20)}
    assert len(secrets) == 20
    assert min(len(secret.split("_", 2)[2]) for secret in secrets) >= 43  # 256 bits


@pytest.mark.parametrize(
    "header",
    [{"authorization": "Bearer {}"}, {"authorization": "bearer {}"}, {"x-api-key": "{}"}],
)
def test_a_key_works_in_either_header(
    organization: Organization, maker: User, header: dict[str, str]
) -> None:
    secret = make(organization, maker)
    caller = Caller(**{name: value.format(secret) for name, value in header.items()})
    assert caller.get(GALLERIES).status_code == 200
    used = ApiKey.objects.get().last_used_at
    assert used is not None
    assert timezone.now() - used < dt.timedelta(seconds=30)


def test_keys_need_no_csrf_token_and_open_no_page(organization: Organization, maker: User) -> None:
    from django.test import Client

    secret = make(organization, maker, scopes=[Scope.ENROLL])
    strict = Client(enforce_csrf_checks=True, headers={"x-api-key": secret})
    missing = f"{GALLERIES}/00000000-0000-7000-8000-000000000000/identities"
    assert strict.post(missing, {"name": "A"}, content_type="application/json").status_code == 404
    assert Client(headers={"x-api-key": secret}).get("/galleries/").status_code in {302, 404}


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "fp",
        "fp_",
        "fp_00000000_",
        "fp_00000000_" + "a" * 43,
        "xx_00000000_" + "a" * 43,
        "fp_0000000g_" + "a" * 43,
        "fp_00000000_" + "ä" * 43,
        "fp_\x00_x",
        "\ud800",
        "a" * 10_000,
        "'; DROP TABLE accounts_apikey; --",
    ],
)
def test_what_is_no_key_finds_none(organization: Organization, secret: str) -> None:
    assert find_usable_key(secret) is None


@pytest.mark.parametrize(
    "headers",
    [
        {"x-api-key": ""},
        {"x-api-key": "fp_00000000_x"},
        {"authorization": "Bearer "},
        {"authorization": "Bearer fp_00000000_x y"},
        {"authorization": "Bearer nonsense"},
    ],
)
def test_a_wrong_key_is_401_even_for_somebody_logged_in(
    maker: User, headers: dict[str, str]
) -> None:
    caller = Caller(**headers)
    caller.client.force_login(maker)
    refused(caller.get(GALLERIES), 401, "key_invalid")


def test_the_right_prefix_with_a_wrong_secret(organization: Organization, maker: User) -> None:
    secret = make(organization, maker)
    wrong = secret[:-1] + ("a" if secret[-1] != "a" else "b")
    assert find_usable_key(secret) is not None
    assert find_usable_key(wrong) is None


def test_an_expired_key_and_a_revoked_key(organization: Organization, maker: User) -> None:
    secret = make(organization, maker, expires_at=timezone.now() + dt.timedelta(hours=1))
    caller = Caller.key(secret)
    assert caller.get(GALLERIES).status_code == 200
    ApiKey.objects.update(expires_at=timezone.now() - dt.timedelta(seconds=1))
    refused(caller.get(GALLERIES), 401, "key_invalid")
    ApiKey.objects.update(expires_at=None)
    assert caller.get(GALLERIES).status_code == 200

    key = ApiKey.objects.get()
    actor = Actor(label=maker.email, user_id=maker.pk)
    revoke_key(key=key, actor=actor)
    refused(caller.get(GALLERIES), 401, "key_invalid")
    with pytest.raises(Conflict):
        revoke_key(key=key, actor=actor)
    assert list(AuditEvent.objects.values_list("action", flat=True).order_by("id")) == [
        "key.create",
        "key.revoke",
    ]


def test_a_key_dies_with_the_membership_of_its_maker(
    organization: Organization, maker: User
) -> None:
    caller = Caller.key(make(organization, maker))
    assert caller.get(GALLERIES).status_code == 200
    membership = maker.memberships.get()
    Membership.objects.filter(pk=membership.pk).delete()
    refused(caller.get(GALLERIES), 401, "key_invalid")
    membership.save(force_insert=True)
    assert caller.get(GALLERIES).status_code == 200
    User.objects.filter(pk=maker.pk).update(is_active=False)
    refused(caller.get(GALLERIES), 401, "key_invalid")
    User.objects.filter(pk=maker.pk).update(is_active=True)
    maker.delete()
    refused(caller.get(GALLERIES), 401, "key_invalid")


def test_a_membership_elsewhere_keeps_no_key_alive(organization: Organization) -> None:
    maker = make_member(organization, Role.ADMIN)
    secret = make(organization, maker)
    other = OrganizationFactory.create()
    Membership.objects.filter(user=maker).update(organization=other)
    assert find_usable_key(secret) is None


def test_a_key_never_may_more_than_its_maker(organization: Organization, maker: User) -> None:
    caller = Caller.key(make(organization, maker, scopes=[Scope.ENROLL, Scope.READ]))
    missing = f"{GALLERIES}/00000000-0000-7000-8000-000000000000/identities"
    refused(caller.post(missing, {"name": "A"}), 404, "not_found")
    Membership.objects.filter(user=maker).update(role=Role.VIEWER)
    assert "identity.enroll" not in caller.get("/api/v1/me").json()["may"]
    assert caller.get(GALLERIES).status_code == 200


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"name": "  "}, "key_name_missing"),
        ({"name": "\x00\x07"}, "key_name_missing"),
        ({"name": "n" * 121}, "key_name_long"),
        ({"scopes": []}, "key_scopes_missing"),
        ({"expires_at": timezone.now() - dt.timedelta(minutes=1)}, "key_expiry_past"),
    ],
)
def test_a_key_that_makes_no_sense_is_not_made(
    organization: Organization, maker: User, changes: dict[str, object], code: str
) -> None:
    with pytest.raises(DomainError) as error:
        make(organization, maker, **changes)
    assert error.value.code == code
    assert not ApiKey.objects.exists()


def test_a_scope_that_this_version_does_not_know_allows_nothing(
    organization: Organization,
) -> None:
    made = make_key(organization, Scope.READ, scopes=["everything"])
    assert Caller.key(made.secret).get(GALLERIES).status_code == 403
