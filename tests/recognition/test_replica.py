"""Searches on a replica: only where it is up to date, and never instead of an answer."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import OperationalError, connection, connections, transaction

from recognition.models import Gallery
from recognition.routers import SearchRouter
from recognition.selectors import replica, templates
from tests.recognition.crowd import crowded_gallery, vector

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def gallery() -> Gallery:
    return crowded_gallery(20)


@pytest.fixture
def asked(gallery: Gallery, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Name the server of the tests a second time; yields what that connection is asked."""
    monkeypatch.setattr(replica._silence, "until", -1.0)
    connections.settings[replica.ALIAS] = dict(connection.settings_dict)
    statements: list[str] = []
    other = connection.copy()  # Django's tests let no other name pass
    connections[replica.ALIAS] = other
    with other.execute_wrapper(
        lambda run, statement, *rest: (statements.append(str(statement)), run(statement, *rest))[1]
    ):
        yield statements
    other.close()
    del connections[replica.ALIAS]
    del connections.settings[replica.ALIAS]


def searches(statements: list[str]) -> int:
    return sum("<#>" in statement for statement in statements)


def test_a_replica_that_is_up_to_date_answers(gallery: Gallery, asked: list[str]) -> None:
    found = templates.nearest(gallery, vector(3, 2), limit=5)
    assert searches(asked) == 1
    assert len(found) == 5
    templates.at_least(gallery, vector(3, 2), score=0.9)
    assert searches(asked) == 2


def test_one_that_is_behind_does_not(
    gallery: Gallery, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = templates.nearest(gallery, vector(3, 2), limit=5)
    monkeypatch.setattr(replica, "_REPLAYED", "SELECT '0/1'::pg_lsn >= %s::pg_lsn")
    monkeypatch.setattr(replica, "PATIENCE", 0.0)
    assert templates.nearest(gallery, vector(3, 2), limit=5) == expected
    assert searches(asked) == 1


def test_inside_a_transaction_the_first_database_answers(
    gallery: Gallery, asked: list[str]
) -> None:
    with transaction.atomic():
        crowded_gallery(1, first=77, gallery=gallery)
        found = templates.nearest(gallery, vector(77, 2), limit=1)
    assert found[0].score > 0.9
    assert not asked


def test_one_that_cannot_be_reached_is_left_alone_for_a_while(
    gallery: Gallery, asked: list[str]
) -> None:
    connections[replica.ALIAS].close()
    connections[replica.ALIAS].settings_dict["HOST"] = "/nowhere"
    connections[replica.ALIAS].settings_dict["OPTIONS"] = {}
    for _ in range(2):
        assert len(templates.nearest(gallery, vector(3, 2), limit=5)) == 5
    assert not searches(asked)
    assert replica._silence.until > 0


def test_a_search_that_a_replica_breaks_off_is_answered(
    gallery: Gallery, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = templates._matches_on

    def broken(database: str, *rest: Any) -> list[templates.Match]:
        if database == replica.ALIAS:
            raise OperationalError("canceling statement due to conflict with recovery")
        return run(database, *rest)

    monkeypatch.setattr(templates, "_matches_on", broken)
    assert len(templates.nearest(gallery, vector(3, 2), limit=5)) == 5
    assert replica._silence.until > 0


def test_a_replica_gets_no_tables_of_its_own() -> None:
    assert SearchRouter().allow_migrate("search", "recognition") is False
    assert SearchRouter().allow_migrate("default", "recognition") is None
