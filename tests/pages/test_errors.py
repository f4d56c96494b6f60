"""Error pages, also where nothing else works."""

import pytest
from django.db import OperationalError
from django.http import HttpRequest
from django.test import RequestFactory

from faceplatform.core.errors import DomainError
from faceplatform.core.web.errors import not_found, refusal_response


class Unreachable:
    """Raises what a database that is away raises, whatever is asked of it."""

    def __getattr__(self, name: str) -> object:
        raise OperationalError("the connection is closed")


@pytest.fixture
def request_without_database(rf: RequestFactory) -> HttpRequest:
    request: HttpRequest = rf.get("/galleries/")
    request.user = Unreachable()  # type: ignore[assignment]
    request.session = Unreachable()  # type: ignore[assignment]
    return request


def test_an_error_page_needs_no_database(request_without_database: HttpRequest) -> None:
    refusal = DomainError("database_unavailable", "The database is away.", status=503)
    answer = refusal_response(request_without_database, refusal)
    shown = answer.content.decode()
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert "The database is away." in shown
    assert "Nothing was saved." in shown
    assert "database_unavailable" in shown
    assert 'href="/galleries/"' in shown  # try again


def test_an_error_page_escapes_what_it_shows(rf: RequestFactory) -> None:
    refusal = DomainError("x", "<script>alert(1)</script>", status=422)
    shown = refusal_response(rf.get("/a/?b=<script>"), refusal).content.decode()
    assert "<script>alert" not in shown
    assert "&lt;script&gt;" in shown


def test_not_found_says_nothing_about_what_might_be_there(rf: RequestFactory) -> None:
    answer = not_found(rf.get("/identities/1/"), Exception())
    assert "does not exist, was deleted, or belongs to another organization" in (
        answer.content.decode()
    )
