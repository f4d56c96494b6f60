"""What every list and form of the admin has in common: whose rows, who may, who writes."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

from django.contrib import messages
from django.contrib.admin.filters import SimpleListFilter
from django.contrib.admin.utils import flatten_fieldsets, unquote
from django.contrib.admin.views.main import ChangeList
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern
from unfold.admin import ModelAdmin

from faceplatform.accounts.access import Actions
from faceplatform.accounts.policy import Action, allows
from faceplatform.accounts.principal import Principal
from faceplatform.accounts.sessions import principal_of
from faceplatform.admin.gate import guarded
from faceplatform.core.actors import Actor
from faceplatform.core.errors import DomainError

_LOOKUPS = frozenset({"", "exact", "isnull", "gte", "lt"})


@dataclass(frozen=True, slots=True)
class Allowed:
    """The policy's actions behind what can be done to rows of a model; None is not offered.

    `bulk` is the action behind what is done to ticked rows of the list.
    """

    view: Action
    add: Action | None = None
    change: Action | None = None
    delete: Action | None = None
    bulk: Action | None = None

    def routes(self) -> dict[str, Actions]:
        """Return the addresses that exist for the model, by the end of their names."""
        found: dict[str, Actions] = {
            "changelist": _methods(self.view, self.bulk),
            "change": _methods(self.view, self.change),
        }
        if self.add:
            found["add"] = _methods(self.add, self.add)
        if self.delete:
            found["delete"] = _methods(self.delete, self.delete)
        return found


def _methods(get: Action, post: Action | None) -> Actions:
    return {"GET": get} if post is None else {"GET": get, "POST": post}


class ScopedAdmin(ModelAdmin):
    """Rows of the organization that the person is in, under the policy table.

    A subclass names `allowed`, `section` and `icon` for the menu, `fields` in their order and those
    of them that are `editable`. It writes through services, never by itself. Every row it is given
    has `asked_by`, the principal, so that columns can sign links to pictures.
    """

    allowed: ClassVar[Allowed]
    section: ClassVar[str]
    icon: ClassVar[str]
    editable: ClassVar[tuple[str, ...]] = ()
    delete_label: ClassVar[str] = "Delete"
    menu_title: ClassVar[str] = ""
    list_per_page = 50
    list_fullwidth = True

    # --- whose rows

    def rows(self, principal: Principal, organization_id: UUID) -> QuerySet[Any]:
        """Return the rows of the principal's organization."""
        rows: Any = self.model._default_manager.all()
        found: QuerySet[Any] = rows.visible_to(principal)
        return found

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the rows of the person's organization, none without one."""
        principal = principal_of(request)
        if principal.organization_id is None:
            empty: QuerySet[Any] = self.model._default_manager.none()
            return empty
        return self.rows(principal, principal.organization_id).order_by(*self.get_ordering(request))

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Model | None:
        """Return the row with the one who asks for it, None if it is not theirs."""
        found: Model | None = super().get_object(request, object_id, from_field)
        if found is not None:
            found.asked_by = principal_of(request)  # type: ignore[attr-defined]
        return found

    def get_changelist_instance(self, request: HttpRequest) -> ChangeList:
        """Return the list, its rows with the one who asks for them."""
        found: ChangeList = super().get_changelist_instance(request)
        for row in found.result_list:
            row.asked_by = principal_of(request)
        return found

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Filter by what the list offers only: other columns would answer guesses."""
        fields = {_filter_name(item) for item in self.list_filter}
        name, _, how = lookup.partition("__")
        return name in fields and how in _LOOKUPS and "\x00" not in value

    # --- who may

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Ask the policy table."""
        return self.may(request, self.allowed.view)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Ask the policy table."""
        return self.may(request, self.allowed.add)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Ask the policy table."""
        return self.may(request, self.allowed.change)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Ask the policy table."""
        return self.may(request, self.allowed.delete)

    def has_bulk_permission(self, request: HttpRequest) -> bool:
        """Ask the policy table."""
        return self.may(request, self.allowed.bulk)

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Ask the policy table."""
        return self.has_view_permission(request)

    @staticmethod
    def may(request: HttpRequest, action: Action | None) -> bool:
        """Whether the person may do the action in their organization."""
        return action is not None and allows(principal_of(request), action)

    def get_urls(self) -> list[URLPattern]:
        """Return the addresses that `allowed` names, each under the policy table."""
        prefix = f"{self.opts.app_label}_{self.opts.model_name}_"
        offered = self.allowed.routes()
        return [
            URLPattern(entry.pattern, self._guarded(entry, offered[end]), entry.default_args,
                       entry.name)
            for entry in super().get_urls()
            if (end := (entry.name or "").removeprefix(prefix)) in offered
        ]  # fmt: skip

    def _guarded(self, entry: URLPattern, actions: Actions) -> Any:
        names_row = "object_id" in entry.pattern.regex.groupindex
        return guarded(entry.callback, actions, self._find if names_row else None)

    def _find(self, request: HttpRequest, object_id: str) -> Model | None:
        return self.get_object(request, unquote(object_id))

    # --- forms

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Return everything that is not `editable`."""
        shown = flatten_fieldsets(self.get_fieldsets(request, obj))
        return [field for field in shown if field not in self.editable]

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show what a service refuses as a message above the form; nothing was changed then."""
        try:
            answer: HttpResponse = super().changeform_view(
                request, object_id, form_url, extra_context
            )
        except DomainError as refusal:
            messages.error(request, refusal.detail)
            return HttpResponseRedirect(request.get_full_path())
        return answer

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Write what was edited; only models whose rows can be edited come here."""
        raise NotImplementedError(f"{self.opts.model_name} is not written here")

    # --- deleting

    def erase(self, obj: Any, actor: Actor) -> None:
        """Delete a row by its service; only models whose rows can be deleted come here."""
        raise NotImplementedError(f"{self.opts.model_name} is not deleted here")

    def consequences(self, rows: Iterable[Any]) -> dict[str, int]:
        """Return what goes with the rows: how many of what."""
        return {}

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Delete by the service."""
        self.erase(obj, principal_of(request).actor)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Delete one after the other by the service."""
        for row in queryset:
            self.erase(row, principal_of(request).actor)

    def get_deleted_objects(
        self, objs: Iterable[Any], request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """Return names of the rows and counts of what goes with them, not every single row."""
        rows = list(objs)
        counts = {str(self.opts.verbose_name_plural): len(rows)} | self.consequences(rows)
        return [str(row) for row in rows], counts, set(), []

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Call deletion by its right word."""
        actions: dict[str, Any] = super().get_actions(request)
        if "delete_selected" in actions:
            function, name, _ = actions["delete_selected"]
            label = f"{self.delete_label} selected {self.opts.verbose_name_plural}"
            actions["delete_selected"] = (function, name, label)
        return actions

    # --- The audit log, which services write, is the record; Django's own would keep the names of
    # erased people.

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> None:
        """Keep no record of its own."""

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> None:
        """Keep no record of its own."""

    def log_deletions(self, request: HttpRequest, queryset: Any) -> None:
        """Keep no record of its own."""


def _filter_name(item: Any) -> str:
    if isinstance(item, type) and issubclass(item, SimpleListFilter):
        return str(item.parameter_name)
    return str(item)
