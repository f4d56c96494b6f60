"""Where routes ask the policy table.

A page derives from `PolicyView`, an API view from `faceplatform.accounts.api.views.ApiView`, and a
view that is not ours goes through `named`. All of them name an action per HTTP method; what is not
named is not allowed, and `faceplatform.accounts.checks` refuses to start with a route that names
nothing.
"""

import functools
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.views import View
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from faceplatform.accounts.policy import POLICY, Action, allows
from faceplatform.accounts.principal import ANONYMOUS, Principal
from faceplatform.accounts.sessions import principal_of

if TYPE_CHECKING:
    # DRF's views import this module for their default permission.
    from rest_framework.views import APIView

METHODS = ("get", "post", "put", "patch", "delete")
NAMED = "policy_actions"

Actions = Mapping[str, Action]
PathModels = Mapping[str, type[Model]]
ViewFunction = Callable[..., HttpResponseBase]


class PolicyView(View):
    """Base of every page: asks the policy table before the method runs.

    `actions` maps HTTP methods to actions. `path_models` maps arguments of the URL to the models
    they are ids of, so that an object of another organization is 404 also for somebody whose role
    would not let them do this to an object of their own.
    """

    http_method_names = [*METHODS, "head"]
    actions: ClassVar[Actions] = {}
    path_models: ClassVar[PathModels] = {}

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Send strangers to the log-in page, answer 403 to people who may not."""
        action = action_of(self.actions, request.method)
        if action is None:
            return self.http_method_not_allowed(request, *args, **kwargs)
        refusal = _refusal(request, action, self.path_models, kwargs)
        return refusal or super().dispatch(request, *args, **kwargs)

    @property
    def principal(self) -> Principal:
        """Who asks."""
        return principal_of(self.request)


class PolicyPermission(BasePermission):
    """Asks the policy table for the action that the view names for the method."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        """Whether the principal may do what this method does; an unnamed method may nobody."""
        principal = api_principal(request)
        action = action_of(getattr(view, "actions", {}), request.method)
        if action is not None and allows(principal, action):
            return True
        if principal.is_authenticated:
            hide_foreign(getattr(view, "path_models", {}), view.kwargs, principal)
        return False


def api_principal(request: Request) -> Principal:
    """Return who asks: the key or person that the API's authentication found."""
    return request.auth if isinstance(request.auth, Principal) else ANONYMOUS


def action_of(actions: Actions, method: str | None) -> Action | None:
    """Return the action named for an HTTP method; HEAD is asked for as GET."""
    return actions.get("GET" if method == "HEAD" else method or "")


def hide_foreign(models: PathModels, kwargs: Mapping[str, Any], principal: Principal) -> None:
    """Raise Http404 if an id of the URL is not one of the principal's organization.

    Asked before a refusal: what belongs to somebody else and what does not exist look the same.
    """
    for argument, model in models.items():
        rows: Any = model._default_manager.all()  # every model with an id in a URL is scoped
        if not rows.visible_to(principal).filter(pk=kwargs[argument]).exists():
            raise Http404


def named(view: ViewFunction, actions: Actions) -> ViewFunction:
    """Put a view that is not ours under the policy table; methods without an action get 405."""

    @functools.wraps(view)
    def asking(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        action = action_of(actions, request.method)
        if action is None:
            return HttpResponseNotAllowed(sorted(actions))
        return _refusal(request, action, {}, kwargs) or view(request, *args, **kwargs)

    setattr(asking, NAMED, dict(actions))
    return asking


def _refusal(
    request: HttpRequest, action: Action, models: PathModels, kwargs: Mapping[str, Any]
) -> HttpResponseBase | None:
    """Return the way to the log-in page for a stranger, raise for a person who may not."""
    if POLICY[action].public:
        return None  # without asking the session: health answers while the database is away
    principal = principal_of(request)
    if allows(principal, action):
        return None
    if not principal.is_authenticated:
        # Nobody can be sent back to a form they posted.
        back = request.get_full_path() if request.method in {"GET", "HEAD"} else ""
        return redirect_to_login(back, settings.LOGIN_URL)
    hide_foreign(models, kwargs, principal)
    raise PermissionDenied
