"""What an applied evaluation says: thresholds, strangers, and whether it still holds."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db import connection

from recognition.models import Gallery, GalleryThreshold
from recognition.selectors.templates import count_searchable
from recognition.vision.types import Floats

RULE_OF_THREE = 3.0
"""No error among n searches: the rate is below 3/n, 95 times in 100."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """The applied threshold of a gallery and why it may no longer hold, in sentences."""

    threshold: GalleryThreshold
    warnings: tuple[str, ...]


def active_threshold(gallery: Gallery) -> GalleryThreshold | None:
    """Return the applied threshold that belongs to the gallery's present model, if any."""
    return GalleryThreshold.objects.filter(
        gallery=gallery, active=True, model_version_id=gallery.model_version_id
    ).first()


def evidence_of(gallery: Gallery) -> Evidence | None:
    """Return the threshold that was applied, also one of another model, with what has changed."""
    row = GalleryThreshold.objects.filter(gallery=gallery, active=True).first()
    if row is None:
        return None
    if row.model_version_id != gallery.model_version_id:
        said = "The gallery has another model since; until a new evaluation the default is used."
        return Evidence(row, (said,))
    if row.score_kind != gallery.score_kind:
        said = "The gallery compares by another kind of score since; the default is used."
        return Evidence(row, (said,))
    if row.fingerprint == gallery_fingerprint(gallery):
        return Evidence(row, ())
    now = count_searchable(gallery)
    if now == row.templates:
        said = "Images or their people have changed since the evaluation."
    else:
        said = f"The gallery had {row.templates:,} searchable images then and has {now:,} now."
    return Evidence(row, (said,))


def gallery_fingerprint(gallery: Gallery) -> str:
    """Return a digest of who is searchable: it changes with any image, person or model."""
    sql = """
        SELECT md5(%s || coalesce(string_agg(t.face_id::text || f.identity_id::text, ','
                                             ORDER BY t.face_id), ''))
          FROM recognition_facetemplate t JOIN recognition_faceimage f ON f.id = t.face_id
         WHERE t.gallery_id = %s AND t.model_version_id = %s AND t.searchable
    """
    version = gallery.model_version_id
    with connection.cursor() as cursor:
        cursor.execute(sql, [str(version), gallery.pk, version])
        return str(cursor.fetchone()[0])


def stranger_share(row: GalleryThreshold, score: float) -> tuple[float, bool]:
    """Return the share of strangers whose search of this gallery reaches `score`, 0 to 1.

    Measured searches are used where there are any; else the comparisons, as if the gallery's
    templates were independent. The second value is True where nothing reached the score and the
    share is only a bound (rule of three).
    """
    if row.strangers:
        return _share(row.strangers, score)
    share, bounded = _share(row.nonmated, score)
    return float(-np.expm1(row.templates * np.log1p(-min(share, 1.0 - 1e-12)))), bounded


def _share(histogram: dict[str, Any], score: float) -> tuple[float, bool]:
    """Share of a packed histogram's counts in bins that lie at or above the score."""
    counts: Floats = np.asarray(histogram["counts"], np.float64)
    total = float(counts.sum())
    position = (score + 1.0) / 2.0 * int(histogram["bins"]) - int(histogram["first_bin"])
    above = float(counts[max(0, int(np.floor(position + 1e-9))) :].sum())
    if total == 0:
        return 1.0, True
    if above == 0:
        return min(1.0, RULE_OF_THREE / total), True
    return above / total, False
