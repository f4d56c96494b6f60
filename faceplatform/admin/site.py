"""The admin site: its addresses, its menu, and nothing that a package registers by itself."""

from typing import Any

from django.contrib.admin.options import ModelAdmin
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import URLPattern, URLResolver, include, path, re_path, reverse
from django.utils.text import capfirst
from unfold.sites import UnfoldAdminSite

from faceplatform.accounts.policy import Action
from faceplatform.accounts.sessions import principal_of
from faceplatform.admin.gate import guarded

GET = {"GET": Action.ADMIN_ENTER}


class PlatformAdminSite(UnfoldAdminSite):
    """An admin without log-in, password and search pages of its own: the platform has them.

    Unfold's search keeps its results in the cache by person and word, whatever organization the
    person is in by then, so it is left out.
    """

    index_title = "Overview"

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """Return the addresses of the site and of everything that is registered."""
        models = [
            path(f"{_address(model_admin)}/", include(model_admin.urls))
            for model_admin in self._registry.values()
        ]
        apps = "|".join(sorted({model._meta.app_label for model in self._registry}))
        index = self.admin_view(self.index)
        texts = self.admin_view(self.i18n_javascript, cacheable=True)
        sections = self.admin_view(self.app_index)
        return [
            path("", guarded(index, GET), name="index"),
            path("jsi18n/", guarded(texts, GET), name="jsi18n"),
            *models,
            re_path(rf"^(?P<app_label>{apps})/$", guarded(sections, GET), name="app_list"),
        ]

    def app_index(
        self, request: HttpRequest, app_label: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponseRedirect:
        """Lead from the first crumb of a page to the overview."""
        return HttpResponseRedirect(reverse(f"{self.name}:index"))

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """Return nothing: the menu is made by `get_sidebar_list`."""
        return []

    def get_sidebar_list(self, request: HttpRequest) -> list[dict[str, Any]]:
        """Return the menu: what the person may see, in the order of registration."""
        overview = reverse(f"{self.name}:index")
        sections: dict[str, list[dict[str, Any]]] = {
            "": [_item("Overview", "dashboard", overview, active=request.path == overview)]
        }
        for model, model_admin in self._registry.items():
            if not model_admin.has_view_permission(request):
                continue
            opts = model._meta
            link = reverse(f"{self.name}:{opts.app_label}_{opts.model_name}_changelist")
            title = model_admin.menu_title or capfirst(str(opts.verbose_name_plural))
            icon, section = model_admin.icon, model_admin.section
            item = _item(title, icon, link, active=request.path.startswith(link))
            sections.setdefault(section, []).append(item)
        return [{"title": title, "items": items} for title, items in sections.items()]

    def extra_context(self, context: dict[str, Any], request: HttpRequest) -> dict[str, Any]:
        """Add the organization; take away the colours, which unfold would write inline."""
        organization = principal_of(request).organization
        subheader = organization.name if organization else "No organization"
        return context | {"site_subheader": subheader, "colors": None}


def _address(model_admin: "ModelAdmin[Any]") -> str:
    return f"{model_admin.opts.app_label}/{model_admin.opts.model_name}"


def _item(title: str, icon: str, link: str, *, active: bool) -> dict[str, Any]:
    return {"title": title, "icon": icon, "link": link, "active": active, "has_permission": True}


site = PlatformAdminSite()
