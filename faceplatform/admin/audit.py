"""The audit log in the admin: to read; nobody adds, changes or deletes a line."""

from django.utils.safestring import SafeString
from unfold.decorators import display

from faceplatform.accounts.policy import Action
from faceplatform.admin.base import Allowed, ScopedAdmin
from faceplatform.admin.columns import pretty
from faceplatform.core.models import AuditEvent


class AuditEventAdmin(ScopedAdmin):
    """Who did what to whom."""

    allowed = Allowed(view=Action.AUDIT_VIEW)
    section = "Operation"
    icon = "history"
    list_display = ("when", "who", "action", "target_type", "target")
    list_filter = ("action", "target_type", "at")
    search_fields = ("actor_label", "action", "target_label", "target_id", "request_id")
    search_help_text = "Who, action, what it was done to, id or request"
    ordering = ("-pk",)
    fields = (
        "when", "who", "action", "target_type", "target", "target_id", "details", "request_id",
        "id",
    )  # fmt: skip

    @display(description="When (UTC)", ordering="pk")
    def when(self, obj: AuditEvent) -> str:
        """Return the time to the second."""
        return f"{obj.at:%Y-%m-%d %H:%M:%S}"

    @display(description="Who", ordering="actor_label")
    def who(self, obj: AuditEvent) -> str:
        """Return the person or key."""
        return obj.actor_label

    @display(description="To what", ordering="target_label")
    def target(self, obj: AuditEvent) -> str:
        """Return the name of what was changed, as it was then, its id where that was erased."""
        return obj.target_label or obj.target_id

    @display(description="Details")
    def details(self, obj: AuditEvent) -> SafeString:
        """Return what was recorded with the change."""
        return pretty(obj.data)
