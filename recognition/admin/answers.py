"""Answers and their decisions in the admin: to look at."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.decorators import display

from faceplatform.accounts.policy import Action
from faceplatform.accounts.principal import Principal
from faceplatform.admin.base import Allowed, ScopedAdmin
from faceplatform.admin.columns import count_of, pretty
from recognition.admin.filters import GalleryFilter
from recognition.admin.pictures import SMALL, picture
from recognition.models import Probe, ProbeFace


class ProbeAdmin(ScopedAdmin):
    """What was asked, and what was decided about every face."""

    allowed = Allowed(view=Action.PROBE_VIEW)
    section = "People and pictures"
    icon = "person_search"
    menu_title = "Answers"
    list_display = ("preview", "name", "gallery", "faces_counted", "named_counted", "created_at")
    list_display_links = ("preview", "name")
    list_select_related = ("gallery",)
    list_filter = (GalleryFilter, "created_at")
    search_fields = ("name",)
    search_help_text = "Name of the photo"
    ordering = ("-pk",)
    fieldsets = (
        (None, {"fields": ("preview", "name", "gallery", "page")}),
        ("Decisions", {"fields": ("decisions",)}),
        ("How", {"fields": ("model_version", "shown_threshold", "shown_settings")}),
        ("Record", {"fields": ("created_by", "created_at", "expires_at", "id")}),
    )

    def rows(self, principal: Principal, organization_id: UUID) -> QuerySet[Any]:
        """Return answers with the number of their faces, and of those that were named."""
        named = ProbeFace.objects.filter(decision="identified")
        return super().rows(principal, organization_id).annotate(
            face_count=count_of(ProbeFace.objects.all(), "probe"),
            named_count=count_of(named, "probe"),
        )  # fmt: skip

    @display(description="Photo")
    def preview(self, obj: Any) -> SafeString:
        """Return the photo, small, where it was kept."""
        return picture(obj.asked_by, kind="thumb", side=SMALL, photo_id=obj.photo_id)

    @display(description="Faces")
    def faces_counted(self, obj: Any) -> str:
        """Return how many faces were answered for."""
        return f"{obj.face_count:,}"

    @display(description="Named")
    def named_counted(self, obj: Any) -> str:
        """Return how many faces were given a name."""
        return f"{obj.named_count:,}"

    @display(description="Page")
    def page(self, obj: Probe) -> SafeString:
        """Return the way to the answer's page."""
        return format_html('<a href="{}">Open the answer</a>', reverse("probe", args=[obj.pk]))

    @display(description="Faces")
    def decisions(self, obj: Probe) -> SafeString:
        """Return a line for every face: decision, score, person and the way to the reasons."""
        faces = obj.faces.select_related("identity").order_by("number")
        lines = [
            (
                reverse("probe_decision", args=[obj.pk, face.number]),
                face.number,
                face.get_decision_display(),
                "" if face.score is None else f", score {face.score:.3f}",
                f", {face.identity.name}"
                if face.identity and face.decision == "identified"
                else "",
                ", reported as wrong" if face.reported_at else "",
            )
            for face in faces
        ]
        rows = format_html_join("", '<li><a href="{}">Face {}</a>: {}{}{}{}</li>', lines)
        return format_html("<ul>{}</ul>", rows) if lines else SafeString("No face")

    @display(description="Threshold")
    def shown_threshold(self, obj: Probe) -> SafeString:
        """Return the threshold with its source."""
        return pretty(obj.threshold)

    @display(description="Chosen for the question")
    def shown_settings(self, obj: Probe) -> SafeString:
        """Return how it was asked."""
        return pretty(obj.settings)
