"""Start-up check: every address names what it does, so the policy table is always asked."""

from collections.abc import Iterator
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register
from rest_framework.views import APIView

from faceplatform.accounts.access import PolicyPermission, PolicyView
from faceplatform.accounts.policy import POLICY, Action
from faceplatform.accounts.routes import Route, routes


@register(Tags.security)
def check_routes(app_configs: Any = None, **options: Any) -> list[CheckMessage]:
    """Refuse routes that name no action, or not for each of their methods."""
    return [problem for route in routes() for problem in problems_of(route)]


@register(Tags.security)
def check_policy(app_configs: Any = None, **options: Any) -> list[CheckMessage]:
    """Refuse an action without a rule."""
    return [
        Error(f"The policy table has no rule for {action}.", id="accounts.E005")
        for action in Action
        if action not in POLICY
    ]


def problems_of(route: Route) -> Iterator[CheckMessage]:
    """Yield what is wrong with one route."""
    where = f"{route.pattern} ({route.view.__qualname__ if route.view else 'function'})"
    if not route.actions:
        yield Error(
            f"{where} names no action.",
            hint="Set `actions`, or put a view that is not ours through `access.named`.",
            id="accounts.E001",
        )
        return
    if missing := sorted(route.methods - route.actions.keys()):
        yield Error(f"{where} names no action for {', '.join(missing)}.", id="accounts.E002")
    if surplus := sorted(route.actions.keys() - route.methods):
        yield Error(
            f"{where} names actions for {', '.join(surplus)}, which it does not answer.",
            id="accounts.E003",
        )
    if not _asks(route):
        yield Error(
            f"{where} names actions and asks nobody.",
            hint="Derive from PolicyView or ApiView; keep PolicyPermission among the permissions.",
            id="accounts.E004",
        )


def _asks(route: Route) -> bool:
    """Whether the view goes through one of the gates that read `actions`."""
    view = route.view
    if view is None or issubclass(view, PolicyView):
        return True
    return issubclass(view, APIView) and PolicyPermission in view.permission_classes
