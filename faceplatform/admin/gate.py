"""Where the admin's addresses ask the policy table."""

import functools
from collections.abc import Callable
from typing import Any

from csp.decorators import csp_update
from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponseNotAllowed
from django.http.response import HttpResponseBase

from faceplatform.accounts.access import NAMED, Actions, ViewFunction, action_of
from faceplatform.accounts.policy import allows
from faceplatform.accounts.sessions import principal_of

Find = Callable[[HttpRequest, str], object | None]

# Alpine, which unfold is built on, compiles its attributes. Nothing else is loosened.
ADMIN_CSP = {"script-src": ["'unsafe-eval'"]}


def guarded(view: ViewFunction, actions: Actions, find: Find | None = None) -> ViewFunction:
    """Put an admin view under the policy table; methods without an action get 405.

    Strangers are sent to the platform's log-in page. Who is not staff finds nothing here. `find`
    looks for the row that an address names with `object_id`; what it does not find is 404, also
    for somebody whose role would not let them do this to a row of their own.
    """

    @csp_update(ADMIN_CSP)
    @functools.wraps(view)
    def asking(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        action = action_of(actions, request.method)
        if action is None:
            return HttpResponseNotAllowed(sorted(actions))
        principal = principal_of(request)
        if principal.user is None:
            # Nobody can be sent back to a form they posted.
            back = request.get_full_path() if request.method in {"GET", "HEAD"} else ""
            return redirect_to_login(back, settings.LOGIN_URL)
        if not (principal.user.is_active and principal.user.is_staff):
            raise Http404
        if find is not None and find(request, kwargs["object_id"]) is None:
            raise Http404
        if not allows(principal, action):
            raise PermissionDenied
        return view(request, *args, **kwargs)

    setattr(asking, NAMED, dict(actions))
    return asking
