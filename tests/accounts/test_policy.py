from types import SimpleNamespace
from typing import Any

import pytest
from django.template import Context, Template
from django.test import RequestFactory

from faceplatform.accounts import context
from faceplatform.accounts.models import ApiKey, Organization, User
from faceplatform.accounts.policy import POLICY, Action, allows
from faceplatform.accounts.principal import ANONYMOUS, Principal, principal_of_user
from faceplatform.accounts.roles import Role, Scope
from faceplatform.accounts.sessions import ORGANIZATION_KEY, principal_of
from tests.factories import MembershipFactory, OrganizationFactory, UserFactory

TEAM = Organization(name="Team")


def person(role: Role | None) -> Principal:
    return Principal(user=User(email="a@example.org"), organization=TEAM if role else None,
                     role=role)  # fmt: skip


def key(*scopes: Scope, maker: Role = Role.OWNER) -> Principal:
    return Principal(
        api_key=ApiKey(name="k"), organization=TEAM, role=maker, scopes=frozenset(scopes)
    )


def test_every_action_has_a_rule() -> None:
    assert POLICY.keys() == set(Action)


@pytest.mark.parametrize("action", Action)
def test_a_higher_role_may_all_that_a_lower_one_may(action: Action) -> None:
    ranks = [allows(person(role), action) for role in reversed(Role)]
    assert ranks == sorted(ranks)
    assert allows(person(Role.OWNER), action)


@pytest.mark.parametrize("action", Action)
def test_a_key_never_may_more_than_its_maker(action: Action) -> None:
    for role in Role:
        if not allows(person(role), action):
            assert not allows(key(*Scope, maker=role), action)


def test_nobody_may_only_what_is_public() -> None:
    assert {action for action in Action if allows(ANONYMOUS, action)} == {Action.PUBLIC}


def test_a_person_without_an_organization_may_only_look_after_themselves() -> None:
    allowed = {action for action in Action if allows(person(None), action)}
    # The admin's first page demands staff on top of that.
    assert allowed == {Action.PUBLIC, Action.ACCOUNT_SELF, Action.ADMIN_ENTER}


def test_a_key_without_scopes_may_nothing() -> None:
    assert {action for action in Action if allows(key(), action)} == {Action.PUBLIC}


def test_no_key_deletes_exports_or_manages() -> None:
    allowed = {action for action in Action if allows(key(*Scope), action)}
    assert not allowed & {
        Action.GALLERY_CREATE, Action.GALLERY_CHANGE, Action.GALLERY_DELETE,
        Action.IDENTITY_CHANGE, Action.IDENTITY_ERASE, Action.PROBE_DELETE,
        Action.PICTURE_EXPORT, Action.JOB_CANCEL, Action.KEY_MANAGE, Action.AUDIT_VIEW,
        Action.HEALTH_DETAIL,
    }  # fmt: skip


def request_of(user: Any, **session: str) -> Any:
    request = RequestFactory().get("/")
    request.user = user
    request.session = session  # type: ignore[assignment]
    return request


def test_somebody_in_two_teams_is_in_the_chosen_one(db: None) -> None:
    user = UserFactory.create()
    one = MembershipFactory.create(user=user, role=Role.VIEWER).organization
    two = MembershipFactory.create(user=user, role=Role.ADMIN).organization
    assert principal_of_user(user, None).organization == one
    chosen = principal_of_user(user, str(two.pk))
    assert (chosen.organization, chosen.role) == (two, Role.ADMIN)
    foreign = str(OrganizationFactory.create().pk)
    for unknown in (foreign, "nonsense", ""):
        assert principal_of_user(user, unknown).organization == one


def test_the_principal_is_read_once_and_follows_a_switch(
    db: None, django_assert_num_queries: Any
) -> None:
    user = UserFactory.create()
    MembershipFactory.create(user=user)
    two = MembershipFactory.create(user=user, role=Role.ADMIN).organization
    request = request_of(user)
    with django_assert_num_queries(1):
        assert principal_of(request).role == Role.VIEWER
        assert principal_of(request).role == Role.VIEWER
    request.session[ORGANIZATION_KEY] = str(two.pk)
    assert principal_of(request).organization == two
    request.user = SimpleNamespace(is_authenticated=False)
    assert principal_of(request) is ANONYMOUS


def test_templates_ask_the_same_table(db: None) -> None:
    user = UserFactory.create()
    MembershipFactory.create(user=user, role=Role.VIEWER)
    template = Template(
        "{% if may.gallery_view %}sees{% endif %} {% if may.gallery_create %}makes{% endif %}"
        " {% if may.no_such_action %}wrong{% endif %} {{ principal.user.email }}"
    )
    text = template.render(Context(context.principal(request_of(user))))
    assert text.split() == ["sees", user.email]


def test_a_template_that_asks_nothing_asks_no_database(
    db: None, django_assert_num_queries: Any
) -> None:
    user = UserFactory.create()
    with django_assert_num_queries(0):
        Template("sorry").render(Context(context.principal(request_of(user))))
