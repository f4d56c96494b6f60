"""Searches at the selector, with the round trip to a real PostgreSQL: time and what is found.

    python -m benchmarks.search                       one gallery of 100,000, and 2,000 of 500
    python -m benchmarks.search --large 1000000       another size of the large gallery
    python -m benchmarks.search --json                one JSON record

Templates are made by a seed: five of each person around a centre, in 64 dominant directions, cosine
of mates about 0.7. Probes are new images of enrolled people. Every way of searching gets the same
probes in the same run: exact in PostgreSQL, exact in memory, by HNSW index. The database is thrown
away.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from benchmarks import environment
from faceplatform.stack import testing

SEED = 20180408
DIMENSION = 512
PER_PERSON = 5
_CHUNK = 20_000
Halves = NDArray[np.float16]


class People:
    """Vectors of people by a seed."""

    def __init__(self, people: int, seed: int = SEED) -> None:
        self._rng = np.random.default_rng(seed)
        scales = np.full(DIMENSION, np.sqrt(0.57 / (DIMENSION - 64)))
        scales[:64] = np.sqrt(0.43 / 64)
        self.centres = (self._rng.normal(size=(people, DIMENSION)) * scales).astype(np.float16)

    def images(self, chosen: NDArray[np.int64]) -> Halves:
        """One new image of each chosen person, float16 (n, d), unit norm."""
        noise = self._rng.normal(size=(len(chosen), DIMENSION)) / np.sqrt(DIMENSION) * 0.65
        rows = self.centres[chosen].astype(np.float32) + noise.astype(np.float32)
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        return rows.astype(np.float16)


def fill(gallery: Any, people: People, count: int, first: int = 0) -> tuple[float, dict[UUID, int]]:
    """Enroll `count` images; templates per second by COPY, and the number of each face's person."""
    from recognition.models import FaceImage, Identity, Photo

    organization = gallery.organization
    photo, _ = Photo.objects.get_or_create(
        organization=organization,
        sha256="0" * 64,
        defaults={"size": 1, "media_type": "image/jpeg", "width": 1, "height": 1},
    )
    seconds = 0.0
    owners: dict[UUID, int] = {}
    for start in range(0, count, _CHUNK):
        numbers = np.arange(start, min(start + _CHUNK, count)) // PER_PERSON + first
        persons = Identity.objects.bulk_create(
            Identity(organization=organization, gallery=gallery, name=f"Person {number}")
            for number in np.unique(numbers)
        )
        faces = FaceImage.objects.bulk_create(
            FaceImage(
                organization=organization,
                gallery=gallery,
                identity=persons[number - numbers[0]],
                photo=photo,
                x1=0,
                y1=0,
                x2=1,
                y2=1,
                landmarks=[0.0] * 10,
                detection_score=1,
                quality=1,
                detector="none",
            )
            for number in numbers
        )
        owners |= {face.pk: int(n) for face, n in zip(faces, numbers, strict=True)}
        vectors = people.images(numbers)
        began = time.perf_counter()
        _copy(gallery, [face.pk for face in faces], vectors)
        seconds += time.perf_counter() - began
    return count / seconds, owners


def _copy(gallery: Any, faces: list[UUID], vectors: Halves) -> None:
    from django.db import connection
    from pgvector import HalfVector
    from pgvector.psycopg import register_vector

    columns = "organization_id, gallery_id, face_id, model_version_id, dimension, embedding, "
    statement = (
        f"COPY recognition_facetemplate ({columns} searchable, created_at) "
        "FROM STDIN (FORMAT BINARY)"
    )
    fixed = (gallery.organization_id, gallery.pk, gallery.model_version_id)
    now = datetime.now(UTC)
    connection.ensure_connection()
    register_vector(connection.connection)  # a cursor knows the types of its beginning
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.set_types(["uuid", "uuid", "uuid", "uuid", "int2", "halfvec", "bool", "timestamptz"])
        for face, row in zip(faces, vectors, strict=True):
            copy.write_row((*fixed[:2], face, fixed[2], DIMENSION, HalfVector(row), True, now))


def timed(search: Callable[[Any], list[Any]], probes: Halves) -> tuple[dict[str, float], list[Any]]:
    """Milliseconds of each search, and what each found."""
    found, times = [], []
    for probe in probes[:20]:
        search(probe.astype(np.float32))  # warm
    for probe in probes:
        began = time.perf_counter()
        found.append(search(probe.astype(np.float32)))
        times.append((time.perf_counter() - began) * 1000)
    ordered = sorted(times)
    return {
        "p50_ms": round(statistics.median(ordered), 2),
        "p95_ms": round(ordered[int(0.95 * len(ordered))], 2),
    }, found


def large(size: int, probes_asked: int, with_index: bool) -> dict[str, Any]:
    """One gallery, every way of searching."""
    from recognition.selectors import memory, templates
    from recognition.services.search_index import build

    people = People(size // PER_PERSON)
    gallery = _gallery("large")
    rate, owners = fill(gallery, people, size)
    _analyse()
    chosen = np.random.default_rng(SEED + 1).integers(0, size // PER_PERSON, probes_asked)
    probes = people.images(chosen)
    version = gallery.model_version
    began = time.perf_counter()
    memory.load(gallery.pk, version.pk, DIMENSION)
    result: dict[str, Any] = {
        "templates": size,
        "probes": probes_asked,
        "copy_rows_per_second": round(rate),
        "memory_load_seconds": round(time.perf_counter() - began, 2),
        "ways": {},
    }
    ways: dict[str, Callable[[Any], list[Any]]] = {
        "exact in PostgreSQL": lambda p: [
            m.face_id for m in templates.nearest(gallery, p, limit=200)
        ],
        "exact in memory": lambda p: [
            face for face, _ in memory.nearest(gallery.pk, version.pk, DIMENSION, p, 200) or []
        ],
    }
    if with_index:
        index = build(gallery)
        result["index_build_seconds"] = index.build_seconds
        result["index_mb"] = round(index.size_bytes / 1e6)
        ways["HNSW index"] = lambda p: [
            m.face_id
            for m in templates.nearest_by_index(gallery, p, limit=200, ef_search=index.ef_search)
        ]
    first: list[int] = []
    for name, search in ways.items():
        times, found = timed(search, probes)
        ours = [owners[faces[0]] for faces in found]
        first = first or ours
        result["ways"][name] = times | {
            "same_first_as_exact": float(np.mean(np.array(ours) == np.array(first))),
            "right_first": float(np.mean(np.array(ours) == chosen)),
        }
    return result


def many(galleries: int, size: int, probes_asked: int) -> dict[str, Any]:
    """Many small galleries in the same table, asked in turn; always exact in PostgreSQL."""
    from recognition.selectors import templates

    people = People(size // PER_PERSON)
    rows = [_gallery(f"small {number}") for number in range(galleries)]
    for gallery in rows:
        fill(gallery, people, size)
    _analyse()
    rng = np.random.default_rng(SEED + 2)
    turn = iter(rng.integers(0, galleries, probes_asked + 20))
    probes = people.images(rng.integers(0, size // PER_PERSON, probes_asked))
    times, _ = timed(
        lambda p: [m.face_id for m in templates.nearest(rows[next(turn)], p, limit=200)], probes
    )
    return {"galleries": galleries, "templates_each": size, "probes": probes_asked} | times


def _gallery(name: str) -> Any:
    from faceplatform.accounts.models import Organization
    from faceplatform.core.actors import SYSTEM
    from recognition.services.galleries import create_gallery

    organization, _ = Organization.objects.get_or_create(name="Benchmark")
    return create_gallery(organization_id=organization.pk, name=name, actor=SYSTEM)


def _analyse() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE recognition_facetemplate")


def table(record: dict[str, Any]) -> str:
    """The record for people."""
    one, small = record["large"], record["many"]
    lines = [
        f"{one['templates']:,} templates in one gallery, {one['probes']:,} probes, 200 nearest",
        f"{'way':<22}{'p50 ms':>9}{'p95 ms':>9}{'same first':>12}{'right first':>12}",
    ]
    for name, row in one["ways"].items():
        lines.append(
            f"{name:<22}{row['p50_ms']:>9.1f}{row['p95_ms']:>9.1f}"
            f"{row['same_first_as_exact']:>12.1%}{row['right_first']:>12.1%}"
        )
    lines.append(
        f"COPY {one['copy_rows_per_second']:,} rows/s; read into memory in "
        f"{one['memory_load_seconds']} s; index built in {one.get('index_build_seconds', '-')} s"
    )
    if small:
        lines.append(
            f"{small['galleries']:,} galleries of {small['templates_each']}: p50 "
            f"{small['p50_ms']} ms, p95 {small['p95_ms']} ms, exact in PostgreSQL"
        )
    lines.append(f"load before: {record['hardware']['load_before']}")
    return "\n".join(lines)


def main() -> None:
    """Make a database, fill it, ask it, throw it away."""
    environment.run_without_blas_overrides("benchmarks.search")
    parser = argparse.ArgumentParser(description="Searches in PostgreSQL, memory and by index.")
    parser.add_argument("--large", type=int, default=100_000)
    parser.add_argument("--galleries", type=int, default=2000, help="of 500 templates; 0 for none")
    parser.add_argument("--probes", type=int, default=1000)
    parser.add_argument("--no-index", action="store_true")
    parser.add_argument("--json", action="store_true", help="one JSON record and nothing else")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="search-benchmark-") as folder:
        var = Path(folder)
        os.environ["FACEPLATFORM_VAR"] = str(var)
        os.environ["DJANGO_SETTINGS_MODULE"] = "faceplatform.settings"
        os.environ["SEARCH_MEMORY_MB"] = str(2 * options.large * DIMENSION * 2 // 2**20 + 64)
        os.environ.update(testing.start(var))
        try:
            import django
            from django.core.management import call_command

            django.setup()
            call_command("migrate", verbosity=0)
            measured = {
                "large": large(options.large, options.probes, not options.no_index),
                "many": many(options.galleries, 500, options.probes) if options.galleries else None,
            }
        finally:
            testing.stop()
    record = environment.record("search", **measured)
    print(json.dumps(record, indent=1) if options.json else table(record))


if __name__ == "__main__":
    main()
