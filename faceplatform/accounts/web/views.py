"""Account pages: set-up, settings, keys, change of organization."""

from typing import ClassVar
from uuid import UUID

from django.conf import settings
from django.contrib.auth import login
from django.contrib.messages import success
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from faceplatform.accounts.access import PolicyView
from faceplatform.accounts.models import ApiKey, Membership, Organization
from faceplatform.accounts.policy import Action
from faceplatform.accounts.services.keys import NewKey, create_key, revoke_key
from faceplatform.accounts.services.setup import complete_setup, find_setup_link
from faceplatform.accounts.sessions import ORGANIZATION_KEY
from faceplatform.accounts.web.forms import KeyForm, SetupForm
from faceplatform.core.errors import DomainError

_LINK_GONE = DomainError(
    "setup_link_invalid",
    "This link was used, has expired or was replaced. The newest one is printed where the "
    "platform was started; `manage.py setup_link` prints another.",
    status=410,
)


@method_decorator(never_cache, name="dispatch")
@method_decorator(sensitive_post_parameters("password"), name="dispatch")
class SetupView(PolicyView):
    """The first administrator, by the one-time link."""

    actions: ClassVar[dict[str, Action]] = {"GET": Action.PUBLIC, "POST": Action.PUBLIC}

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        if find_setup_link(token) is None:
            raise _LINK_GONE
        return self._page(request, SetupForm())

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        if find_setup_link(token) is None:
            raise _LINK_GONE
        form = SetupForm(request.POST)
        if form.is_valid():
            try:
                user = complete_setup(token=token, **form.cleaned_data)
            except DomainError as error:
                if error.status == 410:
                    raise
                form.refuse(error)
            else:
                login(request, user, backend=settings.AUTHENTICATION_BACKENDS[0])
                return HttpResponseRedirect(reverse("home"))
        return self._page(request, form, status=422)

    def _page(self, request: HttpRequest, form: SetupForm, *, status: int = 200) -> HttpResponse:
        existing = list(Organization.objects.all()[:2])
        joins = existing[0] if len(existing) == 1 else None
        context = {"form": form, "joins": joins}
        return render(request, "accounts/setup.html", context, status=status)


class SettingsView(PolicyView):
    """The person, the organization, how the pages look."""

    actions: ClassVar[dict[str, Action]] = {"GET": Action.ACCOUNT_SELF}

    def get(self, request: HttpRequest) -> HttpResponse:
        memberships = Membership.objects.filter(user=self.principal.user)
        context = {"memberships": memberships.select_related("organization").order_by("pk")}
        return render(request, "accounts/settings.html", context)


class SwitchOrganizationView(PolicyView):
    """Working in another organization of one's own."""

    actions: ClassVar[dict[str, Action]] = {"POST": Action.ACCOUNT_SELF}

    def post(self, request: HttpRequest) -> HttpResponse:
        rows = Membership.objects.filter(user=self.principal.user).select_related("organization")
        chosen = {str(row.organization_id): row for row in rows}
        wanted = request.POST.get("organization", "")
        if wanted not in chosen:
            raise DomainError("not_found", "You do not belong to that organization.", status=404)
        request.session[ORGANIZATION_KEY] = wanted
        success(request, f"You work in {chosen[wanted].organization} now.")
        return HttpResponseRedirect(reverse("home"))


@method_decorator(never_cache, name="dispatch")
class KeysView(PolicyView):
    """Keys of the organization. A new one is shown in the answer that made it, and never again."""

    actions: ClassVar[dict[str, Action]] = {"GET": Action.KEY_MANAGE, "POST": Action.KEY_MANAGE}

    def get(self, request: HttpRequest) -> HttpResponse:
        return self._page(request, KeyForm(initial={"scopes": ["read", "identify"]}))

    def post(self, request: HttpRequest) -> HttpResponse:
        form = KeyForm(request.POST)
        organization = self.principal.organization
        if form.is_valid() and organization is not None:
            try:
                made = create_key(
                    organization=organization, actor=self.principal.actor, **form.values()
                )
            except DomainError as error:
                form.refuse(error)
            else:
                fresh = KeyForm(initial={"scopes": ["read", "identify"]})
                return self._page(request, fresh, made=made, status=201)
        return self._page(request, form, status=422)

    def _page(
        self,
        request: HttpRequest,
        form: KeyForm,
        *,
        made: NewKey | None = None,
        status: int = 200,
    ) -> HttpResponse:
        context = {
            "form": form,
            "made": made,
            "keys": self._keys(),
            "api_root": request.build_absolute_uri("/api/v1"),
        }
        return render(request, "accounts/keys.html", context, status=status)

    def _keys(self) -> "QuerySet[ApiKey]":
        rows = ApiKey.objects.visible_to(self.principal)
        return rows.select_related("created_by")


class KeyRevokeView(PolicyView):
    """Ending a key."""

    actions: ClassVar[dict[str, Action]] = {"POST": Action.KEY_MANAGE}
    path_models: ClassVar[dict[str, type[Model]]] = {"pk": ApiKey}

    def post(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        rows = ApiKey.objects.visible_to(self.principal)
        key = get_object_or_404(rows, pk=pk)
        revoke_key(key=key, actor=self.principal.actor)
        success(request, f"{key.name} was revoked; programs that use it are refused from now on.")
        return HttpResponseRedirect(reverse("keys"))
