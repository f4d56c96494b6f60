"""Versions that can serve a gallery."""

from typing import Any

from django.db.models import Q, QuerySet

from recognition.models import ModelVersion


def promotable(principal: Any) -> "QuerySet[ModelVersion]":
    """Return the versions that a gallery of the principal may be given.

    Those that embed by themselves: the platform's backbones and what the organization trained;
    ensembles only add up scores, see the kinds of score.
    """
    rows = ModelVersion.objects.visible_to(principal)
    return rows.filter(Q(ensemble_components=None) | Q(head__isnull=False)).distinct()
