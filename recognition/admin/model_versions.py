"""Model versions in the admin: to look at."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils.safestring import SafeString
from unfold.decorators import display

from faceplatform.accounts.policy import Action
from faceplatform.accounts.principal import Principal
from faceplatform.admin.base import Allowed, ScopedAdmin
from faceplatform.admin.columns import count_of, pretty
from recognition.models import FaceTemplate, Gallery, ModelVersion


class ModelVersionAdmin(ScopedAdmin):
    """Versions that come with the platform and those of the organization."""

    allowed = Allowed(view=Action.MODEL_VIEW)
    section = "Operation"
    icon = "neurology"
    list_display = (
        "name", "backbone", "origin", "galleries", "templates", "dimension", "short_digest",
        "created_at",
    )  # fmt: skip
    list_filter = ("backbone", "numeric_class")
    search_fields = ("name", "backbone", "digest")
    search_help_text = "Name, backbone or digest"
    ordering = ("name", "-pk")
    fieldsets = (
        (None, {"fields": ("name", "backbone", "origin", "galleries", "templates")}),
        ("What it is", {"fields": ("digest", "dimension", "numeric_class", "details")}),
        ("Record", {"fields": ("created_at", "id")}),
    )

    def rows(self, principal: Principal, organization_id: UUID) -> QuerySet[Any]:
        """Return versions with the organization's own galleries and templates under them."""
        own = FaceTemplate.objects.filter(organization_id=organization_id)
        return super().rows(principal, organization_id).annotate(
            gallery_count=count_of(Gallery.objects.visible_to(principal), "model_version"),
            template_count=count_of(own, "model_version"),
        )  # fmt: skip

    @display(description="Origin", label={"built in": "info", "own": "primary"})
    def origin(self, obj: ModelVersion) -> str:
        """Return whether the version came with the platform."""
        return "built in" if obj.organization_id is None else "own"

    @display(description="Galleries")
    def galleries(self, obj: Any) -> str:
        """Return how many of the organization's galleries use it."""
        return f"{obj.gallery_count:,}"

    @display(description="Templates")
    def templates(self, obj: Any) -> str:
        """Return how many of the organization's templates were made with it."""
        return f"{obj.template_count:,}"

    @display(description="Digest", ordering="digest")
    def short_digest(self, obj: ModelVersion) -> str:
        """Return the beginning of the digest."""
        return obj.digest[:12]

    @display(description="Specification")
    def details(self, obj: ModelVersion) -> SafeString:
        """Return preprocessing, weights, licence and training data."""
        return pretty(obj.specification)
