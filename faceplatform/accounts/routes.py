"""Every address of the platform with what its view names: for the start-up check and for tests."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver
from django.views import View
from rest_framework.views import APIView

from faceplatform.accounts.access import METHODS, NAMED, Actions


@dataclass(frozen=True, slots=True)
class Route:
    """One URL pattern.

    `view` is the class behind it, or None for a function. `methods` are what the view implements,
    in upper case; for a function under `access.named`, what it names.
    """

    pattern: str
    name: str
    view: type[View] | None
    methods: frozenset[str]
    actions: Actions

    @property
    def is_api(self) -> bool:
        """Whether Django REST framework answers."""
        return self.view is not None and issubclass(self.view, APIView)


def routes(urlconf: str | None = None) -> Iterator[Route]:
    """Yield every route of a URL configuration, by default the platform's."""
    yield from _walk(get_resolver(urlconf), "/", "")


def _walk(resolver: URLResolver, prefix: str, namespace: str) -> Iterator[Route]:
    for entry in resolver.url_patterns:
        pattern = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            inner = f"{namespace}{entry.namespace}:" if entry.namespace else namespace
            yield from _walk(entry, pattern, inner)
        elif isinstance(entry, URLPattern):
            yield _route(entry.callback, pattern, namespace + (entry.name or ""))


def _route(callback: Callable[..., Any], pattern: str, name: str) -> Route:
    named: Actions | None = getattr(callback, NAMED, None)
    view: type[View] | None = getattr(callback, "view_class", None)
    if named is not None:
        return Route(pattern, name, None, frozenset(named), named)
    if view is None:
        return Route(pattern, name, None, frozenset({"GET"}), {})
    methods = frozenset(
        method.upper()
        for method in METHODS
        if method in view.http_method_names and hasattr(view, method)
    )
    return Route(pattern, name, view, methods, getattr(view, "actions", {}))
