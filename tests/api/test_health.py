from collections.abc import Iterator
from typing import Any

import pytest
from django.db import OperationalError

from faceplatform.accounts.models import Organization
from faceplatform.accounts.roles import Role, Scope
from faceplatform.api import health
from faceplatform.stack.health import Probe
from tests.api.caller import Caller
from tests.factories import make_key, make_member


@pytest.fixture(autouse=True)
def parts(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """Broker and workers that answer; the rest is asked for real."""
    answers: dict[str, Any] = {"broker": Probe(True, "answers", 1.0), "inference": True}
    monkeypatch.setattr(health, "_latest", None)
    monkeypatch.setattr(health, "FRESH_SECONDS", 0.0)
    monkeypatch.setattr(health, "probe_broker", lambda: answers["broker"])
    monkeypatch.setattr(
        health,
        "probe_workers",
        lambda: {"inference": Probe(answers["inference"], "answers", 1.0)},
    )
    monkeypatch.setattr(health, "model_states", list)
    yield answers
    health._latest = None


def test_healthz_needs_nothing_but_the_process(
    django_assert_num_queries: Any, monkeypatch: pytest.MonkeyPatch, organization: Organization
) -> None:
    caller = Caller.person(make_member(organization, Role.ADMIN))
    with django_assert_num_queries(0):
        response = caller.get("/healthz")
    assert (response.status_code, response.json()) == (200, {"state": "ok"})


@pytest.mark.parametrize(
    ("role", "told"),
    [(None, False), (Role.VIEWER, False), (Role.OPERATOR, False), (Role.ADMIN, True),
     (Role.OWNER, True)],
)  # fmt: skip
def test_readyz_tells_the_parts_to_administrators_only(
    organization: Organization, role: Role | None, told: bool
) -> None:
    caller = Caller.person(make_member(organization, role)) if role else Caller()
    body = caller.get("/readyz").json()
    assert body["state"] in {"ok", "degraded"}
    assert ("parts" in body) == told
    if told:
        assert {"database", "migrations", "broker", "disk", "worker inference"} <= set(
            body["parts"]
        )
        assert body["parts"]["migrations"] == {"ok": True, "detail": "complete"}


def test_a_key_is_told_no_parts(organization: Organization) -> None:
    secret = make_key(organization, *Scope).secret
    assert "parts" not in Caller.key(secret).get("/readyz").json()


def test_without_broker_or_workers_it_still_serves(db: None, parts: dict[str, Any]) -> None:
    parts["inference"] = False
    response = Caller().get("/readyz")
    assert (response.status_code, response.json()) == (200, {"state": "degraded"})
    parts["broker"] = Probe(False, "refused", 1.0)
    assert Caller().get("/readyz").json() == {"state": "degraded"}


def test_a_network_that_is_not_there_is_noticed(
    organization: Organization, monkeypatch: pytest.MonkeyPatch, tmp_path: Any, settings: Any
) -> None:
    from recognition.selectors.models import model_states

    monkeypatch.setattr(health, "model_states", model_states)
    settings.MODELS_DIR = tmp_path
    body = Caller.person(make_member(organization, Role.ADMIN)).get("/readyz").json()
    assert body["state"] == "degraded"
    assert not body["parts"]["model mtcnn"]["ok"]
    assert not body["parts"][f"model {settings.DEFAULT_BACKBONE}"]["ok"]


def test_without_database_it_is_down_and_says_nothing_more(
    organization: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller = Caller.person(make_member(organization, Role.ADMIN))

    def away(*_: object) -> None:
        raise OperationalError("connection refused by 10.1.2.3")

    with monkeypatch.context() as patched:
        patched.setattr("django.db.backends.utils.CursorWrapper.execute", away)
        response = caller.get("/readyz")
    assert (response.status_code, response.json()) == (503, {"state": "down"})


def test_the_parts_are_asked_once_for_many_callers(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "FRESH_SECONDS", 60.0)
    asked: list[int] = []
    monkeypatch.setattr(health, "_parts", lambda: asked.append(1) or [])
    for _ in range(5):
        Caller().get("/readyz")
    assert asked == [1]
