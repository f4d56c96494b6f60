"""Cohorts of galleries in this process's memory, and the statistics of templates against them."""

import threading
from collections import OrderedDict
from collections.abc import Iterable
from uuid import UUID

import numpy as np

from recognition.models import Cohort, FaceTemplate, Gallery, TemplateNorm
from recognition.selectors import templates
from recognition.selectors.score_kinds import ActiveCohort, active_cohorts
from recognition.vision.scoring import COHORT_DROP, CohortStatistics, cohort_statistics
from recognition.vision.types import Floats

_KEPT = 16  # cohorts in memory; one has at most 2,000 x 512 x 4 bytes
_LEAST = COHORT_DROP + 3

_matrices: "OrderedDict[int, tuple[int, Floats]]" = OrderedDict()
_lock = threading.Lock()


def statistics(cohort: ActiveCohort | None, embeddings: Floats) -> CohortStatistics | None:
    """Return mean and deviation of embeddings (n, d) against a cohort, None without a usable one.

    Members that were erased are no longer in the matrix: their number is part of the key.
    """
    if cohort is None or cohort.members < _LEAST:
        return None
    matrix = _matrix(cohort)
    if len(matrix) < _LEAST:
        return None
    return cohort_statistics(np.asarray(embeddings, np.float32), matrix)


def store_norms(gallery: Gallery, created: Iterable[FaceTemplate]) -> None:
    """Measure new templates against the active cohorts of their versions.

    Call it in the transaction that made the templates.
    """
    if not gallery.score_kind.endswith("normalised"):
        return
    cohorts = active_cohorts(gallery)
    by_version: dict[UUID, list[FaceTemplate]] = {}
    for template in created:
        by_version.setdefault(template.model_version_id, []).append(template)
    for version_id, rows in by_version.items():
        cohort = cohorts.get(version_id)
        vectors = np.stack([np.asarray(row.embedding, np.float32) for row in rows])
        measured = statistics(cohort, vectors)
        if cohort is not None and measured is not None:
            write_norms(cohort.id, [row.pk for row in rows], measured)


def write_norms(cohort_id: int, template_ids: list[int], measured: CohortStatistics) -> None:
    """Store statistics; rows that are there already stay."""
    TemplateNorm.objects.bulk_create(
        (
            TemplateNorm(
                cohort_id=cohort_id, template_id=pk, mean=float(mean), deviation=float(deviation)
            )
            for pk, mean, deviation in zip(
                template_ids, measured.mean, measured.deviation, strict=True
            )
        ),
        ignore_conflicts=True,
    )


def _matrix(cohort: ActiveCohort) -> Floats:
    with _lock:
        kept = _matrices.get(cohort.id)
        if kept is not None and kept[0] == cohort.members:
            _matrices.move_to_end(cohort.id)
            return kept[1]
    matrix = templates.cohort_vectors(Cohort(pk=cohort.id))
    with _lock:
        _matrices[cohort.id] = (cohort.members, matrix)
        while len(_matrices) > _KEPT:
            _matrices.popitem(last=False)
    return matrix
