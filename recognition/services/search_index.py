"""HNSW indexes of single galleries: built concurrently, measured against exact search, dropped."""

import time
from typing import Any

import numpy as np
from django.conf import settings
from django.db import connection, transaction
from django.urls import reverse
from psycopg import sql

from faceplatform.core import audit, jobs
from faceplatform.core.actors import Actor
from faceplatform.core.errors import Conflict
from faceplatform.core.models import Job
from recognition.models import FaceTemplate, Gallery, SearchIndex
from recognition.selectors import templates
from recognition.vision.types import Floats

KIND = "recognition.search_index"
M, EF_CONSTRUCTION, EF_SEARCH = 16, 128, 400
PROBES = 1000
_COMPARED = 10

_BUILD = """
    CREATE INDEX CONCURRENTLY {name} ON recognition_facetemplate
     USING hnsw ((embedding::halfvec({dimension})) halfvec_ip_ops)
      WITH (m = {m}, ef_construction = {ef})
     WHERE gallery_id = {gallery} AND model_version_id = {version} AND searchable
"""
_DROP = "DROP INDEX CONCURRENTLY IF EXISTS {name}"
_ORPHANS = """
    SELECT c.relname FROM pg_class c
     WHERE c.relkind = 'i' AND c.relnamespace = current_schema()::regnamespace
       AND c.relname LIKE 'template\\_hnsw\\_%%'
       AND NOT EXISTS (SELECT 1 FROM recognition_searchindex s WHERE s.name = c.relname)
       AND NOT EXISTS (SELECT 1 FROM pg_stat_progress_create_index p
                        WHERE p.index_relid = c.oid)
"""


def index_name(gallery: Gallery) -> str:
    """Return the name of the index over the gallery's present version."""
    return f"template_hnsw_{gallery.pk.hex[-12:]}_{gallery.model_version_id.hex[-12:]}"


def start_index(*, gallery: Gallery, actor: Actor, ring: bool = True) -> Job:
    """Ask for an index over a gallery. Raises Conflict `already_running`."""
    with transaction.atomic():
        job = jobs.enqueue(
            kind=KIND,
            title=f"Search index of {gallery.name}",
            organization_id=gallery.organization_id,
            actor=actor,
            payload={"gallery": str(gallery.pk)},
            dedupe_key=f"search_index:{gallery.pk}",
            ring=ring,
        )
        audit.record(
            organization_id=gallery.organization_id,
            actor=actor,
            action="search_index.build",
            target_type="gallery",
            target_id=gallery.pk,
            target_label=gallery.name,
        )
    return job


def run_index(context: jobs.JobContext) -> dict[str, Any]:
    """Build and measure; a second run begins by dropping what the first one left."""
    gallery = Gallery.objects.select_related("model_version").get(pk=context.payload["gallery"])
    context.progress(0, 2, "Building", force=True)
    row = build(gallery)
    context.progress(1, 2, "Measuring against exact search", force=True)
    with context.writing():
        SearchIndex.objects.filter(gallery=gallery, model_version=row.model_version).delete()
        row.save()
    measure(row)
    return {
        "sentence": f"The index over {row.templates:,} templates puts the same person first as an "
        f"exact search for {row.first_same or 0:.1%} of {row.probes:,} probes.",
        "url": reverse("gallery", args=[gallery.pk]),
    }


def build(gallery: Gallery) -> SearchIndex:
    """Build the index without blocking writers; the row is not saved yet.

    Raises Conflict `gallery_empty`.
    """
    count = templates.count_searchable(gallery)
    if not count:
        raise Conflict("gallery_empty", "There is nothing to index.")
    name = index_name(gallery)
    drop_named(name)
    started = time.perf_counter()
    statement = sql.SQL(_BUILD).format(
        name=sql.Identifier(name),
        dimension=sql.Literal(gallery.model_version.dimension),
        m=sql.Literal(M),
        ef=sql.Literal(EF_CONSTRUCTION),
        gallery=sql.Literal(str(gallery.pk)),
        version=sql.Literal(str(gallery.model_version_id)),
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('maintenance_work_mem', %s, false),"
            " set_config('max_parallel_maintenance_workers', %s, false)",
            [f"{settings.INDEX_BUILD_MEMORY_MB}MB", str(settings.INDEX_BUILD_WORKERS)],
        )
        try:
            cursor.execute(statement)
        finally:
            cursor.execute("RESET maintenance_work_mem; RESET max_parallel_maintenance_workers")
        cursor.execute("ANALYZE recognition_facetemplate")
        cursor.execute("SELECT pg_relation_size(%s::regclass)", [name])
        size = cursor.fetchone()[0]
    return SearchIndex(
        gallery=gallery,
        model_version=gallery.model_version,
        name=name,
        templates=count,
        build_seconds=round(time.perf_counter() - started, 2),
        size_bytes=size,
        ef_search=EF_SEARCH,
    )


def measure(index: SearchIndex, *, probes: int = PROBES) -> SearchIndex:
    """Compare the index with exact search and store the result.

    Probes are stored faces, each looked up without itself: first the ones of people with several
    images, because the right person matters most.
    """
    gallery = index.gallery
    faces = _probes(gallery, probes)
    owners = _Owners(gallery)
    same = found = wanted = 0
    for face_id, vector in faces:
        exact = _others(templates.nearest(gallery, vector, limit=_COMPARED + 1), face_id)
        near = _others(
            templates.nearest_by_index(
                gallery, vector, limit=_COMPARED + 1, ef_search=index.ef_search
            ),
            face_id,
        )
        same += bool(exact) == bool(near) and (
            not exact or owners.of(exact[0]) == owners.of(near[0])
        )
        mates = {face for face in exact if owners.of(face) == owners.of(face_id)}
        wanted += len(mates)
        found += len(mates & set(near))
    index.probes = len(faces)
    index.first_same = same / len(faces) if faces else None
    index.mates_found = found / wanted if wanted else None
    index.save(update_fields=["probes", "first_same", "mates_found"])
    return index


def drop(index: SearchIndex) -> None:
    """Remove an index; searches go back to exact."""
    index.delete()
    drop_named(index.name)


def drop_named(name: str) -> None:
    """Remove an index by name, also one that was never finished."""
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL(_DROP).format(name=sql.Identifier(name)))


def drop_orphans() -> list[str]:
    """Remove indexes whose gallery is gone; their names."""
    with connection.cursor() as cursor:
        cursor.execute(_ORPHANS)
        names = [row[0] for row in cursor.fetchall()]
    for name in names:
        drop_named(name)
    return names


class _Owners:
    """Whose face is whose, remembered."""

    def __init__(self, gallery: Gallery) -> None:
        self._rows = FaceTemplate.objects.filter(gallery=gallery)
        self._known: dict[Any, Any] = {}

    def of(self, face_id: Any) -> Any:
        if face_id not in self._known:
            row = self._rows.filter(face_id=face_id).values_list("face__identity_id").first()
            self._known[face_id] = row[0] if row else None
        return self._known[face_id]


def _others(found: list[templates.Match], face_id: Any) -> list[Any]:
    return [match.face_id for match in found if match.face_id != face_id]


def _probes(gallery: Gallery, count: int) -> list[tuple[Any, Floats]]:
    """Faces with their vectors, spread evenly over the gallery."""
    rows = FaceTemplate.objects.filter(
        gallery=gallery, model_version_id=gallery.model_version_id, searchable=True
    ).order_by("pk")
    keys = np.array(rows.values_list("pk", flat=True))
    chosen = keys[np.linspace(0, len(keys) - 1, min(count, len(keys))).astype(int)]
    return templates.vectors_of(sorted({int(key) for key in chosen}))
