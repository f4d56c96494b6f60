"""Ways to search a gallery: each finds the same, the database's planner uses the index, and what
changes in the templates reaches the memory."""

import threading

import numpy as np
import psycopg
import pytest
from django.db import connection, transaction

from faceplatform.core.actors import SYSTEM
from faceplatform.core.errors import Conflict
from faceplatform.core.jobs import run_here
from faceplatform.core.models import JobState
from recognition.models import FaceTemplate, Gallery, SearchIndex, TemplateChange
from recognition.selectors import memory, search, templates, tiers
from recognition.selectors.tiers import SearchPlan, Tier, search_plan
from recognition.services.search_index import build, drop, drop_orphans, index_name, start_index
from recognition.services.search_tidying import tidy
from tests.factories import GalleryFactory
from tests.recognition.crowd import crowded_gallery, vector

pytestmark = pytest.mark.django_db(transaction=True)
PEOPLE = 60


@pytest.fixture
def gallery() -> Gallery:
    memory.forget()
    return crowded_gallery(PEOPLE)


def held(gallery: Gallery) -> int:
    version = gallery.model_version
    return memory.load(gallery.pk, version.pk, version.dimension)


def from_memory(gallery: Gallery, person: int, limit: int = 5):
    version = gallery.model_version
    return memory.nearest(gallery.pk, version.pk, version.dimension, vector(person, 2), limit)


def names(gallery: Gallery, found) -> list[str]:
    faces = dict(FaceTemplate.objects.filter(gallery=gallery).values_list("face_id", "face__path"))
    return [faces[face] for face, _ in found]


def test_memory_answers_as_the_database_does(gallery: Gallery) -> None:
    assert held(gallery) == PEOPLE
    for person in (0, 17, 59, 4000):
        exact = templates.nearest(gallery, vector(person, 2), limit=7)
        found = from_memory(gallery, person, limit=7)
        assert found is not None
        assert [face for face, _ in found] == [match.face_id for match in exact]
        np.testing.assert_allclose(
            [score for _, score in found], [match.score for match in exact], atol=1e-5
        )


def test_what_is_added_changed_and_erased_is_seen_by_the_next_search(gallery: Gallery) -> None:
    held(gallery)
    crowded_gallery(1, first=500, gallery=gallery)
    assert names(gallery, from_memory(gallery, 500))[0] == "Person 500"
    FaceTemplate.objects.filter(gallery=gallery, face__path="Person 500").update(searchable=False)
    assert "Person 500" not in names(gallery, from_memory(gallery, 500))
    FaceTemplate.objects.filter(gallery=gallery, face__path="Person 500").update(searchable=True)
    assert names(gallery, from_memory(gallery, 500))[0] == "Person 500"
    gallery.faces.filter(path="Person 500").first().identity.delete()  # a cascade
    assert len(from_memory(gallery, 500, limit=1000)) == PEOPLE


def test_a_change_that_commits_after_a_later_one_is_not_missed(gallery: Gallery) -> None:
    held(gallery)
    written, go_on = threading.Event(), threading.Event()

    def slowly() -> None:
        try:
            with transaction.atomic():
                crowded_gallery(1, first=600, gallery=gallery)
                written.set()
                go_on.wait(20)
        finally:
            connection.close()

    work = threading.Thread(target=slowly)
    work.start()
    assert written.wait(20)
    crowded_gallery(1, first=601, gallery=gallery)
    assert names(gallery, from_memory(gallery, 601))[0] == "Person 601"
    assert "Person 600" not in names(gallery, from_memory(gallery, 600))
    go_on.set()
    work.join()
    assert names(gallery, from_memory(gallery, 600))[0] == "Person 600"


def test_a_statement_over_many_rows_has_everything_read_again(gallery: Gallery) -> None:
    held(gallery)
    crowded_gallery(1100, first=1000, gallery=gallery)
    assert TemplateChange.objects.filter(template_id=None).count() == 1
    assert from_memory(gallery, 1500) is None
    assert held(gallery) == PEOPLE + 1100
    assert names(gallery, from_memory(gallery, 1500))[0] == "Person 1500"


def test_an_open_transaction_does_not_have_everything_read_again(gallery: Gallery) -> None:
    with psycopg.connect(**connection.get_connection_params()) as other:
        other.execute("SELECT pg_current_xact_id()")
        crowded_gallery(1100, first=1000, gallery=gallery)
        assert held(gallery) == PEOPLE + 1100
        for _ in range(2):
            assert names(gallery, from_memory(gallery, 1500))[0] == "Person 1500"


def test_inside_a_transaction_the_database_answers(gallery: Gallery) -> None:
    held(gallery)
    with transaction.atomic():
        assert from_memory(gallery, 1) is None


def test_the_planner_uses_the_index_and_its_recall_is_stored(gallery: Gallery) -> None:
    job = start_index(gallery=gallery, actor=SYSTEM, ring=False)
    with pytest.raises(Conflict):
        start_index(gallery=gallery, actor=SYSTEM, ring=False)
    run_here(job.pk)
    job.refresh_from_db()
    assert job.state == JobState.SUCCEEDED, job.error_detail
    index = SearchIndex.objects.get(gallery=gallery)
    assert (index.templates, index.probes, index.first_same) == (PEOPLE, PEOPLE, 1.0)
    statements: list[str] = []
    with connection.execute_wrapper(
        lambda run, statement, *rest: (statements.append(statement), run(statement, *rest))[1]
    ):
        near = templates.nearest_by_index(gallery, vector(9, 2), limit=5, ef_search=100)
    exact = templates.nearest(gallery, vector(9, 2), limit=5)
    assert near[0] == exact[0]
    query = next(s for s in statements if "LIMIT" in str(s))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_sort = off")
        probe = f"[{','.join(str(v) for v in vector(9, 2))}]"
        text = query if isinstance(query, str) else query.as_string(cursor.connection)
        cursor.execute(f"EXPLAIN {text}", {"probe": probe, "limit": 5})
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert f"Index Scan using {index.name}" in plan
    drop(index)
    assert not drop_orphans()


def test_indexes_of_deleted_galleries_and_old_notes_are_removed(gallery: Gallery) -> None:
    build(gallery).save()
    name = index_name(gallery)
    gallery.delete()
    TemplateChange.objects.update(at="2020-01-01T00:00:00Z")
    assert tidy() > 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_class WHERE relname = %s", [name])
        assert cursor.fetchone()[0] == 0
    with pytest.raises(Conflict):
        build(GalleryFactory.create())


@pytest.mark.parametrize(
    ("templates_", "memory_mb", "first_same", "tier", "words"),
    [
        (10, 256, None, Tier.EXACT, "a few milliseconds"),
        (100_000, 256, None, Tier.MEMORY, "fit into 256 MB"),
        (100_000, 10, None, Tier.EXACT, "there is no index"),
        (100_000, 10, 0.9, Tier.EXACT, "90.0%"),
        (100_000, 10, 0.999, Tier.INDEX, "99.9%"),
        (100_000, 0, 0.999, Tier.INDEX, "by index"),
    ],
)
def test_one_function_chooses_and_says_why(
    settings, templates_: int, memory_mb: int, first_same: float | None, tier: Tier, words: str
) -> None:
    settings.SEARCH_MEMORY_MB = memory_mb
    settings.SEARCH_MEMORY_BYTES = memory_mb * 1024 * 1024
    gallery = GalleryFactory.create()
    if first_same is not None:
        SearchIndex.objects.create(
            gallery=gallery,
            model_version=gallery.model_version,
            name=index_name(gallery),
            templates=templates_,
            build_seconds=1,
            size_bytes=1,
            ef_search=400,
            probes=1000,
            first_same=first_same,
        )
    plan = search_plan(gallery, templates=templates_)
    assert plan.tier == tier
    assert words in plan.reason


def test_a_search_falls_back_until_the_gallery_is_held(gallery: Gallery) -> None:
    plan = SearchPlan(Tier.MEMORY, "", PEOPLE, None)
    expected = templates.nearest(gallery, vector(3, 2), limit=4)
    assert search.nearest(gallery, vector(3, 2), limit=4, plan=plan) == expected
    for thread in threading.enumerate():
        if thread.name == "search-memory":
            thread.join()
    assert memory.is_held(gallery.pk, gallery.model_version_id)
    found = search.nearest(gallery, vector(3, 2), limit=4, plan=plan)
    assert [m.face_id for m in found] == [m.face_id for m in expected]
    assert tiers.EXACT_UP_TO == templates.LARGE
