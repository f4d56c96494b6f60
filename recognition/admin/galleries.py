"""Galleries in the admin."""

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
from faceplatform.admin.columns import count_of
from faceplatform.core.actors import Actor
from recognition.admin.filters import ModelVersionFilter
from recognition.admin.pictures import crop
from recognition.models import FaceImage, FaceState, FaceTemplate, Gallery, Identity, Probe
from recognition.services import galleries

FACTS = ("model_version", "default_threshold", "identities", "images", "in_review", "templates")


class GalleryAdmin(ScopedAdmin):
    """Written through `services.galleries`."""

    allowed = Allowed(
        view=Action.GALLERY_VIEW,
        add=Action.GALLERY_CREATE,
        change=Action.GALLERY_CHANGE,
        delete=Action.GALLERY_DELETE,
        bulk=Action.GALLERY_DELETE,
    )
    section = "People and pictures"
    icon = "photo_library"
    list_display = (
        "cover", "name", "identities", "images", "in_review", "templates", "searchable",
        "created_at",
    )  # fmt: skip
    list_display_links = ("cover", "name")
    list_filter = ("searchable", ModelVersionFilter)
    search_fields = ("name", "description")
    search_help_text = "Name or description"
    ordering = ("name",)
    editable = ("name", "description", "searchable", "probe_days")
    fieldsets = (
        (None, {"fields": ("name", "description", "searchable", "probe_days")}),
        ("In it", {"fields": FACTS}),
        ("Record", {"fields": ("created_by", "created_at", "id")}),
    )
    add_fieldsets = ((None, {"fields": ("name", "description", "probe_days")}),)

    def rows(self, principal: Principal, organization_id: UUID) -> QuerySet[Any]:
        """Return galleries with their counts and best picture."""
        faces = FaceImage.objects.visible_to(principal)
        best = faces.filter(gallery=OuterRef("pk"), state=FaceState.ENROLLED).order_by("-quality")
        return super().rows(principal, organization_id).annotate(
            cover_id=Subquery(best.values("pk")[:1]),
            identity_count=count_of(Identity.objects.visible_to(principal), "gallery"),
            image_count=count_of(faces.filter(state=FaceState.ENROLLED), "gallery"),
            review_count=count_of(faces.filter(state=FaceState.QUARANTINED), "gallery"),
            template_count=count_of(FaceTemplate.objects.all(), "gallery"),
        )  # fmt: skip

    @display(description="Cover")
    def cover(self, obj: Any) -> SafeString:
        """Return the best face of the gallery."""
        return crop(obj, obj.cover_id)

    @display(description="Identities")
    def identities(self, obj: Any) -> str:
        """Return how many people are in it."""
        return f"{obj.identity_count:,}"

    @display(description="Enrolled images")
    def images(self, obj: Any) -> str:
        """Return how many face images are enrolled."""
        return f"{obj.image_count:,}"

    @display(description="In review")
    def in_review(self, obj: Any) -> str:
        """Return how many face images wait for a decision."""
        return f"{obj.review_count:,}"

    @display(description="Templates")
    def templates(self, obj: Any) -> str:
        """Return how many templates there are, of any model version."""
        return f"{obj.template_count:,}"

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Create or change by the service."""
        principal = principal_of(request)
        values = {name: form.cleaned_data[name] for name in form.cleaned_data}
        if change:
            stored = Gallery.objects.visible_to(principal).get(pk=obj.pk)
            changed = {name: values[name] for name in form.changed_data}
            galleries.change_gallery(gallery=stored, actor=principal.actor, **changed)
        elif principal.organization_id is not None:
            made = galleries.create_gallery(
                organization_id=principal.organization_id, actor=principal.actor, **values
            )
            obj.pk = made.pk

    def erase(self, obj: Any, actor: Actor) -> None:
        """Erase by the service."""
        galleries.delete_gallery(gallery=obj, actor=actor)

    def consequences(self, rows: Iterable[Any]) -> dict[str, int]:
        """Return what is erased with the galleries."""
        chosen = list(rows)
        return {
            "identities": Identity.objects.filter(gallery__in=chosen).count(),
            "face images": FaceImage.objects.filter(gallery__in=chosen).count(),
            "probes": Probe.objects.filter(gallery__in=chosen).count(),
        }
