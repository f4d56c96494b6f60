"""Consents in the admin: to look at. They are recorded and withdrawn on a person's page."""

from unfold.decorators import display

from faceplatform.accounts.policy import Action
from faceplatform.admin.base import Allowed, ScopedAdmin
from recognition.models import Consent


class ConsentAdmin(ScopedAdmin):
    """Who agreed to what, until when, and where the proof lies."""

    allowed = Allowed(view=Action.IDENTITY_VIEW)
    section = "People and pictures"
    icon = "handshake"
    list_display = ("identity", "purpose", "given_on", "expires_on", "withdrawn", "created_at")
    list_select_related = ("identity",)
    list_filter = ("given_on", "expires_on", "withdrawn_at")
    search_fields = ("identity__name", "purpose", "evidence")
    search_help_text = "Name, purpose or proof"
    ordering = ("-pk",)
    fieldsets = (
        (None, {"fields": ("identity", "purpose", "given_on", "expires_on", "withdrawn_at")}),
        ("Proof", {"fields": ("evidence", "text")}),
        ("Record", {"fields": ("created_by", "created_at", "id")}),
    )

    @display(description="Withdrawn", boolean=True)
    def withdrawn(self, obj: Consent) -> bool:
        """Return whether it was taken back."""
        return obj.withdrawn_at is not None
