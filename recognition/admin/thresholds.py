"""Evaluated thresholds in the admin: to look at."""

from unfold.decorators import display

from faceplatform.accounts.policy import Action
from faceplatform.admin.base import Allowed, ScopedAdmin
from recognition.admin.filters import GalleryFilter
from recognition.models import GalleryThreshold


class GalleryThresholdAdmin(ScopedAdmin):
    """What galleries decide by, and what they decided by before."""

    allowed = Allowed(view=Action.GALLERY_VIEW)
    section = "Measuring"
    icon = "speed"
    menu_title = "Thresholds"
    list_display = (
        "gallery", "value", "active", "target", "target_rate", "shown_fpir", "shown_misses",
        "created_at",
    )  # fmt: skip
    list_select_related = ("gallery",)
    list_filter = ("active", "target", GalleryFilter)
    ordering = ("-pk",)
    fieldsets = (
        (None, {"fields": ("gallery", "value", "active", "score_kind", "target", "target_rate")}),
        ("Expected", {"fields": ("shown_fpir", "shown_misses", "fmr", "supported", "templates")}),
        ("Evaluation", {"fields": ("evaluation_label", "evaluation", "evaluated_at")}),
        ("Record", {"fields": ("created_by", "created_at", "id")}),
    )

    @display(description="Strangers named", ordering="fpir")
    def shown_fpir(self, obj: GalleryThreshold) -> str:
        """Return the share of strangers named, with its interval."""
        return f"{obj.fpir:.2%} ({obj.fpir_low:.2%} to {obj.fpir_high:.2%})"

    @display(description="People missed", ordering="misses")
    def shown_misses(self, obj: GalleryThreshold) -> str:
        """Return the share of enrolled people missed, where it was measured."""
        return "" if obj.misses is None else f"{obj.misses:.2%}"
