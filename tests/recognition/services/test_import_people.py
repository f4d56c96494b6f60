"""A CSV beside a zip of people, and photos of nobody."""

import contextlib
import io
import json
import zipfile
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from hypothesis import given, settings
from hypothesis import strategies as st

from faceplatform.accounts.roles import Role
from faceplatform.core.actors import SYSTEM
from faceplatform.core.errors import DomainError
from faceplatform.core.jobs import run_here
from recognition.models import Consent, FaceImage, FaceTemplate, Gallery, Identity, ImportRun
from recognition.selectors.unnamed import unnamed_clusters
from recognition.services.identities import erase_identity
from recognition.services.imports import counts_of, start_import
from recognition.services.people_csv import PersonLine, read_people_csv
from tests.api.caller import Caller, refused, upload
from tests.factories import GalleryFactory, IdentityFactory, make_member
from tests.fakes import POOR, FakePipeline, face_photo

pytestmark = pytest.mark.django_db(transaction=True)

CSV = b"""name,external_id,tags,notes,metadata.office,consent_purpose,consent_given_on,retain_until
ann,E-1,night;guest,Asked for a ladder,Oslo,Entry,2026-01-31,2031-12-31
bob,E-2,,,,,,
zoe,E-3,day,No photo yet,,,,
"""


@pytest.fixture
def gallery(fake_pipeline: FakePipeline, files: Path) -> Gallery:
    made: Gallery = GalleryFactory.create()
    return made


def archive(**images: bytes) -> ContentFile:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as target:
        for path, data in images.items():
            target.writestr(path.replace("__", "/") + ".png", data)
    return ContentFile(out.getvalue(), name="people.zip")


def run(
    gallery: Gallery, images: ContentFile, csv: bytes | None, *, keep_unnamed: bool = False
) -> ImportRun:
    made = start_import(
        gallery=gallery,
        name="people.zip",
        archive=images,
        people=csv,
        actor=SYSTEM,
        ring=False,
        keep_unnamed=keep_unnamed,
    )
    assert made.job is not None
    run_here(made.job.pk)
    made.refresh_from_db()
    made.job.refresh_from_db()
    assert made.job.state == "succeeded", made.job.error_detail
    return made


def test_people_are_described_before_their_images_come(gallery: Gallery) -> None:
    gallery.consent_required = True
    gallery.save()
    made = run(gallery, archive(ann__1=face_photo(1), bob__1=face_photo(2)), CSV)
    ann, bob, zoe = Identity.objects.filter(gallery=gallery).order_by("name")
    assert (ann.external_id, ann.tags, ann.notes) == (
        "E-1",
        ["night", "guest"],
        "Asked for a ladder",
    )
    assert (ann.metadata, str(ann.retain_until)) == ({"office": "Oslo"}, "2031-12-31")
    consent = Consent.objects.get()
    assert (consent.identity, consent.purpose, str(consent.given_on)) == (
        ann,
        "Entry",
        "2026-01-31",
    )
    searchable = FaceTemplate.objects.filter(searchable=True)
    assert [row.face.identity for row in searchable] == [ann]
    assert (bob.external_id, zoe.notes, zoe.faces.count()) == ("E-2", "No photo yet", 0)
    assert made.people == []
    assert counts_of(made)["enrolled"] == 2


def test_the_same_csv_again_changes_nothing(gallery: Gallery) -> None:
    for _ in range(2):
        made = run(gallery, archive(ann__1=face_photo(1)), CSV)
    assert counts_of(made)["failed"] == 0
    assert Consent.objects.count() == 1
    assert Identity.objects.get(name="ann").tags == ["night", "guest"]


def test_a_line_that_collides_is_reported_and_changes_nothing(gallery: Gallery) -> None:
    IdentityFactory.create(gallery=gallery, name="somebody", external_id="E-1")
    made = run(gallery, archive(ann__1=face_photo(1)), CSV)
    line = made.items.get(status="failed")
    assert (line.path, line.identity_name, line.code) == (
        "CSV, line 2",
        "ann",
        "external_id_exists",
    )
    ann = Identity.objects.get(name="ann")  # made by the image's folder
    assert (ann.external_id, ann.tags, ann.consents.count()) == ("", [], 0)
    assert Identity.objects.get(name="bob").external_id == "E-2"


def test_wrong_lines_stop_the_import_before_it_begins(gallery: Gallery) -> None:
    wrong = (
        b"name;external_id;tags;consent_purpose;consent_given_on\r\n"
        b"ann;1;;Entry;\r\n"
        b"bob;1;;;\r\n"
        b"ann;2;;;31.12.2026\r\n"
        b";3;;;\r\n"
        b"eve;3;" + b"x" * 41 + b";;\r\n"
        b"joe;" + b"7" * 121 + b";;;\r\n"
        b"max;1;;;\r\n"
    )
    with pytest.raises(DomainError) as refusal:
        start_import(
            gallery=gallery,
            name="x",
            archive=archive(ann__1=face_photo(1)),
            people=wrong,
            actor=SYSTEM,
            ring=False,
        )
    assert refusal.value.code == "people_csv_invalid"
    assert [(error.field, error.code) for error in refusal.value.errors] == [
        ("line 2", "consent_invalid"),
        ("line 4", "day_invalid"),
        ("line 5", "name_invalid"),
        ("line 6", "tags_invalid"),
        ("line 7", "external_id_invalid"),
        ("line 8", "external_id_repeated"),
    ]
    assert not ImportRun.objects.exists()
    assert not Identity.objects.exists()


@pytest.mark.parametrize(
    "text", [b"", b"\n\n", b"external_id\n1\n", b"name,nmae\na,b\n", b"name\n\xff\n", b'name\n"x\n']
)
def test_files_that_are_no_such_csv(text: bytes) -> None:
    with pytest.raises(DomainError) as refusal:
        read_people_csv(text)
    assert refusal.value.code == "people_csv_invalid"


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for text in (data, b"name,notes,tags\n" + data):
        lines = []
        with contextlib.suppress(DomainError):
            lines = read_people_csv(text)
        again = [PersonLine.from_json(json.loads(json.dumps(one.as_json()))) for one in lines]
        assert again == lines


def test_an_erased_person_is_taken_off_lines_that_wait(gallery: Gallery) -> None:
    ann = IdentityFactory.create(gallery=gallery, name="ann")
    images = archive(bob__1=face_photo(2))
    made = start_import(
        gallery=gallery, name="x", archive=images, people=CSV, actor=SYSTEM, ring=False
    )
    erase_identity(identity=ann, actor=SYSTEM)
    made.refresh_from_db()
    assert [line["name"] for line in made.people] == ["bob", "zoe"]


def test_photos_of_nobody_are_kept_by_choice_alone(gallery: Gallery) -> None:
    def images() -> ContentFile:
        return archive(
            party=face_photo(7, 8),
            again=face_photo(7, variant=1),
            poor=face_photo(9, variant=POOR),
            ann__1=face_photo(1),
        )

    refusing = run(gallery, images(), None)
    assert dict(refusing.items.values_list("path", "code")) == {
        "party.png": "no_identity_folder",
        "again.png": "no_identity_folder",
        "poor.png": "no_identity_folder",
        "ann/1.png": "",
    }
    made = run(gallery, images(), None, keep_unnamed=True)
    lines = {item.path: (item.status, item.code) for item in made.items.all()}
    assert lines == {
        "party.png": ("unnamed", "unnamed"),
        "again.png": ("unnamed", "unnamed"),
        "poor.png": ("failed", "low_quality"),
        "ann/1.png": ("skipped", "duplicate_image"),
    }
    assert sorted(len(faces) for faces in unnamed_clusters(gallery)) == [1, 2]
    assert FaceTemplate.objects.filter(searchable=True).count() == 1
    again = run(gallery, images(), None, keep_unnamed=True)
    assert set(again.items.values_list("code", flat=True)) == {"duplicate_image", "low_quality"}
    assert FaceImage.objects.count() == 4


def test_over_the_api(gallery: Gallery) -> None:
    operator = Caller.person(make_member(gallery.organization, Role.OPERATOR))
    path = f"/api/v1/galleries/{gallery.pk}/imports"
    data = archive(ann__1=face_photo(1)).read()
    response = operator.form(
        path,
        archive=upload(data, "people.zip"),
        people=upload(CSV, "people.csv"),
        keep_unnamed="true",
    )
    assert response.status_code == 202, response.content
    assert response.json()["counts"]["unnamed"] == 0
    made = ImportRun.objects.get()
    assert made.keep_unnamed
    assert [line["name"] for line in made.people] == ["ann", "bob", "zoe"]
    wrong = operator.form(
        path, archive=upload(data, "people.zip"), people=upload(b"name\nann\nann\n", "people.csv")
    )
    body = refused(wrong, 422, "people_csv_invalid")
    assert body["errors"][0]["field"] == "line 3"
    page = operator.client.post(
        f"/galleries/{gallery.pk}/import/",
        {"archive": upload(data, "p.zip"), "people": upload(b"name\nann\nann\n", "people.csv")},
    )
    assert page.status_code == 422
    assert "Line 3" in page.content.decode()
