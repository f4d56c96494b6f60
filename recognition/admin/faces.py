"""Face images in the admin."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils.safestring import SafeString
from unfold.decorators import display

from faceplatform.accounts.policy import Action
from faceplatform.accounts.principal import Principal
from faceplatform.admin.base import Allowed, ScopedAdmin
from faceplatform.admin.columns import count_of, pretty
from faceplatform.core.actors import Actor
from recognition.admin.filters import GalleryFilter
from recognition.admin.pictures import crop
from recognition.models import FaceImage, FaceState, FaceTemplate
from recognition.services import identities
from recognition.services.pictures import CROP_SIDE

STATE_COLOURS = {
    FaceState.ENROLLED.label: "success",
    FaceState.QUARANTINED.label: "warning",
    FaceState.REJECTED.label: "danger",
}


class FaceImageAdmin(ScopedAdmin):
    """Faces of galleries, with their quality; templates are counted only."""

    allowed = Allowed(
        view=Action.IDENTITY_VIEW,
        delete=Action.IDENTITY_CHANGE,
        bulk=Action.IDENTITY_CHANGE,
    )
    section = "People and pictures"
    icon = "face"
    list_display = (
        "preview", "identity", "gallery", "shown_state", "shown_quality", "path", "created_at",
    )  # fmt: skip
    list_display_links = ("preview",)
    list_select_related = ("identity", "gallery")
    list_filter = ("state", GalleryFilter, "reason", "detector", "created_at")
    search_fields = ("path", "identity__name", "identity__external_id")
    search_help_text = "Path, name or external id"
    ordering = ("-pk",)
    fieldsets = (
        (None, {"fields": ("large", "identity", "gallery", "shown_state", "reason")}),
        ("Where", {"fields": ("path", "photo", "box")}),
        (
            "How good",
            {"fields": ("shown_quality", "parts_of_quality", "detection", "detector")},
        ),
        ("Record", {"fields": ("templates", "created_at", "id")}),
    )

    def rows(self, principal: Principal, organization_id: UUID) -> QuerySet[Any]:
        """Return faces with the number of their templates."""
        counted = count_of(FaceTemplate.objects.all(), "face")
        return super().rows(principal, organization_id).annotate(template_count=counted)

    @display(description="Face")
    def preview(self, obj: Any) -> SafeString:
        """Return the face, small."""
        return crop(obj, obj.pk)

    @display(description="Face")
    def large(self, obj: Any) -> SafeString:
        """Return the face as pages show it."""
        return crop(obj, obj.pk, side=CROP_SIDE)

    @display(description="State", ordering="state", label=STATE_COLOURS)
    def shown_state(self, obj: FaceImage) -> str:
        """Return the state in the words of the pages."""
        return str(obj.get_state_display())

    @display(description="Quality", ordering="quality")
    def shown_quality(self, obj: FaceImage) -> str:
        """Return the overall quality, 0 to 1."""
        return f"{obj.quality:.2f}"

    @display(description="Detection")
    def detection(self, obj: FaceImage) -> str:
        """Return the detector's score."""
        return f"{obj.detection_score:.3f}"

    @display(description="Parts of it")
    def parts_of_quality(self, obj: FaceImage) -> SafeString:
        """Return what the quality is made of."""
        return pretty(obj.quality_parts)

    @display(description="Box")
    def box(self, obj: FaceImage) -> str:
        """Return where the face lies in its photo, in pixels."""
        return f"{obj.x1:.0f}, {obj.y1:.0f} to {obj.x2:.0f}, {obj.y2:.0f}"

    @display(description="Templates")
    def templates(self, obj: Any) -> str:
        """Return how many templates were made of it."""
        return f"{obj.template_count:,}"

    def erase(self, obj: Any, actor: Actor) -> None:
        """Delete by the service."""
        identities.delete_face(face=obj, actor=actor)

    def consequences(self, rows: Iterable[Any]) -> dict[str, int]:
        """Return what is deleted with the faces."""
        return {"templates": FaceTemplate.objects.filter(face__in=list(rows)).count()}
