"""The only queries on embeddings.

Vectors are unit length, so the inner product is the cosine; pgvector's `<#>` is its negative.
Every query names gallery and model version: two versions are never compared.
"""

import uuid
from dataclasses import dataclass

import numpy as np
from django.db import connection
from pgvector import HalfVector

from recognition.models import FaceTemplate, Gallery
from recognition.vision.types import Floats

_SEARCH = """
    SELECT t.face_id, -(t.embedding <#> %s::halfvec) AS score
      FROM recognition_facetemplate t
     WHERE t.gallery_id = %s AND t.model_version_id = %s AND t.searchable
"""


@dataclass(frozen=True, slots=True)
class Match:
    """A stored face and its score against the probe, -1 to 1, higher is closer."""

    face_id: uuid.UUID
    score: float


def count_searchable(gallery: Gallery) -> int:
    """Return how many templates a search of the gallery compares with."""
    return FaceTemplate.objects.filter(
        gallery=gallery, model_version_id=gallery.model_version_id, searchable=True
    ).count()


def nearest(gallery: Gallery, embedding: Floats, *, limit: int) -> list[Match]:
    """Return the `limit` stored faces with the highest scores, best first (exact search)."""
    sql = f"{_SEARCH} ORDER BY t.embedding <#> %s::halfvec, t.id LIMIT %s"
    vector = _vector(embedding)
    return _matches(
        sql, [vector, gallery.pk, gallery.model_version_id, vector, limit]
    )


def at_least(gallery: Gallery, embedding: Floats, *, score: float) -> list[Match]:
    """Return every stored face with at least this score, best first."""
    sql = (
        f"{_SEARCH} AND -(t.embedding <#> %s::halfvec) >= %s"
        " ORDER BY t.embedding <#> %s::halfvec, t.id"
    )
    vector = _vector(embedding)
    return _matches(
        sql, [vector, gallery.pk, gallery.model_version_id, vector, score, vector]
    )


def of_identity(gallery: Gallery, identity_id: uuid.UUID, embedding: Floats) -> list[Match]:
    """Return every searchable face of one person with its score, best first."""
    sql = f"""
        {_SEARCH} AND t.face_id IN
            (SELECT id FROM recognition_faceimage WHERE identity_id = %s)
         ORDER BY t.embedding <#> %s::halfvec, t.id
    """
    vector = _vector(embedding)
    return _matches(
        sql, [vector, gallery.pk, gallery.model_version_id, identity_id, vector]
    )


def _vector(embedding: Floats) -> str:
    return HalfVector(np.asarray(embedding, np.float32)).to_text()


def _matches(sql: str, parameters: list[object]) -> list[Match]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return [Match(face_id=row[0], score=float(row[1])) for row in cursor.fetchall()]
