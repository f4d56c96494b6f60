"""People in the admin."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.decorators import display

from faceplatform.accounts.policy import Action
from faceplatform.accounts.principal import Principal
from faceplatform.accounts.sessions import principal_of
from faceplatform.admin.base import Allowed, ScopedAdmin
from faceplatform.admin.columns import count_of, pretty
from faceplatform.core.actors import Actor
from recognition.admin.filters import GalleryFilter
from recognition.admin.pictures import MOST_FACES, crop, face_grid
from recognition.models import FaceImage, FaceState, FaceTemplate, Identity
from recognition.services import identities


class IdentityAdmin(ScopedAdmin):
    """Written through `services.identities`; people are added where their pictures are."""

    allowed = Allowed(
        view=Action.IDENTITY_VIEW,
        change=Action.IDENTITY_CHANGE,
        delete=Action.IDENTITY_ERASE,
        bulk=Action.IDENTITY_ERASE,
    )
    section = "People and pictures"
    icon = "groups"
    delete_label = "Erase"
    list_display = ("cover", "name", "gallery", "images", "external_id", "shown_tags", "created_at")
    list_display_links = ("cover", "name")
    list_select_related = ("gallery",)
    list_filter = (GalleryFilter, "created_at")
    search_fields = ("name", "external_id")
    search_help_text = "Name or external id"
    ordering = ("name", "pk")
    editable = ("name", "external_id", "tags", "notes")
    fieldsets = (
        (None, {"fields": ("name", "external_id", "tags", "notes", "gallery")}),
        ("Images", {"fields": ("images", "templates", "faces")}),
        ("Record", {"fields": ("shown_metadata", "created_at", "id")}),
    )

    def rows(self, principal: Principal, organization_id: UUID) -> QuerySet[Any]:
        """Return people with the number of their images and the best one."""
        enrolled = FaceImage.objects.visible_to(principal).filter(state=FaceState.ENROLLED)
        best = enrolled.filter(identity=OuterRef("pk")).order_by("-quality")
        return super().rows(principal, organization_id).annotate(
            cover_id=Subquery(best.values("pk")[:1]),
            image_count=count_of(enrolled, "identity"),
        )  # fmt: skip

    @display(description="Best image")
    def cover(self, obj: Any) -> SafeString:
        """Return the best face of the person."""
        return crop(obj, obj.cover_id)

    @display(description="Enrolled images")
    def images(self, obj: Any) -> str:
        """Return how many face images are enrolled."""
        return f"{obj.image_count:,}"

    @display(description="Tags")
    def shown_tags(self, obj: Identity) -> str:
        """Return the tags."""
        return ", ".join(obj.tags)

    @display(description="Templates")
    def templates(self, obj: Any) -> str:
        """Return how many templates the person's images have."""
        return f"{FaceTemplate.objects.filter(face__identity=obj).count():,}"

    @display(description="Pictures")
    def faces(self, obj: Any) -> SafeString:
        """Return the person's images, best first."""
        rows = FaceImage.objects.visible_to(obj.asked_by).filter(identity=obj)
        return face_grid(obj, rows.order_by("-quality")[:MOST_FACES])

    @display(description="Metadata")
    def shown_metadata(self, obj: Any) -> SafeString:
        """Return what programs keep about the person."""
        return pretty(obj.metadata)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Change by the service, which compares with what is stored."""
        principal = principal_of(request)
        stored = Identity.objects.visible_to(principal).get(pk=obj.pk)
        changed = {name: form.cleaned_data[name] for name in form.changed_data}
        identities.change_identity(identity=stored, actor=principal.actor, **changed)

    def erase(self, obj: Any, actor: Actor) -> None:
        """Erase by the service."""
        identities.erase_identity(identity=obj, actor=actor)

    def consequences(self, rows: Iterable[Any]) -> dict[str, int]:
        """Return what is erased with the people."""
        chosen = list(rows)
        return {
            "face images": FaceImage.objects.filter(identity__in=chosen).count(),
            "templates": FaceTemplate.objects.filter(face__identity__in=chosen).count(),
        }
