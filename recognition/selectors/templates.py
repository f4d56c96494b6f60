"""The only queries on embeddings.

Vectors are unit length, so the inner product is the cosine; pgvector's `<#>` is its negative.
Every query names gallery and model version: two versions are never compared.
"""

import math
import time
import uuid
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db import (
    DEFAULT_DB_ALIAS,
    OperationalError,
    connection,
    connections,
    router,
    transaction,
)
from django.db.models import F, QuerySet
from numpy.typing import NDArray
from pgvector import HalfVector
from psycopg import sql

from recognition.metrics import SEARCH_SECONDS
from recognition.models import Cohort, FaceImage, FaceTemplate, Gallery, ModelVersion
from recognition.models.template import VectorLength, VectorNorm
from recognition.selectors import replica
from recognition.vision.types import Floats

_SELECT = """
    SELECT t.face_id, -(t.embedding <#> %(probe)s::halfvec) AS score
      FROM recognition_facetemplate t
     WHERE t.gallery_id = %(gallery)s AND t.model_version_id = %(version)s AND t.searchable
"""
_ORDER = " ORDER BY t.embedding <#> %(probe)s::halfvec, t.id"
_NEAREST = _SELECT + _ORDER + " LIMIT %(limit)s"
_BY_INDEX = """
    SELECT t.face_id, -((t.embedding::halfvec({dimension})) <#> %(probe)s::halfvec({dimension}))
      FROM recognition_facetemplate t
     WHERE t.gallery_id = {gallery} AND t.model_version_id = {version} AND t.searchable
     ORDER BY (t.embedding::halfvec({dimension})) <#> %(probe)s::halfvec({dimension})
     LIMIT %(limit)s
"""
_AT_LEAST = _SELECT + " AND -(t.embedding <#> %(probe)s::halfvec) >= %(score)s" + _ORDER
_OF_IDENTITY = (
    _SELECT  # noqa: S608  constants only; values are bound
    + " AND t.face_id IN (SELECT id FROM recognition_faceimage WHERE identity_id = %(identity)s)"
    + _ORDER
)
_OF_ENROLLED = """
    SELECT t.face_id, -(t.embedding <#> %(probe)s::halfvec) AS score
      FROM recognition_facetemplate t JOIN recognition_faceimage f ON f.id = t.face_id
     WHERE t.gallery_id = %(gallery)s AND t.model_version_id = %(version)s
       AND f.identity_id = %(identity)s AND f.state = 'enrolled'
     ORDER BY score DESC, t.id
"""
_OF_FACES = _SELECT + " AND t.face_id = ANY(%(faces)s)" + _ORDER
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

_CENTROID_LENGTHS = """
    SELECT f.identity_id, vector_norm(avg(t.embedding::vector))
      FROM recognition_facetemplate t JOIN recognition_faceimage f ON f.id = t.face_id
     WHERE f.identity_id = ANY(%s) AND t.gallery_id = %s AND t.model_version_id = %s
       AND t.searchable
     GROUP BY f.identity_id
"""

_DESCRIBE = """
    SELECT t.face_id, -(t.embedding <#> %(probe)s::halfvec), n.mean, n.deviation,
           coalesce(abs((f.quality_parts->>'yaw')::float), 0)
      FROM recognition_facetemplate t
      JOIN recognition_faceimage f ON f.id = t.face_id
      LEFT JOIN recognition_templatenorm n ON n.template_id = t.id AND n.cohort_id = %(cohort)s
     WHERE t.gallery_id = %(gallery)s AND t.model_version_id = %(version)s
       AND t.face_id = ANY(%(faces)s)
"""
_TEMPLATES = """
    SELECT t.id, halfvec_send(t.embedding)
      FROM recognition_facetemplate t
"""
_OF_COHORT = (
    _TEMPLATES
    + """
      JOIN recognition_cohortmember m ON m.template_id = t.id
     WHERE m.cohort_id = %(cohort)s AND t.searchable
     ORDER BY t.id
"""
)
_OF_IDS = _TEMPLATES + " WHERE t.id = ANY(%(ids)s) ORDER BY t.id"
_UNMEASURED = (
    _TEMPLATES  # noqa: S608  constants only; values are bound
    + """
     WHERE t.gallery_id = %(gallery)s AND t.model_version_id = %(version)s AND NOT EXISTS (
               SELECT 1 FROM recognition_templatenorm n
                WHERE n.template_id = t.id AND n.cohort_id = %(cohort)s)
     ORDER BY t.id LIMIT %(limit)s
"""
)
_HEAD = 4  # bytes before the numbers in pgvector's binary form: dimension and a reserved field

LARGE = 10_000
_COUNT_SECONDS = 10.0
_counts: dict[tuple[uuid.UUID, uuid.UUID], tuple[int, float]] = {}


@dataclass(frozen=True, slots=True)
class Match:
    """A stored face and its score against the probe, -1 to 1, higher is closer."""

    face_id: uuid.UUID
    score: float


@dataclass(frozen=True, slots=True)
class Described:
    """A stored face's cosine with the probe, its cohort statistics and its yaw in degrees.

    `mean` and `deviation` are not numbers where the template has not been measured.
    """

    face_id: uuid.UUID
    score: float
    mean: float
    deviation: float
    yaw: float


def count_searchable(gallery: Gallery) -> int:
    """Return how many templates a search of the gallery compares with."""
    return FaceTemplate.objects.filter(
        gallery=gallery, model_version_id=gallery.model_version_id, searchable=True
    ).count()


def count_about(gallery: Gallery) -> int:
    """The same number, for large galleries up to some seconds old: counting takes its time."""
    key = (gallery.pk, gallery.model_version_id)
    now = time.monotonic()
    known = _counts.get(key)
    if known is not None and known[0] > LARGE and now - known[1] < _COUNT_SECONDS:
        return known[0]
    count = count_searchable(gallery)
    _counts[key] = (count, now)
    return count


def nearest(gallery: Gallery, embedding: Floats, *, limit: int) -> list[Match]:
    """Return the `limit` stored faces with the highest scores, best first (exact search)."""
    return _search(_NEAREST, gallery, embedding, limit=limit)


def nearest_by_index(
    gallery: Gallery, embedding: Floats, *, limit: int, ef_search: int
) -> list[Match]:
    """Return about the `limit` nearest faces through the gallery's HNSW index.

    The ids stand in the statement as literals: with bound ones PostgreSQL may choose a plan that
    does not know which partial index fits.
    """
    statement = sql.SQL(_BY_INDEX).format(
        gallery=sql.Literal(str(gallery.pk)),
        version=sql.Literal(str(gallery.model_version_id)),
        dimension=sql.Literal(gallery.model_version.dimension),
    )
    width = min(1000, max(ef_search, limit))
    return _matches(statement, {"probe": _text(embedding), "limit": limit}, ef_search=width)


def at_least(gallery: Gallery, embedding: Floats, *, score: float) -> list[Match]:
    """Return every stored face with at least this score, best first."""
    return _search(_AT_LEAST, gallery, embedding, score=score)


def of_identity(gallery: Gallery, identity_id: uuid.UUID, embedding: Floats) -> list[Match]:
    """Return every searchable face of one person with its score, best first."""
    return _search(_OF_IDENTITY, gallery, embedding, identity=identity_id)


def of_enrolled(gallery: Gallery, identity_id: uuid.UUID, embedding: Floats) -> list[Match]:
    """Return every enrolled face of one person, searchable or not, with its score, best first."""
    return _search(_OF_ENROLLED, gallery, embedding, identity=identity_id)


def of_identities(
    gallery: Gallery, identity_ids: Sequence[uuid.UUID], embedding: Floats
) -> tuple[dict[uuid.UUID, uuid.UUID], list[Match]]:
    """Return the owner of every searchable face of these people, and all with their scores."""
    owners = dict(
        FaceImage.objects.filter(
            identity__in=identity_ids, gallery=gallery, templates__searchable=True
        ).values_list("pk", "identity_id")
    )
    found = _search(_OF_FACES, gallery, embedding, faces=list(owners))
    return owners, found


def centroid_lengths(gallery: Gallery, identity_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, float]:
    """Return the length of the mean of each person's searchable templates, 0..1."""
    with connection.cursor() as cursor:
        cursor.execute(
            _CENTROID_LENGTHS, [list(identity_ids), gallery.pk, gallery.model_version_id]
        )
        return {row[0]: float(row[1]) for row in cursor.fetchall()}


def embedding_of(face: FaceImage) -> Floats | None:
    """Return a stored face's embedding under its gallery's version: float32 (d,), unit norm."""
    row = FaceTemplate.objects.filter(
        face=face, model_version_id=face.gallery.model_version_id
    ).first()
    if row is None:
        return None
    vector = np.asarray(row.embedding, np.float32)
    unit: Floats = vector / np.float32(np.linalg.norm(vector))
    return unit


def centroid_length(gallery: Gallery, identity_id: uuid.UUID) -> float | None:
    """Return the length of the mean of a person's searchable templates, 0..1; None without any."""
    with connection.cursor() as cursor:
        cursor.execute(_CENTROID_LENGTH, [identity_id, gallery.pk, gallery.model_version_id])
        length = cursor.fetchone()[0]
    return None if length is None else float(length)


def vectors_of_faces(gallery: Gallery, face_ids: list[uuid.UUID]) -> tuple[list[uuid.UUID], Floats]:
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


def describe(
    gallery: Gallery,
    version: ModelVersion,
    embedding: Floats,
    faces: Sequence[uuid.UUID],
    cohort_id: int | None,
) -> list[Described]:
    """Return what scoring needs of some faces under one version; faces without it are left out."""
    parameters: dict[str, Any] = {
        "probe": _text(embedding),
        "gallery": gallery.pk,
        "version": version.pk,
        "faces": list(faces),
        "cohort": cohort_id,
    }
    with connection.cursor() as cursor:
        cursor.execute(_DESCRIBE, parameters)
        return [
            Described(
                face,
                score,
                math.nan if mean is None else mean,
                math.nan if deviation is None else deviation,
                rest,
            )
            for face, score, mean, deviation, rest in cursor.fetchall()
        ]


def cohort_vectors(cohort: Cohort) -> Floats:
    """Return the templates of a cohort's members, float32 (n, d), searchable ones alone."""
    return _vectors(_OF_COHORT, {"cohort": cohort.pk})[1]


def vectors_of(template_ids: Sequence[int]) -> list[tuple[uuid.UUID, Floats]]:
    """Return faces and vectors of some templates, in the order of their ids."""
    faces = dict(FaceTemplate.objects.filter(pk__in=template_ids).values_list("pk", "face_id"))
    ids, vectors = _vectors(_OF_IDS, {"ids": list(template_ids)})
    return [(faces[pk], row) for pk, row in zip(ids, vectors, strict=True) if pk in faces]


def unmeasured(cohort: Cohort, *, limit: int) -> tuple[list[int], Floats]:
    """Return ids and vectors (n, d) of templates without statistics against the cohort."""
    return _vectors(
        _UNMEASURED,
        {
            "cohort": cohort.pk,
            "gallery": cohort.gallery_id,
            "version": cohort.model_version_id,
            "limit": limit,
        },
    )


def malformed() -> "QuerySet[FaceTemplate]":
    """Return templates whose length is not their version's, or whose norm is not about 1."""
    measured = FaceTemplate.objects.annotate(
        length=VectorLength(F("embedding")), norm=VectorNorm(F("embedding"))
    )
    return measured.exclude(length=F("model_version__dimension"), norm__range=(0.99, 1.01))


def _search(
    query: str, gallery: Gallery, embedding: Floats, **more: float | uuid.UUID | list[uuid.UUID]
) -> list[Match]:
    parameters = {
        "probe": _text(embedding),
        "gallery": gallery.pk,
        "version": gallery.model_version_id,
        **more,
    }
    return _matches(query, parameters)


def _matches(
    statement: str | sql.Composed, parameters: dict[str, Any], *, ef_search: int = 0
) -> list[Match]:
    """Run a search where the router says; on the first database where a replica breaks off."""
    database = router.db_for_read(FaceTemplate, searching=True)
    with SEARCH_SECONDS.time():
        try:
            return _matches_on(database, statement, parameters, ef_search)
        except OperationalError as error:
            if database != replica.ALIAS:
                raise
            replica.failed(error)
            return _matches_on(DEFAULT_DB_ALIAS, statement, parameters, ef_search)


def _matches_on(
    database: str, statement: str | sql.Composed, parameters: dict[str, Any], ef_search: int
) -> list[Match]:
    once = transaction.atomic(using=database) if ef_search else nullcontext()
    with once, connections[database].cursor() as cursor:
        if ef_search:
            cursor.execute("SELECT set_config('hnsw.ef_search', %s, true)", [str(ef_search)])
        cursor.execute(statement, parameters)
        return [Match(face_id=row[0], score=float(row[1])) for row in cursor.fetchall()]


def _vectors(query: str, parameters: dict[str, Any]) -> tuple[list[int], Floats]:
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        rows = cursor.fetchall()
    numbers = b"".join(bytes(row[1])[_HEAD:] for row in rows)
    vectors = np.frombuffer(numbers, ">f2").reshape(len(rows), -1) if rows else np.empty((0, 0))
    return [row[0] for row in rows], vectors.astype(np.float32)


def _text(embedding: Floats) -> str:
    return HalfVector(np.asarray(embedding, np.float32)).to_text()
