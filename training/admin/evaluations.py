"""Evaluations in the admin."""

from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display

from faceplatform.accounts.policy import Action
from faceplatform.admin.base import Allowed, ScopedAdmin
from faceplatform.core.actors import Actor
from recognition.admin.filters import GalleryFilter, ModelVersionFilter
from training.models import Evaluation
from training.services.evaluations import delete_evaluation


class EvaluationAdmin(ScopedAdmin):
    """What was measured; the report itself is read on its page."""

    allowed = Allowed(
        view=Action.EVALUATION_VIEW,
        delete=Action.EVALUATION_DELETE,
        bulk=Action.EVALUATION_DELETE,
    )
    section = "Measuring"
    icon = "monitoring"
    list_display = ("source", "protocol", "headline", "model_version", "created_at", "finished_at")
    list_display_links = ("source",)
    list_select_related = ("gallery", "dataset", "model_version")
    list_filter = ("protocol", GalleryFilter, ModelVersionFilter)
    ordering = ("-pk",)
    fieldsets = (
        (None, {"fields": ("source", "protocol", "part", "seed", "model_version")}),
        ("Found", {"fields": ("headline", "page")}),
        ("Record", {"fields": ("job", "created_by", "created_at", "finished_at", "id")}),
    )

    @display(description="Measured")
    def source(self, obj: Evaluation) -> str:
        """Return the name of the gallery or dataset."""
        return obj.source_name

    @display(description="Finding")
    def headline(self, obj: Evaluation) -> str:
        """Return the sentence that the report begins with."""
        return str((obj.report or {}).get("headline", ""))

    @display(description="Report")
    def page(self, obj: Evaluation) -> SafeString:
        """Return a link to the report's page."""
        return format_html('<a href="/evaluations/{}/">Open</a>', obj.pk)

    def erase(self, obj: Any, actor: Actor) -> None:
        """Delete by the service."""
        delete_evaluation(evaluation=obj, actor=actor)
