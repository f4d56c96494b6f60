"""Every address x method x caller answers as `policy_matrix` says; refusals change nothing."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.http import HttpResponse
from django.shortcuts import resolve_url

from faceplatform.accounts.routes import Route, routes
from tests.architecture.asking import ask
from tests.architecture.policy_matrix import COLUMNS, MATRIX
from tests.architecture.world import Caller, World, make_world
from tests.fakes import FakePipeline

ALL_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
_TABLES = (
    "accounts_apikey", "accounts_membership", "accounts_user", "core_auditevent", "core_job",
    "recognition_faceimage", "recognition_facetemplate", "recognition_gallery",
    "recognition_identity", "recognition_importrun", "recognition_photo", "recognition_probe",
    "recognition_probeface", "recognition_probematch",
)  # fmt: skip
_VOLATILE = {"accounts_apikey": "last_used_at", "accounts_user": "last_login"}


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


def fingerprint() -> str:
    """Return a hash of all rows that matter."""
    parts = []
    for table in _TABLES:
        row = f"to_jsonb(t) - '{_VOLATILE[table]}'" if table in _VOLATILE else "to_jsonb(t)"
        whole = f"md5(string_agg(({row})::text, '' ORDER BY t.id))"
        parts.append(f"(SELECT {whole} FROM {table} t)")  # noqa: S608 (names of our own)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT concat_ws('-', {', '.join(parts)})")
        return str(cursor.fetchone()[0])


@contextmanager
def undone(caller: Caller) -> Iterator[None]:
    """Take back what the request did to the database and to the caller's cookies."""
    cookies = SimpleCookie({name: item.value for name, item in caller.client.cookies.items()})
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
    caller.client.cookies = cookies


def say(capsys: pytest.CaptureFixture[str], line: str) -> None:
    """Show a figure in the report of the test run."""
    with capsys.disabled():
        print(f"\n{line}")  # noqa: T201


def test_every_route_is_in_the_matrix_and_nothing_else() -> None:
    found = {(method, route.name) for route in routes() for method in route.methods}
    written = {(method, name.partition(":")[0]) for method, name in MATRIX}
    assert all(name for _, name in found), "a route without a name"
    assert found - written == set(), "not in the matrix"
    assert written - found == set(), "in the matrix and nowhere else"


@pytest.mark.slow
def test_every_cell(
    world: World, named_routes: dict[str, Route], capsys: pytest.CaptureFixture[str]
) -> None:
    deviations: list[str] = []
    calls = 0
    before = fingerprint()
    secrets = world.a.secrets()
    for (method, name), cells in MATRIX.items():
        bare, colon, variant = name.partition(":")
        for column in COLUMNS:
            caller = world.callers[column]
            where = f"{method} {name} as {column}"
            with undone(caller):
                response = ask(world, caller, named_routes[bare], method, colon + variant)
                calls += 1
                status = status_of(response)
                if status != cells[column]:
                    deviations.append(f"{where}: {status} instead of {cells[column]}")
                if status >= "400" and fingerprint() != before:
                    deviations.append(f"{where}: refused with {status}, yet rows changed")
                if caller.principal.organization_id != world.a.organization.pk:
                    told = [secret for secret in secrets if secret in content_of(response)]
                    if told:
                        deviations.append(f"{where}: tells {told}")
    assert fingerprint() == before
    say(capsys, f"policy matrix: {calls} calls, {len(deviations)} deviations")
    assert not deviations, "\n".join(deviations)
    assert calls == len(MATRIX) * len(COLUMNS)


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
