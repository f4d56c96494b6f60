"""What every template knows."""

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from faceplatform.accounts.policy import Action, allows
from faceplatform.accounts.sessions import principal_of


class Permissions:
    """`may.gallery_create` in a template asks the policy table for `gallery.create`."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request

    def __getitem__(self, name: str) -> bool:
        try:
            action = Action[name.upper()]
        except KeyError as error:
            raise AttributeError(name) from error
        return allows(principal_of(self._request), action)


def principal(request: HttpRequest) -> dict[str, Any]:
    """Give templates `principal` and `may`.

    Both are read on first use: an error page must not ask a database that is away.
    """
    return {
        "principal": SimpleLazyObject(lambda: principal_of(request)),
        "may": Permissions(request),
    }
