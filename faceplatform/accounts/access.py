"""Where routes ask the policy table.

A page derives from `PolicyView`, an API view relies on `PolicyPermission` (the default of all).
Both read the class attribute `actions`: HTTP method to action. A method that is not in it is not
allowed (405 before this is reached), and a view without `actions` is refused at start by a check.
"""

from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.views import View
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from faceplatform.accounts.sessions import principal_of
from faceplatform.accounts.policy import Action, allows
from faceplatform.accounts.principal import ANONYMOUS, Principal

Actions = dict[str, Action]


class PolicyView(View):
    """Base of every page: asks the policy table before the method runs."""

    actions: ClassVar[Actions] = {}

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Send strangers to the log-in page, answer 403 to people who may not."""
        action = self.actions.get("GET" if request.method == "HEAD" else request.method or "")
        if action is None:
            return self.http_method_not_allowed(request, *args, **kwargs)
        principal = self.principal
        if not allows(principal, action):
            if not principal.is_authenticated:
                return redirect_to_login(request.get_full_path(), settings.LOGIN_URL)
            raise PermissionDenied
        return super().dispatch(request, *args, **kwargs)

    @property
    def principal(self) -> Principal:
        """Who asks."""
        return principal_of(self.request)

    def options(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Answer OPTIONS with the methods that this page names."""
        response = HttpResponse()
        response["Allow"] = ", ".join(sorted(self.actions))
        return response


class PolicyPermission(BasePermission):
    """Asks the policy table for the action that the view names for the method."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Whether the principal may do what this method does; an unnamed method may nobody."""
        actions: Actions = getattr(view, "actions", {})
        method = "GET" if request.method in {"HEAD", "OPTIONS"} else request.method or ""
        action = actions.get(method)
        return action is not None and allows(api_principal(request), action)


def api_principal(request: Request) -> Principal:
    """Return who asks: the key or person that the API's authentication found."""
    return request.auth if isinstance(request.auth, Principal) else ANONYMOUS
