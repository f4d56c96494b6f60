"""Organizations, people and keys in the admin: to look at, and to end keys.

People are the members of the organization; who belongs to another one too is not told.
"""

from typing import Any, ClassVar
from uuid import UUID

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.decorators import action, display

from faceplatform.accounts.models import ApiKey, Membership, Organization, User
from faceplatform.accounts.policy import Action
from faceplatform.accounts.principal import Principal
from faceplatform.accounts.services.keys import revoke_key
from faceplatform.accounts.sessions import principal_of
from faceplatform.admin.base import Allowed, ScopedAdmin
from faceplatform.core.errors import Conflict

SECTION = "Team"


class OrganizationAdmin(ScopedAdmin):
    """The organization that the person is in."""

    allowed = Allowed(view=Action.ORGANIZATION_VIEW)
    section = SECTION
    icon = "domain"
    list_display = ("name", "created_at")
    fields = ("name", "created_at", "id")
    ordering = ("name",)

    def rows(self, principal: Principal, organization_id: UUID) -> QuerySet[Any]:
        """Return the one organization."""
        return Organization.objects.filter(pk=organization_id)


class MembershipAdmin(ScopedAdmin):
    """Who belongs to the organization, and as what."""

    allowed = Allowed(view=Action.MEMBER_VIEW)
    section = SECTION
    icon = "badge"
    list_display = ("user", "shown_role", "created_at")
    list_filter = ("role",)
    list_select_related = ("user", "organization")
    search_fields = ("user__email", "user__name")
    search_help_text = "Name or e-mail address"
    fields = ("user", "shown_role", "organization", "created_at")
    ordering = ("user__email",)

    def rows(self, principal: Principal, organization_id: UUID) -> QuerySet[Any]:
        """Return the organization's memberships."""
        return Membership.objects.filter(organization_id=organization_id)

    @display(description="Role", ordering="role", label=True)
    def shown_role(self, obj: Membership) -> str:
        """Return the role in the word people see."""
        return str(obj.get_role_display())


class UserAdmin(ScopedAdmin):
    """Accounts of the organization's members."""

    allowed = Allowed(view=Action.MEMBER_VIEW)
    section = SECTION
    icon = "person"
    list_display = ("email", "name", "is_staff", "is_active", "last_login")
    list_filter = ("is_staff", "is_active")
    search_fields = ("email", "name")
    search_help_text = "Name or e-mail address"
    fields = ("email", "name", "is_staff", "is_active", "last_login", "date_joined")
    ordering = ("email",)

    def rows(self, principal: Principal, organization_id: UUID) -> QuerySet[Any]:
        """Return the people who belong to the organization."""
        members = Membership.objects.filter(organization_id=organization_id)
        return User.objects.filter(pk__in=members.values("user_id"))


class ApiKeyAdmin(ScopedAdmin):
    """Keys of programs. They are made where their secret can be shown once: in the settings."""

    allowed = Allowed(view=Action.KEY_MANAGE, bulk=Action.KEY_MANAGE)
    section = SECTION
    icon = "key"
    menu_title = "API keys"
    list_display = ("name", "prefix", "shown_scopes", "state", "created_by", "last_used_at")
    list_filter = ("expires_at", "revoked_at")
    list_select_related = ("created_by",)
    search_fields = ("name", "prefix", "created_by__email")
    search_help_text = "Name, prefix or maker"
    actions: ClassVar[list[str]] = ["revoke"]
    fields = (
        "name", "prefix", "shown_scopes", "state", "created_by", "created_at", "expires_at",
        "revoked_at", "last_used_at", "id",
    )  # fmt: skip
    ordering = ("-created_at",)

    @display(description="Scopes")
    def shown_scopes(self, obj: ApiKey) -> str:
        """Return what the key was made for."""
        return ", ".join(obj.scopes)

    @display(
        description="State",
        label={"active": "success", "expired": "warning", "revoked": "danger"},
    )
    def state(self, obj: ApiKey) -> str:
        """Return whether the key can be used."""
        return obj.state

    @action(description="Revoke selected keys", permissions=["bulk"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """End the ticked keys at once."""
        actor = principal_of(request).actor
        revoked = ended = 0
        for key in queryset:
            try:
                revoke_key(key=key, actor=actor)
                revoked += 1
            except Conflict:
                ended += 1
        if revoked:
            messages.success(request, f"Revoked: {revoked}.")
        if ended:
            messages.warning(request, f"Were revoked before: {ended}.")
