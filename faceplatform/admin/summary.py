"""The admin's first page: counts and states, and no row of anybody.

Staff see the figures of the organization they are in. A superuser sees those of all organizations,
and of other ones than their own neither names nor pictures: organizations go by their id there.
"""

import uuid
from collections import Counter
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, QuerySet
from django.http import HttpRequest

from faceplatform.accounts.models import Organization
from faceplatform.accounts.policy import Action, allows
from faceplatform.accounts.principal import Principal
from faceplatform.accounts.sessions import principal_of
from faceplatform.core.models import Job, JobState
from recognition.models import FaceImage, FaceState, FaceTemplate, Gallery, Identity, Photo


@dataclass(frozen=True, slots=True)
class Figures:
    """What is in an organization: `counts` in the order of `_counted`, `jobs` in that of JobState.

    `name` is empty unless the one who looks is in it.
    """

    organization_id: uuid.UUID
    name: str
    counts: tuple[int, ...]
    jobs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class TemplateCount:
    """How many templates a gallery has under one model version."""

    gallery: str
    model_version: str
    templates: int
    in_service: bool


def add_summary(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add the figures to the context of the admin's first page."""
    principal = principal_of(request)
    return context | {
        "headings": list(_counted()),
        "states": [state.label for state in JobState],
        "figures": figures_for(principal),
        "template_counts": template_counts(principal),
        "sees_all": principal.user is not None and principal.user.is_superuser,
    }


def figures_for(principal: Principal) -> list[Figures]:
    """Return the figures of the principal's organization, first, and of all for a superuser."""
    own = principal.organization
    ids = [own.pk] if own is not None else []
    if principal.user is not None and principal.user.is_superuser:
        others = Organization.objects.exclude(pk__in=ids).order_by("pk")
        ids += others.values_list("pk", flat=True)
    counts = [_per_organization(rows, ids) for rows in _counted().values()]
    jobs = [_per_organization(Job.objects.filter(state=state), ids) for state in JobState]
    return [
        Figures(
            organization_id=pk,
            name=own.name if own is not None and own.pk == pk else "",
            counts=tuple(count[pk] for count in counts),
            jobs=tuple(count[pk] for count in jobs),
        )
        for pk in ids
    ]


def template_counts(principal: Principal) -> list[TemplateCount]:
    """Return the templates of the principal's galleries by model version."""
    if principal.organization is None or not allows(principal, Action.GALLERY_VIEW):
        return []
    counted = (
        FaceTemplate.objects.filter(organization=principal.organization)
        .values_list(
            "gallery__name", "model_version__name", "model_version_id", "gallery__model_version_id"
        )
        .annotate(number=Count("pk"))
        .order_by("gallery__name", "model_version__name", "model_version_id")
    )
    return [
        TemplateCount(gallery, version, number, made_with == serving)
        for gallery, version, made_with, serving, number in counted
    ]


def _counted() -> dict[str, QuerySet[Any]]:
    """Return what is counted, by its heading."""
    return {
        "Galleries": Gallery.objects.all(),
        "Identities": Identity.objects.all(),
        "Images": FaceImage.objects.filter(state=FaceState.ENROLLED),
        "In review": FaceImage.objects.filter(state=FaceState.QUARANTINED),
        "Photos": Photo.objects.all(),
        "Templates": FaceTemplate.objects.all(),
    }


def _per_organization(rows: QuerySet[Any], ids: list[uuid.UUID]) -> Counter[uuid.UUID]:
    chosen = rows.filter(organization_id__in=ids).order_by()
    return Counter(dict(chosen.values_list("organization_id").annotate(number=Count("pk"))))
