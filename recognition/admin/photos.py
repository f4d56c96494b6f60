"""Photos in the admin: to look at. They go when nobody in them is left."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils.safestring import SafeString
from unfold.decorators import display

from faceplatform.accounts.policy import Action
from faceplatform.accounts.principal import Principal
from faceplatform.admin.base import Allowed, ScopedAdmin
from faceplatform.admin.columns import count_of
from recognition.admin.pictures import MOST_FACES, SMALL, face_grid, picture
from recognition.models import FaceImage, Photo, Probe
from recognition.services.pictures import SCREEN_SIDE


class PhotoAdmin(ScopedAdmin):
    """Stored pictures and the faces in them."""

    allowed = Allowed(view=Action.PICTURE_VIEW)
    section = "People and pictures"
    icon = "image"
    list_display = ("preview", "original_path", "face_count", "pixels", "kilobytes", "created_at")
    list_display_links = ("preview", "original_path")
    list_filter = ("media_type", "created_at")
    search_fields = ("original_path", "sha256")
    search_help_text = "Path or sha256"
    ordering = ("-pk",)
    fieldsets = (
        (None, {"fields": ("large", "faces_in_it")}),
        ("File", {"fields": ("original_path", "media_type", "pixels", "kilobytes", "sha256")}),
        ("Record", {"fields": ("face_count", "probe_count", "created_at", "id")}),
    )

    def rows(self, principal: Principal, organization_id: UUID) -> QuerySet[Any]:
        """Return photos with the number of faces and probes that need them."""
        return super().rows(principal, organization_id).annotate(
            faces_counted=count_of(FaceImage.objects.visible_to(principal), "photo"),
            probes_counted=count_of(Probe.objects.visible_to(principal), "photo"),
        )  # fmt: skip

    @display(description="Picture")
    def preview(self, obj: Any) -> SafeString:
        """Return the photo, small."""
        return picture(obj.asked_by, kind="thumb", side=SMALL, photo_id=obj.pk)

    @display(description="Picture")
    def large(self, obj: Any) -> SafeString:
        """Return the photo as large as a screen."""
        return picture(obj.asked_by, kind="screen", side=SCREEN_SIDE, photo_id=obj.pk)

    @display(description="Faces in it")
    def faces_in_it(self, obj: Any) -> SafeString:
        """Return the faces that galleries have of this photo."""
        rows = FaceImage.objects.visible_to(obj.asked_by).filter(photo=obj)
        return face_grid(obj, rows.order_by("pk")[:MOST_FACES])

    @display(description="Faces")
    def face_count(self, obj: Any) -> str:
        """Return how many faces of galleries are in it."""
        return f"{obj.faces_counted:,}"

    @display(description="Probes")
    def probe_count(self, obj: Any) -> str:
        """Return how many questions were asked with it."""
        return f"{obj.probes_counted:,}"

    @display(description="Pixels")
    def pixels(self, obj: Photo) -> str:
        """Return width and height of the upright picture."""
        return f"{obj.width} × {obj.height}"

    @display(description="Size", ordering="size")
    def kilobytes(self, obj: Photo) -> str:
        """Return the size of the file."""
        return f"{obj.size / 1024:,.0f} KiB"
