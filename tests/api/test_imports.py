import csv
import io
import zipfile
from collections.abc import Callable

import pytest

from faceplatform.accounts.roles import Scope
from faceplatform.core.jobs import run_here
from faceplatform.core.models import Job, JobState
from recognition.models import FaceImage, Gallery, ImportRun
from tests.api.caller import Caller, refused, upload
from tests.factories import GalleryFactory, ImportItemFactory, ImportRunFactory
from tests.fakes import face_photo


def zip_of(**people: list[bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for person, photos in people.items():
            for number, photo in enumerate(photos):
                archive.writestr(f"{person}/{number}.png", photo)
    return out.getvalue()


def imports_of(gallery: Gallery) -> str:
    return f"/api/v1/galleries/{gallery.pk}/imports"


@pytest.mark.django_db(transaction=True)
def test_a_zip_is_taken_at_once_and_imported_by_a_job(operator: Caller, gallery: Gallery) -> None:
    data = zip_of(ada=[face_photo(1), face_photo(1, variant=2)], grace=[face_photo(2)], x=[b"?"])
    response = operator.form(imports_of(gallery), archive=upload(data, "people.zip"))
    assert response.status_code == 202, response.content
    body = response.json()
    run = ImportRun.objects.get()
    assert response["Location"] == body["url"] == f"/api/v1/imports/{run.pk}"
    assert body["name"] == "people.zip"
    assert body["job"]["state"] == "queued"
    assert body["job"]["url"] == f"/api/v1/jobs/{run.job_id}"
    assert body["counts"] == {
        "enrolled": 0,
        "quarantined": 0,
        "skipped": 0,
        "failed": 0,
        "unnamed": 0,
    }

    assert run.job_id is not None
    assert run_here(run.job_id)
    done = operator.get(body["url"]).json()
    assert done["job"]["state"] == "succeeded", done
    assert done["job"]["fraction"] == 1.0
    assert (done["counts"]["enrolled"], done["counts"]["failed"]) == (3, 1)
    assert FaceImage.objects.count() == 3

    rows = operator.get(f"{body['url']}/items").json()["results"]
    assert sorted((row["identity"], row["status"]) for row in rows) == [
        ("ada", "enrolled"),
        ("ada", "enrolled"),
        ("grace", "enrolled"),
        ("x", "failed"),
    ]
    failed = operator.get(f"{body['url']}/items?status=failed").json()["results"]
    assert [(row["code"], row["image_id"]) for row in failed] == [("unsupported_media", None)]


@pytest.mark.parametrize(
    ("data", "status"),
    [(b"", 400), (b"not a zip at all", 422), (zip_of(), 422), (zip_of(a=[b"x"])[:-30], 422)],
    # Named: a zip holds the time, so its bytes differ between the workers of a run.
    ids=["empty", "no zip", "zip of nothing", "half a zip"],
)
def test_what_is_no_archive_makes_no_job(
    operator: Caller, gallery: Gallery, data: bytes, status: int
) -> None:
    response = operator.form(imports_of(gallery), archive=upload(data, "a.zip"))
    refused(response, status, response.json()["code"])
    assert not Job.objects.exists()
    assert not ImportRun.objects.exists()


def test_a_key_to_enroll_starts_an_import_and_reads_nothing(
    key: Callable[..., Caller], gallery: Gallery
) -> None:
    caller = key(Scope.ENROLL)
    data = zip_of(ada=[face_photo(1)])
    response = caller.form(imports_of(gallery), archive=upload(data, "people.zip"))
    assert response.status_code == 202
    assert Job.objects.get().created_key is not None
    refused(caller.get(response["Location"]), 403, "not_allowed")


def test_items_as_csv_hold_no_formulas(operator: Caller, gallery: Gallery) -> None:
    run = ImportRunFactory.create(gallery=gallery)
    ImportItemFactory.create(run=run, path='=HYPERLINK("x")', identity_name="+1", detail="@a")
    ImportItemFactory.create(run=run, path="-a", identity_name="\tb", detail='a, "b"')
    response = operator.get(f"/api/v1/imports/{run.pk}/items.csv")
    text = b"".join(response.streaming_content).decode()
    cells = [cell for row in csv.reader(io.StringIO(text)) for cell in row]
    assert '\'=HYPERLINK("x")' in cells
    assert {"'+1", "'@a", "'-a", "'\tb", 'a, "b"'} <= set(cells)
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t"))]


def test_imports_are_listed_per_gallery(operator: Caller, gallery: Gallery) -> None:
    mine = ImportRunFactory.create(
        gallery=gallery, job__state=JobState.FAILED, job__error_code="oops"
    )
    ImportRunFactory.create(gallery=GalleryFactory.create(organization=gallery.organization))
    ImportRunFactory.create()
    rows = operator.get(imports_of(gallery)).json()["results"]
    assert [row["id"] for row in rows] == [str(mine.pk)]
    assert rows[0]["job"]["error"] == {"code": "oops", "detail": ""}
    assert mine.archive not in operator.get(imports_of(gallery)).content.decode()
