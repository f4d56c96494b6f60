"""After somebody is erased, no row of the platform says their name."""

from pathlib import Path
from typing import Any

import pytest
from django.apps import apps

from faceplatform.accounts.models import Organization
from faceplatform.core.actors import SYSTEM
from faceplatform.core.jobs import run_here
from faceplatform.core.models import AuditEvent
from recognition.models import (
    FaceImage,
    Gallery,
    Identity,
    ImportItem,
    ImportRun,
    Photo,
    ReviewAction,
)
from recognition.services import import_batches
from recognition.services.enrollment import enroll_photo
from recognition.services.galleries import create_gallery, delete_gallery
from recognition.services.identities import change_identity, delete_face, erase_identity
from recognition.services.import_sources import FolderSource
from recognition.services.imports import start_import
from recognition.services.review import decide
from tests.fakes import FakePipeline, face_photo

pytestmark = pytest.mark.django_db(transaction=True)

ANN, BOB = 1, 2


@pytest.fixture
def gallery(fake_pipeline: FakePipeline, files: Path) -> Gallery:
    organization = Organization.objects.create(name="team")
    return create_gallery(organization_id=organization.pk, name="Staff", actor=SYSTEM)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two people, a photo that shows nobody, and one photo in both folders."""
    photos = {
        "ann/ann_1.png": face_photo(ANN),
        "ann/ann_2.png": b"no photo",
        "bob/1.png": face_photo(BOB),
        "bob/2.png": face_photo(ANN),
    }
    for name, data in photos.items():
        path = tmp_path / "people" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return tmp_path / "people"


def import_folder(gallery: Gallery, folder: Path) -> ImportRun:
    run = start_import(gallery=gallery, name="people", folder=folder, actor=SYSTEM, ring=False)
    assert run.job is not None
    assert run_here(run.job.pk)
    return run


def rows_with(word: str) -> list[str]:
    """Every row of every table that has the word in one of its values."""
    return [
        f"{model.__name__} {values}"
        for model in apps.get_models()
        for values in model._base_manager.values()
        if word in str(values).lower()
    ]


def erase(name: str) -> None:
    erase_identity(identity=Identity.objects.get(name=name), actor=SYSTEM)


def test_no_row_says_the_name_of_somebody_erased(gallery: Gallery, folder: Path) -> None:
    run = import_folder(gallery, folder)
    ann = Identity.objects.get(name="ann")
    change_identity(identity=ann, name="Annabel", actor=SYSTEM)
    for name in ("annex.png", "ann.png"):
        data = face_photo(ANN, variant=len(name))
        image = enroll_photo(gallery=gallery, identity=ann, data=data, path=name, actor=SYSTEM)
    delete_face(face=image, actor=SYSTEM)
    assert len(rows_with("ann")) > 8
    erase("Annabel")
    assert rows_with("ann") == []
    reports = ImportItem.objects.filter(run=run).order_by("number")
    assert [(item.path, item.identity_name, item.status, item.code) for item in reports] == [
        ("erased/1/", "", "enrolled", ""),
        ("erased/2/", "", "failed", "unsupported_media"),
        ("bob/1.png", "bob", "enrolled", ""),
        ("bob/2.png", "bob", "skipped", "duplicate_image"),
    ]


def test_an_image_that_was_moved_to_somebody_else_forgets_where_it_came_from(
    gallery: Gallery, folder: Path
) -> None:
    import_folder(gallery, folder)
    image = FaceImage.objects.get(identity__name="ann")
    bob = Identity.objects.get(name="bob")
    decide(face=image, action=ReviewAction.MOVE, identity=bob, actor=SYSTEM)
    erase("ann")
    assert rows_with("ann") == []
    assert FaceImage.objects.filter(identity=bob).count() == 2


def test_what_an_event_proves_stays(gallery: Gallery, folder: Path) -> None:
    import_folder(gallery, folder)
    ann = Identity.objects.get(name="ann")
    (sha256,) = Photo.objects.filter(faces__identity=ann).values_list("sha256", flat=True)
    erase("ann")
    event = AuditEvent.objects.get(action="identity.erase")
    assert (event.target_id, event.target_label) == (str(ann.pk), "")
    assert event.data == {"images": 1, "photos_sha256": [sha256]}


def test_the_names_of_others_stay(gallery: Gallery, folder: Path) -> None:
    import_folder(gallery, folder)
    other = create_gallery(organization_id=gallery.organization_id, name="Other", actor=SYSTEM)
    import_folder(other, folder)
    bob = Identity.objects.get(gallery=gallery, name="bob")
    enroll_photo(gallery=gallery, identity=bob, data=face_photo(9), path="b.png", actor=SYSTEM)
    erase_identity(identity=Identity.objects.get(gallery=gallery, name="ann"), actor=SYSTEM)
    assert ImportItem.objects.filter(run__gallery=other, identity_name="ann").count() == 2
    assert ImportItem.objects.filter(run__gallery=gallery, identity_name="bob").count() == 2
    assert AuditEvent.objects.get(action="image.enroll").target_label == "bob"


def test_an_import_that_goes_on_does_not_bring_somebody_back(
    gallery: Gallery, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was imported before the worker died and erased before the next one is not read again."""
    run = import_folder(gallery, folder)
    erase("ann")
    asked: list[Any] = []
    monkeypatch.setattr(import_batches, "_read", lambda source, entry: asked.append(entry))
    import_batches.import_batches(run=run, source=FolderSource(folder), context=_Silent())  # type: ignore[arg-type]
    assert asked == []
    assert not Identity.objects.filter(name="ann").exists()


class _Silent:
    """A job that nobody watches."""

    def progress(self, *args: Any, **kwargs: Any) -> None:
        """Say nothing."""


def test_a_deleted_gallery_leaves_checksums_and_no_names(gallery: Gallery, folder: Path) -> None:
    import_folder(gallery, folder)
    sums = sorted(Photo.objects.values_list("sha256", flat=True))
    bob = Identity.objects.get(name="bob")
    change_identity(identity=bob, name="bobby", actor=SYSTEM)
    pk = str(gallery.pk)
    delete_gallery(gallery=gallery, actor=SYSTEM)
    event = AuditEvent.objects.get(action="gallery.delete")
    assert (event.target_id, event.target_label) == (pk, "Staff")
    assert event.data == {"people": 2, "photos_sha256": sums}
    assert rows_with("bob") == []
    assert not FaceImage.objects.exists()
