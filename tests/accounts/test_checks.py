"""The start-up check refuses every way in which a route can forget to ask."""

from typing import Any

import pytest
from django.http import HttpResponse
from django.urls import path
from django.views import View
from rest_framework.permissions import AllowAny
from rest_framework.views import APIView

from faceplatform.accounts import checks
from faceplatform.accounts.access import PolicyView, named
from faceplatform.accounts.api.views import ApiView
from faceplatform.accounts.policy import POLICY, Action
from faceplatform.accounts.routes import routes


def answer(*_: Any, **__: Any) -> HttpResponse:
    return HttpResponse()


class Unnamed(PolicyView):
    get = answer


class HalfNamed(PolicyView):
    actions = {"GET": Action.GALLERY_VIEW}
    get = answer
    post = answer


class Surplus(PolicyView):
    actions = {"GET": Action.GALLERY_VIEW, "Post": Action.GALLERY_VIEW}
    get = answer


class NotGated(View):
    actions = {"GET": Action.GALLERY_VIEW}
    get = answer


class OpenApi(ApiView):
    actions = {"GET": Action.GALLERY_VIEW}
    permission_classes = [AllowAny]
    get = answer


class UnnamedApi(APIView):
    get = answer


class GoodPage(PolicyView):
    actions = {"GET": Action.GALLERY_VIEW, "POST": Action.GALLERY_CREATE}
    get = answer
    post = answer


class GoodApi(ApiView):
    actions = {"DELETE": Action.GALLERY_DELETE}
    delete = answer


class Urls:
    urlpatterns = [
        path("unnamed", Unnamed.as_view()),
        path("half", HalfNamed.as_view()),
        path("surplus", Surplus.as_view()),
        path("not-gated", NotGated.as_view()),
        path("open-api", OpenApi.as_view()),
        path("unnamed-api", UnnamedApi.as_view()),
        path("function", answer),
        path("page", GoodPage.as_view()),
        path("api", GoodApi.as_view()),
        path("wrapped", named(answer, {"GET": Action.PUBLIC})),
    ]


@pytest.mark.parametrize(
    ("pattern", "ids"),
    [
        ("/unnamed", ["E001"]),
        ("/half", ["E002"]),
        ("/surplus", ["E003"]),
        ("/not-gated", ["E004"]),
        ("/open-api", ["E004"]),
        ("/unnamed-api", ["E001"]),
        ("/function", ["E001"]),
        ("/page", []),
        ("/api", []),
        ("/wrapped", []),
    ],
)
def test_each_kind_of_route(pattern: str, ids: list[str]) -> None:
    route = next(route for route in routes(Urls) if route.pattern == pattern)  # type: ignore[arg-type]
    found = [str(problem.id).removeprefix("accounts.") for problem in checks.problems_of(route)]
    assert found == ids


def test_the_platforms_own_routes_pass() -> None:
    assert checks.check_routes() == []
    assert checks.check_policy() == []
    assert len(list(routes())) > 20


def test_an_action_without_a_rule_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    without = {action: rule for action, rule in POLICY.items() if action != Action.IDENTIFY}
    monkeypatch.setattr(checks, "POLICY", without)
    assert [problem.id for problem in checks.check_policy()] == ["accounts.E005"]


def test_every_id_in_an_api_path_names_its_model() -> None:
    for route in routes():
        if route.is_api and "<uuid:" in route.pattern:
            arguments = {part.split(">")[0] for part in route.pattern.split("<uuid:")[1:]}
            assert arguments == set(getattr(route.view, "path_models", {})), route.pattern
