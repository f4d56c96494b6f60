"""Every address x method x caller answers as `policy_matrix` says; refusals change nothing."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.http import HttpResponse
from django.shortcuts import resolve_url

from faceplatform.accounts.models import User
from faceplatform.accounts.routes import Route, routes
from tests.architecture.asking import ask
from tests.architecture.policy_matrix import COLUMNS, MATRIX
from tests.architecture.world import Caller, World, make_world
from tests.fakes import FakePipeline

ALL_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
_OWNED = (
    "accounts_apikey", "accounts_membership", "core_auditevent", "core_job",
    "recognition_faceimage", "recognition_facetemplate", "recognition_gallery",
    "recognition_gallerythreshold", "recognition_identity", "recognition_importrun",
    "recognition_photo", "recognition_probe", "recognition_probebatch",
    "recognition_verification", "recognition_video", "training_dataset",
    "training_evaluation", "training_trainingrun",
)  # fmt: skip
_VOLATILE = {"accounts_apikey": "last_used_at"}
_WRITE = re.compile(r"\s*(INSERT|UPDATE|DELETE)\b", re.IGNORECASE)
_HARMLESS = re.compile(r'django_session|SET "last_used_at"|SET "last_login"|SET "is_staff"')
PARTS = {"API": "api_", "admin": "admin:", "pages": ""}


@pytest.fixture
def world(fake_pipeline: FakePipeline, files: Path) -> World:
    return make_world()


@pytest.fixture(scope="module")
def named_routes() -> dict[str, Route]:
    return {route.name: route for route in routes()}


def status_of(response: HttpResponse) -> str:
    """Return the status as the matrix writes it."""
    log_in = resolve_url(settings.LOGIN_URL)
    if response.status_code == 302 and response["Location"].startswith(log_in):
        return "in"
    return str(response.status_code)


def content_of(response: Any) -> str:
    """Return the whole body, also of a stream."""
    body = b"".join(response.streaming_content) if response.streaming else response.content
    return str(body, "utf-8", "replace")


def fingerprint(organization_id: UUID) -> str:
    """Return a hash of an organization's rows."""
    parts = []
    for table in _OWNED:
        row = f"to_jsonb(t) - '{_VOLATILE[table]}'" if table in _VOLATILE else "to_jsonb(t)"
        whole = f"md5(string_agg(({row})::text, '' ORDER BY t.id))"
        mine = f"organization_id = '{organization_id}'"
        parts.append(f"(SELECT {whole} FROM {table} t WHERE {mine})")  # noqa: S608 (our own names)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT concat_ws('-', {', '.join(parts)})")
        return str(cursor.fetchone()[0])


class Writes:
    """Notes statements that write rows other than sessions and times of use."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def __call__(self, execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
        text = sql if isinstance(sql, str) else sql.as_string()
        if _WRITE.match(text) and not _HARMLESS.search(text):
            self.seen.append(text[:80])
        return execute(sql, params, many, context)


@contextmanager
def undone(caller: Caller, *, staff: bool = False) -> Iterator[None]:
    """Take back what the request did to the database and to the caller's cookies.

    `staff` makes everybody staff meanwhile.
    """
    cookies = SimpleCookie({name: item.value for name, item in caller.client.cookies.items()})
    with transaction.atomic():
        if staff:
            User.objects.update(is_staff=True)
        yield
        transaction.set_rollback(True)
    caller.client.cookies = cookies


def say(capsys: pytest.CaptureFixture[str], line: str) -> None:
    """Show a figure in the report of the test run."""
    with capsys.disabled():
        print(f"\n{line}")  # noqa: T201


def test_every_route_is_in_the_matrix_and_nothing_else() -> None:
    found = {(method, route.name) for route in routes() for method in route.methods}
    written = {(method, name.partition("?")[0]) for method, name in MATRIX}
    assert all(name for _, name in found), "a route without a name"
    assert found - written == set(), "not in the matrix"
    assert written - found == set(), "in the matrix and nowhere else"


@pytest.mark.slow
@pytest.mark.parametrize("part", PARTS)
def test_every_cell(
    world: World, named_routes: dict[str, Route], part: str, capsys: pytest.CaptureFixture[str]
) -> None:
    deviations: list[str] = []
    rows = {key: cells for key, cells in MATRIX.items() if part_of(key[1]) == part}
    for (method, name), cells in rows.items():
        for column in COLUMNS:
            found = deviations_of(world, named_routes, method, name, column, cells[column])
            deviations += [f"{method} {name} as {column}: {what}" for what in found]
    say(capsys, f"policy matrix, {part}: {len(rows) * len(COLUMNS)} calls, "
                f"{len(deviations)} deviations")  # fmt: skip
    assert rows
    assert not deviations, "\n".join(deviations)


def part_of(name: str) -> str:
    """Return which part of the matrix an address is in."""
    return next(part for part, prefix in PARTS.items() if name.startswith(prefix))


def deviations_of(
    world: World,
    named_routes: dict[str, Route],
    method: str,
    name: str,
    column: str,
    expected: str,
) -> Iterator[str]:
    """Ask once; yield what is not as it should be."""
    bare, mark, variant = name.partition("?")
    caller, writes = world.callers[column], Writes()
    a = world.a.organization.pk
    foreign = caller.principal.organization_id != a
    before = fingerprint(a) if foreign and expected < "400" else ""
    with undone(caller, staff=name.startswith("admin:")):
        with connection.execute_wrapper(writes):
            response = ask(world, caller, named_routes[bare], method, mark + variant)
        status = status_of(response)
        if status != expected:
            yield f"{status} instead of {expected}"
        if status >= "400" and writes.seen:
            yield f"refused with {status} after writing: {writes.seen}"
        if before and fingerprint(a) != before:
            yield f"answered {status} and changed A's rows"
        if foreign:
            told = sorted(s for s in world.a.secrets() if s in content_of(response))
            if told:
                yield f"tells {told}"


@pytest.mark.slow
def test_who_is_not_staff_finds_no_admin(world: World, named_routes: dict[str, Route]) -> None:
    deviations = []
    for method, name in MATRIX:
        if name.startswith("admin:"):
            for column in set(COLUMNS) - {"superuser"}:
                caller = world.callers[column]
                with undone(caller):
                    status = status_of(ask(world, caller, named_routes[name], method))
                expected = "in" if caller.principal.user is None else "404"
                if status != expected:
                    deviations.append(f"{method} {name} as {column}: {status}")
    assert not deviations, "\n".join(deviations)


@pytest.mark.slow
def test_methods_without_an_action_are_refused_everywhere(
    world: World, named_routes: dict[str, Route], capsys: pytest.CaptureFixture[str]
) -> None:
    deviations, calls = [], 0
    for name, route in named_routes.items():
        for method in set(ALL_METHODS) - route.methods:
            for column in ("nobody", "owner", "B owner", "key read", "superuser"):
                caller = world.callers[column]
                with undone(caller):
                    response = ask(world, caller, route, method)
                calls += 1
                judged_by_token = name == "metrics" and "key" in column
                if response.status_code != (401 if judged_by_token else 405):
                    deviations.append(f"{method} {name} as {column}: {response.status_code}")
    say(capsys, f"methods that no address names: {calls} calls, {len(deviations)} deviations")
    assert not deviations, "\n".join(deviations)
