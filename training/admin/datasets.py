"""Datasets in the admin."""

from collections.abc import Iterable
from typing import Any

from django.utils.safestring import SafeString
from unfold.decorators import display

from faceplatform.accounts.policy import Action
from faceplatform.admin.base import Allowed, ScopedAdmin
from faceplatform.admin.columns import pretty
from faceplatform.core.actors import Actor
from training.models import Dataset, Evaluation
from training.services.datasets import delete_dataset


class DatasetAdmin(ScopedAdmin):
    """Frozen, so there is nothing to change; deleted by the service."""

    allowed = Allowed(
        view=Action.DATASET_VIEW, delete=Action.DATASET_DELETE, bulk=Action.DATASET_DELETE
    )
    section = "Measuring"
    icon = "dataset"
    list_display = ("name", "images", "identities", "split_kind", "short_digest", "created_at")
    list_filter = ("split_kind", "input_kind")
    search_fields = ("name", "description", "digest")
    search_help_text = "Name, description or digest"
    ordering = ("-pk",)
    fieldsets = (
        (None, {"fields": ("name", "description", "images", "identities")}),
        ("How", {"fields": ("chosen", "input_kind", "split_kind", "seed", "digest")}),
        ("Between the parts", {"fields": ("found",)}),
        ("Record", {"fields": ("created_by", "created_at", "id")}),
    )

    @display(description="Digest", ordering="digest")
    def short_digest(self, obj: Dataset) -> str:
        """Return the beginning of the digest."""
        return obj.digest[:12]

    @display(description="Chosen by")
    def chosen(self, obj: Dataset) -> SafeString:
        """Return the filters."""
        return pretty(obj.filters)

    @display(description="Leaks")
    def found(self, obj: Dataset) -> SafeString:
        """Return how much two parts share."""
        leaks = obj.leaks or {}
        return pretty({key: leaks.get(key) for key in ("bytes", "near_total")} if leaks else {})

    def erase(self, obj: Any, actor: Actor) -> None:
        """Delete by the service."""
        delete_dataset(dataset=obj, actor=actor)

    def consequences(self, rows: Iterable[Any]) -> dict[str, int]:
        """Return what is deleted with the datasets."""
        return {"evaluations": Evaluation.objects.filter(dataset__in=list(rows)).count()}
