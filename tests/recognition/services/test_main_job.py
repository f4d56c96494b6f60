"""Enroll, import, identify, forget: services on a real database with fake networks."""

import datetime as dt
import hashlib
import io
import zipfile
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection, transaction
from django.utils import timezone

from faceplatform.accounts.models import Organization
from faceplatform.core.actors import SYSTEM
from faceplatform.core.errors import DomainError
from faceplatform.core.jobs import barriers, run_here
from faceplatform.core.models import AuditEvent, Job, JobState
from faceplatform.core.storage import photo_key
from recognition.models import (
    FaceImage,
    FaceTemplate,
    Gallery,
    Identity,
    ImportRun,
    Photo,
    Probe,
)
from recognition.selectors.answers import answer_of, csv_line, similar_csv, similar_page
from recognition.selectors.galleries import gallery_facts
from recognition.services.enrollment import enroll_photo
from recognition.services.galleries import change_gallery, create_gallery, delete_gallery
from recognition.services.identification import identify
from recognition.services.identities import create_identity, delete_face, erase_identity
from recognition.services.imports import counts_of, items_csv, start_import
from recognition.services.photos import lock_bytes
from recognition.services.probes import delete_probe, purge_expired_probes
from tests.fakes import POOR, FakePipeline, face_photo

pytestmark = pytest.mark.django_db(transaction=True)

ANN, BOB, EVE = 1, 2, 3


@pytest.fixture
def organization(fake_pipeline: FakePipeline, files: Path) -> Organization:
    return Organization.objects.create(name="team")


@pytest.fixture
def gallery(organization: Organization) -> Gallery:
    return create_gallery(organization_id=organization.pk, name="Staff", actor=SYSTEM)


def enroll(gallery: Gallery, name: str, data: bytes, **options: int) -> FaceImage:
    identity = Identity.objects.filter(gallery=gallery, name=name).first() or create_identity(
        gallery=gallery, name=name, actor=SYSTEM
    )
    return enroll_photo(
        gallery=gallery, identity=identity, data=data, path=f"{name}.png", actor=SYSTEM, **options
    )


def ask(gallery: Gallery, data: bytes) -> Probe:
    return identify(gallery=gallery, data=data, name="probe.png", actor=SYSTEM)


def code_of(error: pytest.ExceptionInfo[DomainError]) -> tuple[str, int]:
    return error.value.code, error.value.status


def import_folder(gallery: Gallery, folder: Path) -> ImportRun:
    run = start_import(gallery=gallery, name="people", folder=folder, actor=SYSTEM, ring=False)
    assert run.job is not None
    run_here(run.job.pk)
    run.refresh_from_db()
    return run


@pytest.fixture
def people(tmp_path: Path) -> Path:
    """Two people with two photos each, one blank, one poor and one that is no picture."""
    folder = tmp_path / "people"
    pictures = {
        "ann/1.png": face_photo(ANN, variant=1),
        "ann/2.png": face_photo(BOB, ANN, variant=2),
        "pins_bob/1.png": face_photo(BOB, variant=1),
        "pins_bob/2.png": face_photo(BOB, variant=2),
        "bob/blank.png": face_photo(),
        "bob/poor.png": face_photo(BOB, variant=POOR),
        "bob/text.jpg": b"not a picture",
        "top.png": face_photo(EVE),
    }
    for path, data in pictures.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    return folder


def test_an_enrolled_person_is_found_at_once_and_a_stranger_is_not(gallery: Gallery) -> None:
    enroll(gallery, "ann", face_photo(ANN, variant=1))
    enroll(gallery, "bob", face_photo(BOB, variant=1))
    answer = answer_of(ask(gallery, face_photo(ANN, EVE, variant=9)))
    first, second = answer.faces
    assert (first.decision, first.identity and first.identity.name) == ("identified", "ann")
    assert first.score is not None and first.score > 0.8 > answer.threshold.value
    assert [image.path for image in first.similar] == ["ann.png"]
    assert (second.decision, second.identity) == ("unknown", None)
    assert second.similar_below_threshold and second.similar_total == 2
    assert not any(image.above_threshold for image in second.similar)
    assert [c.identity.name for c in first.candidates] == ["ann", "bob"]
    assert "strangers score this high" in first.stranger_rate


def test_similar_has_every_image_of_the_person_and_others_above_the_threshold(
    gallery: Gallery,
) -> None:
    for variant in range(3):
        enroll(gallery, "ann", face_photo(ANN, variant=variant))
    enroll(gallery, "the same as ann", face_photo(ANN, variant=7))
    enroll(gallery, "bob", face_photo(BOB))
    face = ask(gallery, face_photo(ANN, variant=9)).faces.get()
    page = similar_page(face, limit=2)
    assert (page.total, len(page.images)) == (4, 2)
    rest = similar_page(face, offset=2)
    scores = [image.score for image in (*page.images, *rest.images)]
    assert scores == sorted(scores, reverse=True)
    lines = list(similar_csv(face))
    assert len(lines) == 5
    assert "bob" not in "".join(lines)


def test_a_poor_face_is_never_named(gallery: Gallery) -> None:
    enroll(gallery, "ann", face_photo(ANN))
    (face,) = answer_of(ask(gallery, face_photo(ANN, variant=POOR))).faces
    assert (face.decision, face.identity, face.reason) == (
        "low_quality",
        None,
        "uncertain_detection",
    )
    assert face.similar == ()


def test_a_photo_without_a_face_says_so(gallery: Gallery) -> None:
    answer = answer_of(ask(gallery, face_photo()))
    assert answer.faces == ()
    assert answer.sentence == "There is no face in this photo."


def test_an_empty_gallery_knows_nobody(gallery: Gallery) -> None:
    (face,) = answer_of(ask(gallery, face_photo(ANN))).faces
    assert (face.decision, face.score, face.candidates) == ("unknown", None, ())


def test_enrolling_refuses_what_is_not_one_good_new_face(gallery: Gallery, files: Path) -> None:
    with pytest.raises(DomainError) as error:
        enroll(gallery, "ann", b"not a picture")
    assert code_of(error) == ("unsupported_media", 415)
    with pytest.raises(DomainError) as error:
        enroll(gallery, "ann", face_photo())
    assert code_of(error) == ("no_face", 422)
    with pytest.raises(DomainError) as error:
        enroll(gallery, "ann", face_photo(ANN, BOB))
    assert code_of(error) == ("multiple_faces", 422)
    assert [e.field for e in error.value.errors] == ["face 1", "face 2"]
    with pytest.raises(DomainError) as error:
        enroll(gallery, "ann", face_photo(ANN, variant=POOR))
    assert code_of(error) == ("low_quality", 422)
    assert not Photo.objects.exists()
    assert not files.exists()


def test_the_same_face_of_the_same_bytes_is_a_duplicate(gallery: Gallery) -> None:
    enroll(gallery, "ann", face_photo(ANN, BOB), face_number=1)
    with pytest.raises(DomainError) as error:
        enroll(gallery, "eve", face_photo(ANN, BOB), face_number=1)
    assert code_of(error) == ("duplicate_image", 409)
    second = enroll(gallery, "bob", face_photo(ANN, BOB), face_number=2)
    assert Photo.objects.count() == 1
    assert second.photo_id == FaceImage.objects.exclude(pk=second.pk).get().photo_id


def test_importing_gives_one_line_per_image_with_its_reason(gallery: Gallery, people: Path) -> None:
    run = import_folder(gallery, people)
    results = {item.path: (item.identity_name, item.status, item.code) for item in run.items.all()}
    assert results == {
        "ann/1.png": ("ann", "enrolled", ""),
        "ann/2.png": ("ann", "enrolled", "main_subject"),
        "pins_bob/1.png": ("bob", "enrolled", ""),
        "pins_bob/2.png": ("bob", "enrolled", ""),
        "bob/blank.png": ("bob", "failed", "no_face"),
        "bob/poor.png": ("bob", "failed", "low_quality"),
        "bob/text.jpg": ("bob", "failed", "unsupported_media"),
        "top.png": ("", "failed", "no_identity_folder"),
    }
    assert run.job is not None
    assert run.job.result["counts"] == {
        "enrolled": 4,
        "quarantined": 0,
        "skipped": 0,
        "failed": 4,
        "unnamed": 0,
    }
    assert (run.job.done, run.job.total) == (8, 8)
    facts = gallery_facts(gallery)
    assert (facts.identities, facts.images, facts.searchable_templates) == (2, 4, 4)
    assert len(list(items_csv(run))) == 9


def test_importing_again_creates_nothing_and_analyses_nothing_known(
    gallery: Gallery, people: Path, fake_pipeline: FakePipeline
) -> None:
    import_folder(gallery, people)
    fake_pipeline.images = 0
    again = import_folder(gallery, people)
    assert counts_of(again)["enrolled"] == 0
    assert counts_of(again)["skipped"] == 4
    assert fake_pipeline.images == 2, "only the blank and the poor photo are looked at again"
    assert (FaceImage.objects.count(), Photo.objects.count(), Identity.objects.count()) == (4, 4, 2)


def test_an_import_that_died_goes_on_where_it_stopped(
    gallery: Gallery, tmp_path: Path, fake_pipeline: FakePipeline
) -> None:
    folder = tmp_path / "many"
    (folder / "ann").mkdir(parents=True)
    for number in range(40):
        (folder / "ann" / f"{number:02}.png").write_bytes(face_photo(ANN, variant=number))
    commits = []

    def die(name: str) -> None:
        commits.append(name)
        if commits.count("after_commit") == 1 and name == "before_commit" and len(commits) < 99:
            commits.extend(["dead"] * 99)
            raise KeyboardInterrupt

    run = start_import(gallery=gallery, name="many", folder=folder, actor=SYSTEM, ring=False)
    assert run.job is not None
    barriers.add_hook(die)
    try:
        with pytest.raises(KeyboardInterrupt):
            run_here(run.job.pk)
    finally:
        barriers.clear_hooks()
    assert 0 < run.items.count() < 40
    Job.objects.update(lease_until=timezone.now() - dt.timedelta(seconds=1))
    fake_pipeline.images = 0
    assert run_here(run.job.pk)
    run.job.refresh_from_db()
    assert (run.job.state, run.job.token) == (JobState.SUCCEEDED, 2)
    assert counts_of(run)["enrolled"] == 40
    assert FaceTemplate.objects.count() == 40
    assert fake_pipeline.images < 40


def test_a_zip_is_imported_and_then_deleted(gallery: Gallery) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("all/ann/1.png", face_photo(ANN))
        archive.writestr("../evil.png", face_photo(EVE))
    run = start_import(
        gallery=gallery,
        name="all.zip",
        archive=ContentFile(out.getvalue()),
        actor=SYSTEM,
        ring=False,
    )
    assert run.job is not None
    assert default_storage.exists(run.archive)
    run_here(run.job.pk)
    assert counts_of(run) == {
        "enrolled": 1,
        "quarantined": 0,
        "skipped": 0,
        "failed": 1,
        "unnamed": 0,
    }
    assert not default_storage.exists(run.archive)


@pytest.mark.parametrize(("barrier", "attempts"), [("before_end", 2), ("after_end", 1)])
def test_a_worker_that_dies_around_the_end_of_an_import_loses_no_archive_too_early(
    gallery: Gallery, barrier: str, attempts: int
) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("ann/1.png", face_photo(ANN))
    run = start_import(
        gallery=gallery, name="a.zip", archive=ContentFile(out.getvalue()), actor=SYSTEM, ring=False
    )
    assert run.job is not None

    def die(name: str) -> None:
        if name == barrier:
            raise KeyboardInterrupt

    barriers.add_hook(die)
    try:
        with pytest.raises(KeyboardInterrupt):
            run_here(run.job.pk)
    finally:
        barriers.clear_hooks()
    assert default_storage.exists(run.archive)
    Job.objects.update(lease_until=timezone.now() - dt.timedelta(seconds=1))
    run_here(run.job.pk)
    run.job.refresh_from_db()
    assert (run.job.state, run.job.token) == (JobState.SUCCEEDED, attempts)
    assert run.job.result["counts"]["enrolled"] == FaceImage.objects.count() == 1
    assert default_storage.exists(run.archive) == (barrier == "after_end")


def test_a_file_that_is_no_zip_is_refused_before_anything_is_stored(gallery: Gallery) -> None:
    with pytest.raises(DomainError) as error:
        start_import(gallery=gallery, name="x", archive=ContentFile(b"hello"), actor=SYSTEM)
    assert code_of(error) == ("archive_corrupt", 422)
    assert not ImportRun.objects.exists() and not Job.objects.exists()


def test_erasing_a_person_leaves_nothing_behind(gallery: Gallery) -> None:
    image = enroll(gallery, "ann", face_photo(ANN, BOB), face_number=1)
    enroll(gallery, "bob", face_photo(ANN, BOB), face_number=2)
    alone = enroll(gallery, "ann", face_photo(ANN, variant=3))
    probe = ask(gallery, face_photo(ANN, variant=9))
    sha = alone.photo.sha256
    assert default_storage.exists(photo_key(gallery.organization_id, sha))
    erase_identity(identity=Identity.objects.get(name="ann"), actor=SYSTEM)
    assert not default_storage.exists(photo_key(gallery.organization_id, sha))
    assert Photo.objects.filter(pk=image.photo_id).exists(), "bob is in it as well"
    assert FaceTemplate.objects.count() == 1
    (face,) = answer_of(Probe.objects.get(pk=probe.pk)).faces
    assert face.identity is None
    assert face.similar == ()
    proof = AuditEvent.objects.get(action="identity.erase")
    assert proof.data == {"images": 2, "photos_sha256": [sha]}
    (again,) = answer_of(ask(gallery, face_photo(ANN, variant=9))).faces
    assert again.decision == "unknown"


def test_what_is_added_to_a_gallery_that_was_deleted_meanwhile_is_refused(
    gallery: Gallery, people: Path
) -> None:
    run = start_import(gallery=gallery, name="x", folder=people, actor=SYSTEM, ring=False)
    ann = create_identity(gallery=gallery, name="ann", actor=SYSTEM)
    assert run.job is not None

    def delete(name: str) -> None:
        barriers.clear_hooks()
        delete_gallery(gallery=Gallery.objects.get(pk=gallery.pk), actor=SYSTEM)

    barriers.add_hook(delete)
    run_here(run.job.pk)
    with pytest.raises(DomainError, match="gallery_gone"):
        create_identity(gallery=gallery, name="bob", actor=SYSTEM)
    with pytest.raises(DomainError, match="gallery_gone"):
        ask(gallery, face_photo(ANN))
    with pytest.raises(DomainError, match="identity_gone"):
        enroll_photo(
            gallery=gallery, identity=ann, data=face_photo(ANN), path="a.png", actor=SYSTEM
        )
    assert not Photo.objects.exists() and not ImportRun.objects.exists()


def test_a_person_erased_during_an_import_leaves_only_what_came_after(
    gallery: Gallery, tmp_path: Path
) -> None:
    folder = tmp_path / "many"
    (folder / "ann").mkdir(parents=True)
    for number in range(40):
        (folder / "ann" / f"{number:02}.png").write_bytes(face_photo(ANN, variant=number))
    run = start_import(gallery=gallery, name="many", folder=folder, actor=SYSTEM, ring=False)

    def erase(name: str) -> None:
        if name == "after_commit":
            barriers.clear_hooks()
            erase_identity(identity=Identity.objects.get(name="ann"), actor=SYSTEM)

    barriers.add_hook(erase)
    assert run.job is not None
    run_here(run.job.pk)
    run.job.refresh_from_db()
    assert (run.job.state, run.job.attempt) == (JobState.SUCCEEDED, 1)
    assert FaceImage.objects.filter(identity__name="ann").count() == 24


def test_any_number_of_photos_can_be_locked_at_once(organization: Organization) -> None:
    digests = [hashlib.sha256(str(number).encode()).hexdigest() for number in range(30_000)]
    held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"
    with transaction.atomic(), connection.cursor() as cursor:
        lock_bytes(organization.pk, *digests)
        cursor.execute(held)
        assert cursor.fetchone() == (2048,)
        lock_bytes(organization.pk, digests[0])
        cursor.execute(held)
        assert cursor.fetchone() == (2048,)


def test_deleting_an_image_ends_its_search(gallery: Gallery) -> None:
    image = enroll(gallery, "ann", face_photo(ANN))
    delete_face(face=image, actor=SYSTEM)
    assert not Photo.objects.exists()
    (face,) = answer_of(ask(gallery, face_photo(ANN, variant=2))).faces
    assert face.decision == "unknown"


def test_deleting_a_gallery_deletes_probes_and_files(gallery: Gallery, files: Path) -> None:
    enroll(gallery, "ann", face_photo(ANN))
    ask(gallery, face_photo(ANN, variant=2))
    delete_gallery(gallery=gallery, actor=SYSTEM)
    assert not Photo.objects.exists() and not Probe.objects.exists()
    assert [path for path in files.rglob("*") if path.is_file()] == []


def test_probes_are_kept_as_the_gallery_says(gallery: Gallery, files: Path) -> None:
    kept = ask(gallery, face_photo(ANN))
    assert kept.photo is not None and kept.expires_at is not None
    assert 29 <= (kept.expires_at - timezone.now()).days <= 30
    change_gallery(gallery=gallery, probe_days=0, actor=SYSTEM)
    answer_only = ask(gallery, face_photo(BOB))
    assert answer_only.photo is None and answer_only.faces.count() == 1
    assert purge_expired_probes() == 0
    Probe.objects.update(expires_at=timezone.now())
    assert purge_expired_probes() == 2
    assert not Probe.objects.exists() and not Photo.objects.exists()
    assert [path for path in files.rglob("*") if path.is_file()] == []


def test_a_probe_can_be_forgotten_without_the_enrolled_photo(gallery: Gallery) -> None:
    enroll(gallery, "ann", face_photo(ANN))
    probe = ask(gallery, face_photo(ANN))
    assert Photo.objects.count() == 1
    delete_probe(probe=probe, actor=SYSTEM)
    assert Photo.objects.count() == 1


def test_the_threshold_grows_with_the_gallery_by_steps_of_a_quarter(gallery: Gallery) -> None:
    values = {}
    for number in range(1, 11):
        enroll(gallery, f"person {number}", face_photo(100 + number))
        gallery.refresh_from_db()
        values[number] = (gallery.default_threshold, gallery.default_threshold_templates)
    assert values[10][0] > values[1][0]
    assert values[10] == values[9], "ten is within a quarter of nine"
    assert values[9] != values[7], "nine is more than a quarter above seven"
    facts = gallery_facts(gallery)
    assert facts.threshold.source == "default"
    assert "about 1 stranger in 100 would be named" in facts.threshold.text


def test_a_closed_gallery_is_not_searched(gallery: Gallery) -> None:
    change_gallery(gallery=gallery, searchable=False, actor=SYSTEM)
    with pytest.raises(DomainError) as error:
        ask(gallery, face_photo(ANN))
    assert code_of(error) == ("gallery_not_searchable", 409)


def test_names_are_one_normal_form_and_unique(gallery: Gallery) -> None:
    create_identity(gallery=gallery, name="  Zoe\u0301  ", actor=SYSTEM)
    with pytest.raises(DomainError) as error:
        create_identity(gallery=gallery, name="Zo\u00e9", actor=SYSTEM)
    assert code_of(error) == ("identity_exists", 409)
    for bad in ("", "   ", "x" * 201, "\u202e"):
        with pytest.raises(DomainError) as error:
            create_identity(gallery=gallery, name=bad, actor=SYSTEM)
        assert code_of(error) == ("name_invalid", 400)


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@x", "\tx"])
def test_no_csv_cell_is_a_formula(cell: str) -> None:
    assert csv_line([cell, "ok"]).lstrip('"').startswith("'")


def test_two_organizations_with_the_same_faces_do_not_meet(
    gallery: Gallery, fake_pipeline: FakePipeline
) -> None:
    other = Organization.objects.create(name="other")
    theirs = create_gallery(organization_id=other.pk, name="Staff", actor=SYSTEM)
    enroll(theirs, "ann of the others", face_photo(ANN, variant=1))
    enroll(gallery, "bob", face_photo(BOB))
    (face,) = answer_of(ask(gallery, face_photo(ANN, variant=1))).faces
    assert face.decision == "unknown"
    assert {c.identity.organization_id for c in face.candidates} == {gallery.organization_id}
