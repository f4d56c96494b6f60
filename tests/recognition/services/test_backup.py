"""Backup and restore: written while the platform works, read into places that are empty.

Restores run as commands in processes of their own, one of them on an embedded server under a
`var` that did not exist, the others on fresh databases of the test server.
"""

import contextlib
import dataclasses
import datetime as dt
import io
import itertools
import json
import subprocess
import tarfile
import threading
import uuid
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from faceplatform.accounts.roles import Scope
from faceplatform.accounts.services.keys import revoke_key
from faceplatform.core import storage
from faceplatform.core.actors import SYSTEM
from faceplatform.core.errors import DomainError
from faceplatform.core.jobs import barriers, run_here
from faceplatform.core.models import AuditEvent, JobState
from faceplatform.core.storage import photo_key
from recognition.models import FaceImage, Gallery, Identity, ImportRun, Photo, Probe
from recognition.selectors import templates
from recognition.services.backup import archive, create, database, ledger
from recognition.services.backup.archive import BackupReader, Manifest
from recognition.services.backup.create import export_ledger, make_backup
from recognition.services.doctor import examine
from recognition.services.enrollment import enroll_photo
from recognition.services.galleries import create_gallery, delete_gallery
from recognition.services.identification import identify
from recognition.services.identities import create_identity, delete_face, erase_identity
from recognition.services.imports import start_import
from recognition.services.probes import delete_probe
from tests.factories import ImportRunFactory, JobFactory, OrganizationFactory, make_key
from tests.fakes import FakePipeline, embedding_of, face_photo
from tests.places import Place, answer_for

pytestmark = [pytest.mark.django_db(transaction=True)]

ROOT = Path(__file__).resolve().parents[3]
ANN, BOB, EVE = 1, 2, 3


@pytest.fixture
def gallery(fake_pipeline: FakePipeline, files: Path) -> Gallery:
    return create_gallery(
        organization_id=OrganizationFactory.create().pk, name="Staff", actor=SYSTEM
    )


def enroll(gallery: Gallery, name: str, person: int, variant: int = 0) -> FaceImage:
    identity = Identity.objects.filter(gallery=gallery, name=name).first() or create_identity(
        gallery=gallery, name=name, actor=SYSTEM
    )
    return enroll_photo(
        gallery=gallery,
        identity=identity,
        data=face_photo(person, variant=variant),
        path=f"{name}/{variant}.png",
        actor=SYSTEM,
    )


def erase(gallery: Gallery, name: str) -> None:
    erase_identity(identity=Identity.objects.get(gallery=gallery, name=name), actor=SYSTEM)


def backup(folder: Path) -> Path:
    path = folder / f"{uuid.uuid4().hex}.tar"
    make_backup(path=path, actor=SYSTEM)
    return path


def verified(path: Path) -> Manifest:
    return BackupReader(path).verify(lambda size: None)


# --- the way there and back


def scores(gallery: Gallery) -> dict[str, str]:
    """Return every stored face with its exact score against one probe."""
    found = templates.nearest(gallery, embedding_of(ANN, 77), limit=10_000)
    return {str(match.face_id): match.score.hex() for match in found}


@contextlib.contextmanager
def enrolling(gallery: Gallery) -> Iterator[list[str]]:
    """Enroll without a pause, and erase now and then, while the block runs."""
    enrolled: list[str] = []
    stop = threading.Event()
    started = threading.Event()

    def work() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            face = enroll(gallery, f"person {number}", 1000 + number)
            if number % 5 == 0:
                erase(gallery, f"person {number}")
            else:
                enrolled.append(str(face.pk))
            if number >= 10:
                started.set()
        connection.close()

    worker = threading.Thread(target=work)
    worker.start()
    try:
        assert started.wait(60)
        yield enrolled
    finally:
        stop.set()
        worker.join(60)


@contextlib.contextmanager
def importing(gallery: Gallery) -> Iterator[ImportRun]:
    """Run an import of twenty batches: some of them slowly while the block runs, then the rest."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for number in range(320):
            archive.writestr(f"import {number % 40}/{number}.png", face_photo(3000 + number))
    run = start_import(
        gallery=gallery, name="i.zip", archive=ContentFile(out.getvalue()), actor=SYSTEM, ring=False
    )
    job_id = run.job_id
    assert job_id is not None
    hurry = threading.Event()
    written = threading.Event()
    commits = itertools.count(1)

    def linger(name: str) -> None:
        if name == "after_commit":
            written.set()
            hurry.wait(0.5 if next(commits) < 10 else None)

    def work() -> None:
        run_here(job_id)
        connection.close()

    barriers.add_hook(linger)
    worker = threading.Thread(target=work)
    worker.start()
    try:
        assert written.wait(60)
        yield run
    finally:
        hurry.set()
        worker.join(60)
        barriers.clear_hooks()


def check_that_work_goes_on(new_machine: Place, run: ImportRun, folder: Path) -> None:
    """The import ends there as it ended here, and a photo gets the same answer, digit for digit."""
    photo = folder / "ann.png"
    photo.write_bytes(face_photo(ANN, variant=50))
    body = """
from pathlib import Path
from faceplatform.core.jobs import run_here
from recognition.services.pipelines import pipelines
from tests.fakes import FakePipeline
from tests.places import answer_for
version = Gallery.objects.get().model_version
pipelines.ready["facenet-casia"] = FakePipeline(digest=version.digest)
run = ImportRun.objects.get()
waited = run.items.count()
ran = run_here(run.job_id)
run.job.refresh_from_db()
found = answer_for(Path(photo).read_bytes())
answer = [waited, ran, run.job.state, run.job.result["counts"], found, clean()]
"""
    waited, ran, state, counts, found, clean = new_machine.ask(body, photo=photo)
    run.job.refresh_from_db()
    assert 16 <= waited < 320, "the import came along half done"
    assert (ran, state, counts) == (True, run.job.state, run.job.result["counts"])
    assert found == answer_for(photo.read_bytes())
    assert clean is True


@pytest.mark.stack
@pytest.mark.slow
def test_a_backup_under_load_comes_back_whole_on_a_new_machine(
    gallery: Gallery, tmp_path: Path, new_machine: Place
) -> None:
    for variant in range(3):
        enroll(gallery, "ann", ANN, variant)
    enroll(gallery, "bob", BOB)
    identify(gallery=gallery, data=face_photo(EVE), name="eve.png", actor=SYSTEM)
    with enrolling(gallery) as enrolled, importing(gallery) as run:
        before = set(enrolled)
        path = backup(tmp_path)
        during = len(enrolled) - len(before)
        items = run.items.count()
    assert during > 0, "the backup was made while faces came in"
    assert 16 <= items < 320, "and while an import ran"
    assert path.stat().st_mode & 0o777 == 0o600

    done = new_machine.manage("restore", str(path))
    assert done.returncode == 0 and done.stdout.startswith("Restored."), done.stderr
    done = new_machine.manage("doctor", "--json")
    record = json.loads(done.stdout)
    assert done.returncode == 0 and record["clean"], record["findings"]
    photos, files = record["checked"]["photos"], record["checked"]["files"]
    assert photos + 1 == files == len(new_machine.stored), "all photos, and the import's archive"

    refused = new_machine.manage("restore", str(path))
    assert refused.returncode == 1 and "The database is not empty" in refused.stderr
    there, here = new_machine.ask("answer = scores()"), scores(gallery)
    assert before <= set(there), "everything that was acknowledged before is there"
    common = set(there) & set(here)
    assert len(common) >= len(before) + 4
    assert {face: there[face] for face in common} == {face: here[face] for face in common}
    best = max(there, key=lambda face: float.fromhex(there[face]))
    assert FaceImage.objects.get(pk=best).identity.name == "ann"

    check_that_work_goes_on(new_machine, run, tmp_path)


def test_the_file_can_be_read_without_the_platform(gallery: Gallery, tmp_path: Path) -> None:
    face = enroll(gallery, "ann", ANN)
    path = backup(tmp_path)
    folder = tmp_path / "unpacked"
    with tarfile.open(path) as tar:
        tar.extractall(folder, filter="data")
    checked = subprocess.run(
        ["sha256sum", "--check", "--strict", "SHA256SUMS"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    key = photo_key(gallery.organization_id, face.photo.sha256)
    assert f"files/{key}: OK" in checked.stdout and "database.dump: OK" in checked.stdout
    manifest = json.loads((folder / "manifest.json").read_text())
    assert (manifest["counts"]["faces"], manifest["counts"]["files"]) == (1, 1)
    assert manifest["counts"]["bytes"] == face.photo.size
    assert "recognition.0001_initial" in manifest["migrations"]
    assert list(tmp_path.glob(".*")) == [], "no draft is left"
    made = AuditEvent.objects.get(action="backup.create")
    assert made.data == {"files": 1, "bytes": face.photo.size}


def test_nobody_stays_logged_in_and_unfinished_work_waits(
    gallery: Gallery, tmp_path: Path, place: Place
) -> None:
    organization = gallery.organization
    key = storage.put_archive(organization.pk, ContentFile(b"zip"))
    waiting = JobFactory.create(organization=organization, attempt=1)
    ImportRunFactory.create(gallery=gallery, archive=key, job=waiting)
    lost = JobFactory.create(organization=organization)
    ImportRunFactory.create(gallery=gallery, archive=f"{organization.pk}/archives/x.zip", job=lost)
    later = timezone.now() + dt.timedelta(minutes=1)
    running = JobFactory.create(
        organization=organization, state=JobState.RUNNING, attempt=1, lease_until=later
    )
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO django_session VALUES ('key', 'data', now() + '1 day')")
    answer = place.ask(
        """
text = restore(path)
from django.contrib.sessions.models import Session
jobs = {str(job.pk): [job.state, job.error_code] for job in Job.objects.all()}
answer = [text, jobs, Session.objects.count(), clean()]
""",
        path=backup(tmp_path),
    )
    assert "Unfinished jobs that wait for a worker again: 1." in answer[0]
    assert answer[1:] == [
        {
            str(waiting.pk): ["queued", ""],
            str(lost.pk): ["failed", "archive_gone"],
            str(running.pk): ["queued", ""],
        },
        0,
        True,
    ]
    assert place.stored == [key]


# --- retention and erasure


def test_what_is_erased_between_snapshot_and_copying_does_not_come_back(
    gallery: Gallery, tmp_path: Path, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = enroll(gallery, "ann", ANN)
    stays = enroll(gallery, "bob", BOB)
    probe = identify(gallery=gallery, data=face_photo(EVE), name="eve.png", actor=SYSTEM)
    dump = database.dump

    def erase_after(target: Path, *, snapshot_name: str) -> None:
        dump(target, snapshot_name=snapshot_name)
        worker = threading.Thread(target=erase_both)
        worker.start()
        worker.join()

    def erase_both() -> None:
        erase(gallery, "ann")
        delete_probe(probe=probe, actor=SYSTEM)
        connection.close()

    monkeypatch.setattr(database, "dump", erase_after)
    path = backup(tmp_path)
    manifest = verified(path)
    assert manifest.counts["identities"] == 2, "the snapshot still had both"
    assert photo_key(gallery.organization_id, gone.photo.sha256) in manifest.erased_meanwhile
    assert len(manifest.erased_meanwhile) == 2
    text, *rest = place.ask(
        "answer = [restore(path), names(), Probe.objects.count(), clean()]", path=path
    )
    assert "Later erasures, applied again: 2." in text
    assert rest == [["bob"], 0, True]
    assert place.stored == [photo_key(gallery.organization_id, stays.photo.sha256)]


@pytest.fixture
def staff(gallery: Gallery) -> Gallery:
    """Ann, bob and eve with two images each; eve was erased and enrolled again with one."""
    for number, name in enumerate(("ann", "bob", "eve")):
        enroll(gallery, name, 10 + number, 0)
        enroll(gallery, name, 10 + number, 1)
    erase(gallery, "eve")
    enroll(gallery, "eve", 12, 0)
    return gallery


def test_what_was_erased_after_the_backup_is_erased_again_by_the_ledger(
    staff: Gallery, tmp_path: Path, place: Place
) -> None:
    organization = staff.organization
    other = create_gallery(organization_id=organization.pk, name="Visitors", actor=SYSTEM)
    enroll(other, "guest", 20)
    key = make_key(organization, Scope.READ).key
    kept = identify(gallery=staff, data=face_photo(30), name="30.png", actor=SYSTEM)
    asked = identify(gallery=staff, data=face_photo(31), name="31.png", actor=SYSTEM)
    path = backup(tmp_path)

    erase(staff, "ann")
    delete_face(face=staff.faces.get(path="bob/1.png"), actor=SYSTEM)
    delete_gallery(gallery=other, actor=SYSTEM)
    delete_probe(probe=asked, actor=SYSTEM)
    revoke_key(key=key, actor=SYSTEM)
    book = tmp_path / "ledger.jsonl"
    call_command("backup", str(book), "--ledger-only", stdout=io.StringIO())
    assert b"ann" not in book.read_bytes() and b"bob" not in book.read_bytes(), "no names"
    answer = place.ask(
        """
answer = {
    "text": restore(path, "--ledger", book),
    "people": names(),
    "images": sorted(FaceImage.objects.values_list("path", flat=True)),
    "probes": [str(pk) for pk in Probe.objects.values_list("pk", flat=True)],
    "key": ApiKey.objects.get().state,
    "events": [str(e.pk) for e in AuditEvent.objects.filter(actor_label="erasure ledger")],
    "clean": clean(),
}
""",
        path=path,
        book=book,
    )
    assert "Later erasures, applied again: 5." in answer.pop("text")
    events = answer.pop("events")
    assert AuditEvent.objects.filter(pk__in=events).count() == len(events) == 5
    assert answer == {
        "people": ["bob", "eve"],
        "images": ["bob/0.png", "eve/0.png"],
        "probes": [str(kept.pk)],
        "key": "revoked",
        "clean": True,
    }
    present = {photo_key(p.organization_id, p.sha256) for p in Photo.objects.all()}
    assert set(place.stored) == present


def test_what_was_erased_in_the_database_that_is_replaced_is_erased_again(
    staff: Gallery, tmp_path: Path, place: Place
) -> None:
    """Also when the first restore was interrupted at its worst moment."""
    answer = place.ask(
        """
restore(path)
erase_identity(identity=Identity.objects.get(name="bob"), actor=SYSTEM)
from recognition.services.backup import restore as module
reconcile = module._reconcile
def interrupt(*args):
    raise KeyboardInterrupt
module._reconcile = interrupt
try:
    restore(path, "--force")
except KeyboardInterrupt:
    answer = [names()]
module._reconcile = reconcile
answer += [restore(path, "--force"), names(), clean()]
""",
        path=backup(tmp_path),
    )
    assert answer[0] == ["ann", "bob", "eve"], "the tables were replaced and bob was back"
    assert "Later erasures, applied again: 1." in answer[1]
    assert answer[2:] == [["ann", "eve"], True]
    assert list((place.var / "erasures").iterdir()) == [], "the ledger has done its work"


def test_bytes_that_were_erased_go_whoever_has_them_in_the_backup(
    gallery: Gallery, tmp_path: Path, place: Place
) -> None:
    """The picture hung at ann when the backup was made; it was erased as bob's."""
    face = enroll(gallery, "ann", ANN)
    bob = create_identity(gallery=gallery, name="bob", actor=SYSTEM)
    probe = identify(gallery=gallery, data=face_photo(ANN), name="same.png", actor=SYSTEM)
    assert probe.photo_id == face.photo_id
    path = backup(tmp_path)
    Identity.objects.filter(pk=bob.pk).delete()
    bob = create_identity(gallery=gallery, name="bob", actor=SYSTEM)
    FaceImage.objects.filter(pk=face.pk).update(identity=bob)
    delete_probe(probe=probe, actor=SYSTEM)
    erase(gallery, "bob")
    book = tmp_path / "ledger.jsonl"
    assert export_ledger(path=book) == 2
    body = """
restore(path, "--ledger", book)
answer = [FaceImage.objects.count(), Probe.objects.count(), clean()]
"""
    assert place.ask(body, path=path, book=book) == [0, 0, True]
    assert place.stored == []


def test_probes_whose_time_is_over_do_not_come_back(
    gallery: Gallery, tmp_path: Path, place: Place
) -> None:
    over = identify(gallery=gallery, data=face_photo(ANN), name="ann.png", actor=SYSTEM)
    kept = identify(gallery=gallery, data=face_photo(BOB), name="bob.png", actor=SYSTEM)
    Probe.objects.filter(pk=over.pk).update(expires_at=timezone.now())
    path = backup(tmp_path)
    assert verified(path).counts["probes"] == 2
    text, *probes = place.ask(
        "answer = [restore(path), *(str(p.pk) for p in Probe.objects.all())]", path=path
    )
    assert "Probes forgotten because their time is over: 1." in text
    assert probes == [str(kept.pk)]
    assert place.stored == [photo_key(gallery.organization_id, kept.photo.sha256)]


def test_a_ledger_is_whole_or_refused(gallery: Gallery) -> None:
    enroll(gallery, "ann", ANN)
    enroll(gallery, "bob", BOB)
    erase(gallery, "ann")
    erase(gallery, "bob")
    stream = io.BytesIO()
    assert ledger.write_ledger(stream) == 2
    whole = stream.getvalue()
    assert [e.action for e in ledger.read_ledger(io.BytesIO(whole))] == ["identity.erase"] * 2
    lines = whole.splitlines(keepends=True)
    for broken in (
        b"",
        b"\n",
        b"[]\n",
        b"".join(lines[1:]),
        b"".join(lines[:-1]),
        b"".join([lines[0], *lines[2:]]),
        whole.replace(b"identity.erase", b"identity.blast", 1),
        whole.replace(b'"target": "0', b'"target": "1', 1),
        whole[:-20],
    ):
        assert broken != whole
        with pytest.raises(DomainError) as error:
            list(ledger.read_ledger(io.BytesIO(broken)))
        assert error.value.code == "ledger_damaged"


def test_a_ledger_is_applied_once_and_to_its_own_organizations(gallery: Gallery) -> None:
    enroll(gallery, "ann", ANN)
    erased = ledger.Erasure(
        id=str(uuid.uuid4()),
        organization=str(gallery.organization_id),
        at="2026-01-02T03:04:05+00:00",
        action="identity.erase",
        target=str(Identity.objects.get().pk),
        photos=[],
    )
    elsewhere = dataclasses.replace(erased, id=str(uuid.uuid4()), organization=str(uuid.uuid4()))
    assert ledger.erase_again([elsewhere], actor=SYSTEM) == 0
    assert Identity.objects.count() == 1
    assert ledger.erase_again([erased, elsewhere], actor=SYSTEM) == 1
    assert not Photo.objects.exists()
    assert AuditEvent.objects.get(pk=erased.id).at.isoformat() == erased.at
    enroll(gallery, "ann", ANN)
    assert ledger.erase_again([erased], actor=SYSTEM) == 0
    assert Photo.objects.count() == 1


# --- what is refused


def change(path: Path, rewrite: Callable[[str, bytes], tuple[str, bytes] | None]) -> Path:
    """Copy a backup member by member; checksums stay as they were."""
    target = path.with_name("changed.tar")
    with tarfile.open(path) as source, tarfile.open(target, "w") as out:
        for info in source:
            stream = source.extractfile(info)
            assert stream is not None
            changed = rewrite(info.name, stream.read())
            if changed is not None:
                info.name, data = changed
                info.pax_headers = {}  # a long name would win from there
                info.size = len(data)
                out.addfile(info, io.BytesIO(data))
    return target


def flip(name: str, at: int = 50) -> Callable[[str, bytes], tuple[str, bytes]]:
    def rewrite(found: str, data: bytes) -> tuple[str, bytes]:
        if not found.startswith(name):
            return found, data
        changed = bytearray(data)
        changed[at % len(data)] ^= 1
        return found, bytes(changed)

    return rewrite


def drop(name: str) -> Callable[[str, bytes], tuple[str, bytes] | None]:
    return lambda found, data: None if found.startswith(name) else (found, data)


@pytest.mark.parametrize(
    ("rewrite", "named"),
    [
        (flip("files/"), "files/"),
        (flip("database.dump"), "database.dump"),
        (flip("erasures.jsonl"), "erasures.jsonl"),
        (flip("SHA256SUMS"), "database.dump"),
        (flip("SHA256SUMS", -3), "erasures.j"),
        (flip("manifest.json"), "manifest"),
        (drop("files/"), "files/"),
        (drop("database.dump"), "database.dump"),
        (drop("SHA256SUMS"), "list of checksums"),
        (drop("manifest.json"), "end is missing"),
        (lambda name, data: (name.replace("files/", "files/../"), data), "files/../"),
        (lambda name, data: (name.replace("SHA256SUMS", "more"), data), "'more'"),
    ],
)
def test_any_change_to_a_backup_is_noticed(
    gallery: Gallery,
    tmp_path: Path,
    rewrite: Callable[[str, bytes], tuple[str, bytes] | None],
    named: str,
) -> None:
    enroll(gallery, "ann", ANN)
    path = backup(tmp_path)
    verified(path)
    with pytest.raises(DomainError) as error:
        verified(change(path, rewrite))
    assert error.value.code == "backup_damaged"
    assert named in error.value.detail


def test_a_backup_that_was_cut_or_is_none_is_refused(gallery: Gallery, tmp_path: Path) -> None:
    enroll(gallery, "ann", ANN)
    path = backup(tmp_path)
    data = path.read_bytes()
    with tarfile.open(path) as tar:
        starts = [info.offset for info in tar]
    cuts = [0, 100, *starts, *(start + 700 for start in starts[:-1]), starts[-1] + 600]
    for cut in cuts:
        path.write_bytes(data[:cut])
        with pytest.raises(DomainError) as error:
            verified(path)
        assert error.value.code == "backup_damaged", cut
    path.write_bytes(b"something else entirely" * 100)
    with pytest.raises(DomainError, match="backup_damaged"):
        verified(path)
    with pytest.raises(DomainError, match="backup_unreadable"):
        verified(tmp_path / "nothing.tar")


def test_a_damaged_backup_or_ledger_changes_nothing(
    gallery: Gallery, tmp_path: Path, place: Place
) -> None:
    enroll(gallery, "ann", ANN)
    path = backup(tmp_path)
    book = tmp_path / "ledger.jsonl"
    book.write_text('{"ledger": 1}\n')
    answer = place.ask(
        """
answer = [
    refusal(bad),
    refusal(path, "--ledger", book),
    refusal(path, "--ledger", "/nowhere"),
    tables(),
]
restore(path)
before = scores()
answer += [refusal(bad, "--force"), len(before), scores() == before]
""",
        path=path,
        bad=change(path, flip("files/")),
        book=book,
    )
    codes = [text.rsplit(" ", 1)[-1] for text in answer[:3]]
    assert codes == ["(backup_damaged)", "(ledger_damaged)", "(ledger_unreadable)"]
    assert answer[3] == []
    assert "backup_damaged" in answer[4]
    assert answer[5:] == [1, True]
    assert len(place.stored) == 1


def test_a_database_that_cannot_be_loaded_is_left_as_it_was(
    gallery: Gallery, tmp_path: Path, place: Place
) -> None:
    """The checksums are right and the dump is not: it was cut before the backup was made."""
    enroll(gallery, "ann", ANN)
    good = backup(tmp_path)
    enroll(gallery, "bob", BOB)
    whole = backup(tmp_path)
    broken = tmp_path / "broken.tar"
    reader = BackupReader(whole)
    facts = dataclasses.asdict(verified(whole))
    with archive.writing(broken) as out:
        for member in reader.members():
            if member.name == archive.DUMP:
                cut = member.stream.read()[: -member.size // 4]
                out.add(member.name, io.BytesIO(cut), len(cut))
            elif member.name not in {"SHA256SUMS", "manifest.json"}:
                out.add(member.name, member.stream, member.size)
        out.finish(**{k: v for k, v in facts.items() if k not in {"format", "sums_sha256"}})
    answer = place.ask(
        """
restore(good)
before = scores()
answer = [refusal(broken, "--force"), len(before), scores() == before, clean()]
""",
        good=good,
        broken=broken,
    )
    assert "The database was left as it was" in answer[0] and "load_failed" in answer[0]
    assert answer[1:] == [1, True, True]
    assert len(place.stored) == 1, "bob's picture was taken away again"


def test_a_place_in_use_or_of_somebody_else_is_refused(
    gallery: Gallery, tmp_path: Path, place: Place
) -> None:
    stray = place.var / "files" / "stray.txt"
    stray.parent.mkdir(parents=True)
    stray.write_text("somebody's")
    answer = place.ask(
        """
import os, psycopg
with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as other:
    answer = [refusal(path, "--force")]
    other.execute("CREATE TABLE invoices (id int)")
answer.append(refusal(path, "--force"))
with connection.cursor() as cursor:
    cursor.execute("DROP TABLE invoices")
import time
from recognition.services.backup import database
deadline = time.monotonic() + 20
while database.other_sessions() and time.monotonic() < deadline:  # a closed one takes a moment
    time.sleep(0.05)
answer += [refusal(path), tables()]
""",
        path=backup(tmp_path),
    )
    assert "Stop the platform first. (platform_running)" in answer[0]
    assert "tables of something else (invoices)" in answer[1]
    assert "The folder of files is not empty" in answer[2]
    assert answer[3] == []
    assert stray.read_text() == "somebody's"


def test_a_migrated_database_that_nobody_used_counts_as_empty(
    gallery: Gallery, tmp_path: Path, place: Place
) -> None:
    enroll(gallery, "ann", ANN)
    body = """
call_command("migrate", verbosity=0)
restore(path)
answer = [len(scores()), refusal(path)]
"""
    found, refused = place.ask(body, path=backup(tmp_path))
    assert found == 1
    assert "The database is not empty" in refused and "--force" in refused


def test_a_backup_of_a_newer_version_or_server_is_refused(
    gallery: Gallery, tmp_path: Path, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    applied = database.applied_migrations()
    monkeypatch.setattr(
        database, "applied_migrations", lambda: [*applied, "recognition.9999_later"]
    )
    version = backup(tmp_path)
    monkeypatch.undo()
    monkeypatch.setattr(database, "server_version", lambda: 190_000)
    answer = place.ask(
        "answer = [refusal(version), refusal(server), tables()]",
        version=version,
        server=backup(tmp_path),
    )
    assert "newer version" in answer[0] and "recognition.9999_later" in answer[0]
    assert "made on PostgreSQL 19, this server is 18" in answer[1]
    assert answer[2] == []


# --- what a backup says about the installation


def test_files_that_were_lost_or_damaged_before_do_not_stop_a_backup(
    gallery: Gallery, files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lost, changed = enroll(gallery, "ann", ANN), enroll(gallery, "bob", BOB)
    keys = [photo_key(gallery.organization_id, face.photo.sha256) for face in (lost, changed)]
    (files / keys[0]).unlink()
    (files / keys[1]).write_bytes(b"rot")
    path = tmp_path / "b.tar"
    call_command("backup", str(path))
    out, progress = capsys.readouterr()
    assert progress == "Writing the database ...\nWriting files ...\n"
    call_command("restore", str(path), "--check")
    assert capsys.readouterr().out in out, "the same contents, and nothing was touched"
    assert FaceImage.objects.count() == 2
    assert f"Missing before, so not in the backup, files: 1 ({keys[0]})" in out
    assert f"Damaged before, in the backup as they were, files: 1 ({keys[1]})" in out
    assert "Run `manage.py doctor`." in out
    manifest = verified(path)
    assert (manifest.missing, manifest.damaged) == ([keys[0]], [keys[1]])
    assert manifest.counts["files"] == 1


def test_a_backup_never_replaces_a_file_and_leaves_none_when_it_fails(
    gallery: Gallery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "b.tar"
    path.write_text("last night's")
    with pytest.raises(CommandError, match="backup_exists"):
        call_command("backup", str(path))
    assert path.read_text() == "last night's"
    with pytest.raises(CommandError, match="folder_missing"):
        call_command("backup", str(tmp_path / "nowhere" / "b.tar"))
    path.unlink()

    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(create, "_copy_files", full)
    with pytest.raises(CommandError, match="No space left on device"):
        call_command("backup", str(path))
    assert list(tmp_path.glob("*.tar*")) == list(tmp_path.glob(".*.tar*")) == []
    assert not AuditEvent.objects.filter(action="backup.create").exists()


def test_a_restored_platform_goes_on(gallery: Gallery, tmp_path: Path, place: Place) -> None:
    """Ids go on where they ended, and the same photo is still known."""
    enroll(gallery, "ann", ANN)
    body = """
restore(path)
from recognition.services.enrollment import enroll_photo
from recognition.services.identities import create_identity
from recognition.services.pipelines import pipelines
from faceplatform.core.errors import DomainError
from tests.fakes import FakePipeline, face_photo
gallery = Gallery.objects.get()
pipelines.ready["facenet-casia"] = FakePipeline(digest=gallery.model_version.digest)
ann, bob = Identity.objects.get(), create_identity(gallery=gallery, name="bob", actor=SYSTEM)
try:
    enroll_photo(gallery=gallery, identity=ann, data=face_photo(1), path="a.png", actor=SYSTEM)
except DomainError as error:
    answer = [error.code]
enroll_photo(gallery=gallery, identity=bob, data=face_photo(2), path="bob.png", actor=SYSTEM)
answer += [FaceTemplate.objects.count(), clean()]
"""
    answer = place.ask(body, path=backup(tmp_path))
    assert answer == ["duplicate_image", 2, True]


def test_a_clean_place_is_made_from_a_clean_one(gallery: Gallery, tmp_path: Path) -> None:
    """A backup leaves the installation as it found it."""
    enroll(gallery, "ann", ANN)
    backup(tmp_path)
    assert examine(actor=SYSTEM).clean
