"""The doctor: every fault is put in by hand, found, and repaired where that loses nothing."""

import datetime as dt
import json
import os
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.utils import timezone

from faceplatform.core.actors import SYSTEM
from faceplatform.core.models import AuditEvent, Job, JobState
from faceplatform.core.storage import photo_key
from recognition.models import FaceImage, FaceState, FaceTemplate, Gallery, ImportRun, Photo, Probe
from recognition.services import stored_files
from recognition.services.doctor import Report, examine
from recognition.services.doctor_findings import EXAMPLES, KINDS, Severity
from recognition.services.enrollment import enroll_photo
from recognition.services.galleries import create_gallery
from recognition.services.identification import identify
from recognition.services.identities import create_identity, erase_identity
from recognition.vision import store
from tests.factories import (
    FaceImageFactory,
    FaceTemplateFactory,
    GalleryFactory,
    IdentityFactory,
    ImportItemFactory,
    ImportRunFactory,
    JobFactory,
    ModelVersionFactory,
    OrganizationFactory,
    PhotoFactory,
    ProbeFaceFactory,
    ProbeMatchFactory,
    store_file,
)
from tests.fakes import FakePipeline, face_photo

pytestmark = pytest.mark.django_db(transaction=True)

DOCUMENT = (Path(__file__).resolve().parents[3] / "docs" / "backup.md").read_text()
LONG_AGO = dt.timedelta(days=3)


@pytest.fixture
def gallery(fake_pipeline: FakePipeline, files: Path, settings: object, tmp_path: Path) -> Gallery:
    """Two people with two photos each, and one probe; models as on a new machine."""
    settings.MODELS_DIR = tmp_path / "models"  # type: ignore[attr-defined]
    made = create_gallery(
        organization_id=OrganizationFactory.create().pk, name="Staff", actor=SYSTEM
    )
    for person, name in enumerate(("ann", "bob")):
        identity = create_identity(gallery=made, name=name, actor=SYSTEM)
        for variant in range(2):
            enroll_photo(
                gallery=made,
                identity=identity,
                data=face_photo(person, variant=variant),
                path=f"{name}/{variant}.png",
                actor=SYSTEM,
            )
    identify(gallery=made, data=face_photo(0, variant=7), name="probe.png", actor=SYSTEM)
    return made


def codes(report: Report) -> dict[str, tuple[int, int]]:
    """Return count and repaired of everything that is more than a note."""
    return {
        found.code: (found.count, found.repaired)
        for found in report.findings
        if found.kind.severity != Severity.NOTE
    }


def look(*, repair: bool = False) -> dict[str, tuple[int, int]]:
    return codes(examine(actor=SYSTEM, repair=repair))


def example_of(report: Report, code: str) -> str:
    return next(found.examples[0] for found in report.findings if found.code == code)


def stale_thresholds(*, repair: bool = False) -> list[tuple[int, int]]:
    report = examine(actor=SYSTEM, repair=repair)
    assert report.clean
    return [(f.count, f.repaired) for f in report.findings if f.code == "threshold_stale"]


def file_of(files: Path, photo: Photo) -> Path:
    return files / photo_key(photo.organization_id, photo.sha256)


def put(files: Path, key: str, *, old: bool = True) -> Path:
    path = files / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"content")
    if old:
        then = (timezone.now() - dt.timedelta(hours=2)).timestamp()
        os.utime(path, (then, then))
    return path


def test_a_sound_installation_is_clean(gallery: Gallery) -> None:
    report = examine(actor=SYSTEM)
    assert codes(report) == {}
    assert report.clean
    assert report.checked["photos"] == 5 == report.checked["files"]
    assert report.checked["templates"] == 4
    assert report.checked["bytes"] == sum(Photo.objects.values_list("size", flat=True))
    assert not AuditEvent.objects.filter(action="doctor.repair").exists()


def test_a_lost_and_a_damaged_file_are_found_and_cannot_be_made_up(
    gallery: Gallery, files: Path
) -> None:
    lost, changed = Photo.objects.order_by("pk")[:2]
    file_of(files, lost).unlink()
    path = file_of(files, changed)
    data = bytearray(path.read_bytes())
    data[100] ^= 1
    path.write_bytes(data)
    for repair in (False, True):
        report = examine(actor=SYSTEM, repair=repair)
        assert codes(report) == {"file_missing": (1, 0), "file_damaged": (1, 0)}
        assert not report.clean
    assert str(lost.pk) in example_of(report, "file_missing")
    assert Photo.objects.count() == 5


def test_a_photo_erased_during_the_look_is_no_finding(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = stored_files.content_of

    def erase_first(key: str) -> stored_files.Content | None:
        for identity in gallery.identities.filter(name="ann"):
            erase_identity(identity=identity, actor=SYSTEM)
        return read(key)

    monkeypatch.setattr(stored_files, "content_of", erase_first)
    report = examine(actor=SYSTEM)
    assert report.clean, report.findings
    assert not gallery.identities.filter(name="ann").exists()


def test_a_row_written_during_the_look_keeps_its_old_file(
    gallery: Gallery, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bytes of a crashed upload lie there for long; now the same photo is enrolled."""
    data = face_photo(5)
    photo = PhotoFactory.build(organization=gallery.organization, data=data)
    put(files, photo_key(gallery.organization_id, photo.sha256)).write_bytes(data)
    path = file_of(files, photo)
    os.utime(path, (0, 0))
    age = stored_files.age_of

    def enroll_first(key: str) -> dt.timedelta | None:
        if not Photo.objects.filter(sha256=photo.sha256).exists():
            enroll_photo(
                gallery=gallery,
                identity=IdentityFactory.create(gallery=gallery),
                data=data,
                path="new.png",
                actor=SYSTEM,
            )
        return age(key)

    monkeypatch.setattr(stored_files, "age_of", enroll_first)
    assert "file_orphan" not in look(repair=True)
    assert path.read_bytes() == data


def lose_track_of_size(gallery: Gallery, files: Path) -> None:
    Photo.objects.filter(faces__identity__name="ann").update(size=1)


def leave_a_photo_unused(gallery: Gallery, files: Path) -> None:
    data = face_photo(9)
    photo = PhotoFactory.create(organization=gallery.organization, data=data)
    store_file(photo, data)


def leave_orphans(gallery: Gallery, files: Path) -> None:
    sha256 = "ab" * 32
    put(files, f"{gallery.organization_id}/ab/{sha256}")
    put(files, f"{uuid.uuid4()}/ab/{sha256}")


def leave_a_partial_file(gallery: Gallery, files: Path) -> None:
    put(files, f"{gallery.organization_id}/ab/.part-x1y2")


def leave_archives(gallery: Gallery, files: Path) -> None:
    """Of an import that failed, and of one whose row was never committed."""
    key = f"{gallery.organization_id}/archives/{uuid.uuid4().hex}.zip"
    job = JobFactory.create(organization=gallery.organization, state=JobState.FAILED)
    ImportRunFactory.create(gallery=gallery, archive=key, job=job)
    put(files, key)
    put(files, f"{gallery.organization_id}/archives/{uuid.uuid4().hex}.zip")


def hide_a_template(gallery: Gallery, files: Path) -> None:
    FaceTemplate.objects.filter(face__identity__name="ann").update(searchable=False)


def reject_a_face_by_halves(gallery: Gallery, files: Path) -> None:
    FaceImage.objects.filter(identity__name="ann").update(state=FaceState.REJECTED)


def move_a_template(gallery: Gallery, files: Path) -> None:
    other = GalleryFactory.create()
    FaceTemplate.objects.filter(face__identity__name="ann").update(
        gallery=other, organization=other.organization
    )


def forget_the_nightly_purge(gallery: Gallery, files: Path) -> None:
    Probe.objects.update(expires_at=timezone.now() - LONG_AGO)


def keep_a_probe_for_ever(gallery: Gallery, files: Path) -> None:
    Probe.objects.update(expires_at=None)


def lose_a_worker(gallery: Gallery, files: Path) -> None:
    past = timezone.now() - LONG_AGO
    JobFactory.create(state=JobState.RUNNING, lease_until=past, attempt=1)
    JobFactory.create(state=JobState.RUNNING, lease_until=None, attempt=3)


def queue_an_unknown_kind(gallery: Gallery, files: Path) -> None:
    JobFactory.create(kind="recognition.gone")


def queue_what_nobody_may_claim(gallery: Gallery, files: Path) -> None:
    JobFactory.create(cancel_requested=True)
    JobFactory.create(attempt=3)


def import_without_a_job(gallery: Gallery, files: Path) -> None:
    key = f"{gallery.organization_id}/archives/{uuid.uuid4().hex}.zip"
    put(files, key, old=False)
    ImportRunFactory.create(gallery=gallery, job=None, archive=key)
    kept = ImportRunFactory.create(gallery=gallery, job=None, archive="", folder="/people")
    ImportItemFactory.create(run=kept)  # this one is history


def wait_for_a_lost_archive(gallery: Gallery, files: Path) -> None:
    ImportRunFactory.create(gallery=gallery, archive=f"{gallery.organization_id}/archives/gone.zip")


Fault = Callable[[Gallery, Path], None]


@pytest.mark.parametrize(
    ("fault", "code", "count"),
    [
        (lose_track_of_size, "photo_size_wrong", 2),
        (leave_a_photo_unused, "photo_unused", 1),
        (leave_orphans, "file_orphan", 2),
        (leave_a_partial_file, "file_partial", 1),
        (leave_archives, "archive_leftover", 2),
        (hide_a_template, "template_searchable_wrong", 2),
        (reject_a_face_by_halves, "template_searchable_wrong", 2),
        (move_a_template, "template_gallery_wrong", 2),
        (forget_the_nightly_purge, "probe_expired", 1),
        (keep_a_probe_for_ever, "probe_without_end", 1),
        (lose_a_worker, "job_silent", 2),
        (queue_an_unknown_kind, "job_unknown_kind", 1),
        (queue_what_nobody_may_claim, "job_unclaimable", 2),
        (import_without_a_job, "import_without_job", 1),
        (wait_for_a_lost_archive, "archive_missing", 1),
    ],
)
def test_what_loses_nothing_is_repaired_and_stays_so(
    gallery: Gallery, files: Path, fault: Fault, code: str, count: int
) -> None:
    fault(gallery, files)
    before = list(files.rglob("*"))
    found = examine(actor=SYSTEM)
    assert codes(found)[code] == (count, 0)
    assert not found.clean
    assert sorted(files.rglob("*")) == sorted(before), "looking changes nothing"
    mended = examine(actor=SYSTEM, repair=True)
    assert codes(mended)[code] == (count, count)
    assert mended.clean, mended.findings
    assert AuditEvent.objects.get(action="doctor.repair").data[code] == count
    again = examine(actor=SYSTEM)
    assert again.clean and code not in codes(again)


def test_repairs_do_what_they_say(gallery: Gallery, files: Path) -> None:
    for fault in (
        leave_orphans,
        leave_a_photo_unused,
        forget_the_nightly_purge,
        lose_a_worker,
        wait_for_a_lost_archive,
        import_without_a_job,
    ):
        fault(gallery, files)
    examine(actor=SYSTEM, repair=True)
    kept = {photo_key(p.organization_id, p.sha256) for p in Photo.objects.all()}
    on_disk = {str(path.relative_to(files)) for path in files.rglob("*") if path.is_file()}
    assert on_disk == kept and len(kept) == 4, "the probe's photo went with the probe"
    states = Job.objects.order_by("pk").values_list("state", "error_code")
    assert list(states) == [
        ("queued", ""),
        ("failed", "worker_lost"),
        ("failed", "archive_gone"),
    ]
    assert ImportRun.objects.filter(job=None).count() == 1


def test_young_files_are_left_alone(gallery: Gallery, files: Path) -> None:
    """Whoever stores a photo writes the file first: its row may be a moment away."""
    organization = gallery.organization_id
    put(files, f"{organization}/ab/{'ab' * 32}", old=False)
    put(files, f"{organization}/ab/.part-x1y2", old=False)
    put(files, f"{organization}/archives/{uuid.uuid4().hex}.zip", old=False)
    assert look(repair=True) == {}
    assert len([path for path in files.rglob("*") if path.is_file()]) == 8


def test_the_archive_of_a_waiting_import_is_needed(gallery: Gallery, files: Path) -> None:
    key = f"{gallery.organization_id}/archives/{uuid.uuid4().hex}.zip"
    default_storage.save(key, ContentFile(b"zip"))
    os.utime(files / key, (0, 0))
    ImportRunFactory.create(
        gallery=gallery, archive=key, job=JobFactory.create(organization=gallery.organization)
    )
    assert look(repair=True) == {}
    assert (files / key).exists()


def test_strange_files_are_named_and_never_removed(gallery: Gallery, files: Path) -> None:
    strange = [
        put(files, "notes.txt"),
        put(files, f"{gallery.organization_id}/ab/holiday.jpg"),
        put(files, f"{gallery.organization_id}/ab/{'cd' * 32}"),
        put(files, f"{gallery.organization_id}/archives/people.zip"),
    ]
    assert look(repair=True) == {"file_unknown": (4, 0)}
    assert all(path.exists() for path in strange)


def test_faces_that_nobody_finds_or_that_are_there_twice(gallery: Gallery) -> None:
    first, second = FaceImage.objects.filter(identity__name="ann")
    first.templates.all().delete()
    fields = {"x1": second.x1 + 5, "x2": second.x2, "y1": second.y1, "y2": second.y2}
    twin = FaceImageFactory.create(identity=second.identity, photo=second.photo, **fields)
    FaceTemplateFactory.create(face=twin)
    beside = {"x1": second.x2 - 5, "x2": second.x2 + 55, "y1": second.y1, "y2": second.y2}
    neighbour = FaceImageFactory.create(identity=second.identity, photo=second.photo, **beside)
    FaceTemplateFactory.create(face=neighbour)
    report = examine(actor=SYSTEM, repair=True)
    assert codes(report) == {"template_missing": (1, 0), "face_twice": (1, 0)}
    assert str(first.pk) in example_of(report, "template_missing")
    pair = example_of(report, "face_twice")
    assert str(second.pk) in pair and str(twin.pk) in pair


def test_a_face_with_a_template_of_another_version_only_is_not_found(gallery: Gallery) -> None:
    other = ModelVersionFactory.create(organization=gallery.organization)
    FaceTemplate.objects.filter(face__identity__name="ann").update(model_version=other)
    assert look() == {"template_missing": (2, 0)}


def test_a_template_of_the_wrong_length_is_found(gallery: Gallery) -> None:
    short = FaceTemplate.objects.order_by("pk").first()
    FaceTemplate.objects.filter(pk=short.pk).update(dimension=3, embedding=[0.6, 0.8, 0.0])
    report = examine(actor=SYSTEM)
    assert codes(report) == {"template_malformed": (1, 0)}
    assert example_of(report, "template_malformed") == f"template {short.pk}"


def test_rows_of_two_organizations_do_not_meet_unnoticed(gallery: Gallery) -> None:
    stranger = IdentityFactory.create()
    FaceImage.objects.filter(identity__name="ann").update(identity=stranger)
    Photo.objects.filter(faces__identity__name="bob").update(organization=stranger.organization)
    match = ProbeMatchFactory.create(probe_face=ProbeFaceFactory.create(identity=stranger))
    report = examine(actor=SYSTEM)
    (found,) = (found for found in report.findings if found.code == "reference_foreign")
    assert found.count == 6, "two of ann, two of bob, the probe's face, its match"
    assert len(found.examples) == EXAMPLES
    assert f"probe face {match.probe_face_id}" in found.examples


def test_a_threshold_for_another_size_is_a_note(gallery: Gallery) -> None:
    Gallery.objects.filter(pk=gallery.pk).update(
        default_threshold=0.9, default_threshold_templates=400
    )
    assert stale_thresholds() == [(1, 0)]
    assert stale_thresholds(repair=True) == [(1, 1)]
    gallery.refresh_from_db()
    assert gallery.default_threshold_templates == 4
    assert stale_thresholds() == []
    Gallery.objects.filter(pk=gallery.pk).update(default_threshold=0.9)
    assert stale_thresholds(repair=True) == [(1, 1)], "a value of another calibration"
    assert stale_thresholds() == []


def test_galleries_whose_network_is_gone_or_another_are_named(gallery: Gallery) -> None:
    GalleryFactory.create(model_version=ModelVersionFactory.create(backbone="retired"))
    GalleryFactory.create(model_version=ModelVersionFactory.create(digest="f" * 64))
    assert look() == {"model_unknown": (1, 0), "model_mismatch": (1, 0)}


def test_a_flipped_byte_in_a_network_is_found_and_a_new_machine_is_fine(
    gallery: Gallery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = examine(actor=SYSTEM)
    assert [found.code for found in report.findings] == ["model_unprepared"] and report.clean
    folder = tmp_path / "models" / "facenet-casia"
    folder.mkdir(parents=True)
    (folder / "network.bin").write_bytes(b"weights")
    store.write_manifest(
        folder, recipe="r", weights_sha256="0", names=["network.bin"], made_with={}
    )
    assert look() == {}
    (folder / "network.bin").write_bytes(b"weighty")
    report = examine(actor=SYSTEM)
    assert codes(report) == {"model_damaged": (1, 0)} and not report.clean
    assert "facenet-casia/network.bin" in report.findings[0].examples[0]
    made: list[str] = []
    monkeypatch.setattr("recognition.services.doctor_models.prepare", made.append)
    assert look(repair=True) == {"model_damaged": (1, 0)}, "only what works again is repaired"
    assert made == ["facenet-casia"]


def test_the_command_prints_json_alone_and_says_by_its_code_how_it_is(
    gallery: Gallery, files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(*arguments: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as end:
            call_command("doctor", *arguments)
        return int(end.value.code or 0), capsys.readouterr().out

    code, text = run("--json")
    record = json.loads(text)
    assert (code, record["clean"]) == (0, True)
    leave_orphans(gallery, files)
    code, text = run("--json")
    record = json.loads(text)
    orphan = next(found for found in record["findings"] if found["code"] == "file_orphan")
    assert (code, record["clean"]) == (1, False)
    assert (orphan["count"], orphan["repaired"], orphan["severity"]) == (2, 0, "warning")
    assert len(orphan["examples"]) == 2 and orphan["advice"]
    code, text = run("--repair")
    assert code == 0 and "2, repaired (file_orphan)" in text and text.endswith("Clean.\n")
    assert run()[0] == 0


def test_every_finding_has_a_sentence_without_an_end_advice_and_a_line_in_the_document() -> None:
    for code, kind in KINDS.items():
        assert kind.sentence[0].isupper() and not kind.sentence.endswith("."), code
        assert kind.advice.endswith("."), code
        assert f"`{code}`" in DOCUMENT, code
