"""The only queries on embeddings.

Vectors are unit length, so the inner product is the cosine; pgvector's `<#>` is its negative.
Every query names gallery and model version: two versions are never compared.
"""

import uuid
from dataclasses import dataclass

import numpy as np
from django.db import connection
from django.db.models import F, QuerySet
from numpy.typing import NDArray
from pgvector import HalfVector

from recognition.metrics import SEARCH_SECONDS
from recognition.models import FaceTemplate, Gallery
from recognition.models.template import VectorLength, VectorNorm
from recognition.vision.types import Floats

_SELECT = """
    SELECT t.face_id, -(t.embedding <#> %(probe)s::halfvec) AS score
      FROM recognition_facetemplate t
     WHERE t.gallery_id = %(gallery)s AND t.model_version_id = %(version)s AND t.searchable
"""
_ORDER = " ORDER BY t.embedding <#> %(probe)s::halfvec, t.id"
_NEAREST = _SELECT + _ORDER + " LIMIT %(limit)s"
_AT_LEAST = _SELECT + " AND -(t.embedding <#> %(probe)s::halfvec) >= %(score)s" + _ORDER
_OF_IDENTITY = (
    _SELECT  # noqa: S608  constants only; values are bound
    + " AND t.face_id IN (SELECT id FROM recognition_faceimage WHERE identity_id = %(identity)s)"
    + _ORDER
)
_VECTORS = """
    SELECT t.face_id, halfvec_send(t.embedding)
      FROM recognition_facetemplate t JOIN recognition_faceimage f ON f.id = t.face_id
     WHERE t.gallery_id = %(gallery)s AND t.model_version_id = %(version)s
       AND f.identity_id IS NOT NULL AND f.state <> 'rejected'
     ORDER BY t.id
"""

Vectors = NDArray[np.float16]

_CENTROID_LENGTH = """
    SELECT vector_norm(avg(t.embedding::vector))
      FROM recognition_facetemplate t JOIN recognition_faceimage f ON f.id = t.face_id
     WHERE f.identity_id = %s AND t.gallery_id = %s AND t.model_version_id = %s AND t.searchable
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
    return _search(_NEAREST, gallery, embedding, limit=limit)


def at_least(gallery: Gallery, embedding: Floats, *, score: float) -> list[Match]:
    """Return every stored face with at least this score, best first."""
    return _search(_AT_LEAST, gallery, embedding, score=score)


def of_identity(gallery: Gallery, identity_id: uuid.UUID, embedding: Floats) -> list[Match]:
    """Return every searchable face of one person with its score, best first."""
    return _search(_OF_IDENTITY, gallery, embedding, identity=identity_id)


def centroid_length(gallery: Gallery, identity_id: uuid.UUID) -> float | None:
    """Return the length of the mean of a person's searchable templates, 0..1; None without any."""
    with connection.cursor() as cursor:
        cursor.execute(_CENTROID_LENGTH, [identity_id, gallery.pk, gallery.model_version_id])
        length = cursor.fetchone()[0]
    return None if length is None else float(length)


def vectors_of(gallery: Gallery, face_ids: list[uuid.UUID]) -> tuple[list[uuid.UUID], Floats]:
    """Return the ids of those of these faces that have a template, and float32 (N, d) of them."""
    rows = FaceTemplate.objects.filter(
        gallery=gallery, model_version_id=gallery.model_version_id, face_id__in=face_ids
    ).order_by("pk")
    ids: list[uuid.UUID] = []
    vectors = np.zeros((len(face_ids), gallery.model_version.dimension), np.float32)
    for number, (face_id, embedding) in enumerate(rows.values_list("face_id", "embedding")):
        ids.append(face_id)
        vectors[number] = embedding
    return ids, vectors[: len(ids)]


def stored_vectors(gallery: Gallery) -> tuple[list[uuid.UUID], Vectors]:
    """Return all templates of a gallery's people that are enrolled or in quarantine.

    The ids of the faces and float16 (N, d) in the same order, two bytes a number: 300 MB for
    300,000 templates of 512 numbers.
    """
    ids: list[uuid.UUID] = []
    parts: list[bytes] = []
    with connection.cursor() as cursor:
        cursor.execute(_VECTORS, {"gallery": gallery.pk, "version": gallery.model_version_id})
        while rows := cursor.fetchmany(2000):
            ids.extend(row[0] for row in rows)
            # halfvec_send: int16 dimension, int16 unused, then big-endian halves
            parts.append(b"".join(bytes(row[1])[4:] for row in rows))
    vectors = np.frombuffer(b"".join(parts), dtype=">f2").astype(np.float16)
    return ids, vectors.reshape(len(ids), gallery.model_version.dimension)


def malformed() -> "QuerySet[FaceTemplate]":
    """Return templates whose length is not their version's, or whose norm is not about 1."""
    measured = FaceTemplate.objects.annotate(
        length=VectorLength(F("embedding")), norm=VectorNorm(F("embedding"))
    )
    return measured.exclude(length=F("model_version__dimension"), norm__range=(0.99, 1.01))


def _search(
    sql: str, gallery: Gallery, embedding: Floats, **more: float | uuid.UUID
) -> list[Match]:
    parameters = {
        "probe": HalfVector(np.asarray(embedding, np.float32)).to_text(),
        "gallery": gallery.pk,
        "version": gallery.model_version_id,
        **more,
    }
    with SEARCH_SECONDS.time(), connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return [Match(face_id=row[0], score=float(row[1])) for row in cursor.fetchall()]
