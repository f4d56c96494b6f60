"""Many photos asked about as a job."""

import csv
import datetime as dt
import io
import zipfile
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.utils import timezone

from faceplatform.core.jobs import barriers, run_here
from faceplatform.core.models import Job, JobState
from recognition.models import Gallery, Probe, ProbeBatch
from recognition.services import batches, identification
from tests.api.caller import Caller, refused, upload
from tests.e2e.people import enroll
from tests.fakes import face_photo

pytestmark = pytest.mark.django_db(transaction=True)  # the job's lease has a connection of its own

ADA, MARY, STRANGER = 1, 2, 99


@pytest.fixture
def people(gallery: Gallery) -> Gallery:
    enroll(gallery, "=Ada", ADA)
    enroll(gallery, "Mary", MARY)
    return gallery


def zipped(**photos: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in photos.items():
            archive.writestr(name.replace("_", "/") + ".png", data)
    return out.getvalue()


def lines_of(operator: Caller, batch: ProbeBatch) -> list[dict[str, Any]]:
    response = operator.get(f"/api/v1/batches/{batch.pk}/answers.csv")
    text = b"".join(response.streaming_content).decode()
    return list(csv.DictReader(io.StringIO(text)))


def start(operator: Caller, gallery: Gallery, **fields: Any) -> ProbeBatch:
    response = operator.form(f"/api/v1/galleries/{gallery.pk}/batches", **fields)
    assert response.status_code == 202, response.content
    return ProbeBatch.objects.get(pk=response.json()["id"])


def test_every_face_of_a_zip_has_its_line(operator: Caller, people: Gallery) -> None:
    data = zipped(
        day_one=face_photo(ADA, STRANGER, variant=5), day_sky=face_photo(), day_text=b"no picture"
    )
    batch = start(operator, people, archive=upload(data, "week.zip"))
    assert batch.job is not None
    run_here(batch.job.pk)
    shown = operator.get(f"/api/v1/batches/{batch.pk}").json()
    assert shown["counts"] == {"answered": 2, "named": 1, "refused": 1}
    assert shown["job"]["state"] == JobState.SUCCEEDED
    one, two, sky, text = lines_of(operator, batch)
    assert (one["path"], one["face"], one["decision"]) == ("day/one.png", "1", "identified")
    assert one["identity"] == "'=Ada"  # no formula for a spreadsheet
    assert float(one["score"]) >= float(one["threshold"])
    assert (two["face"], two["decision"], two["identity"]) == ("2", "unknown", "")
    assert (sky["decision"], sky["code"]) == ("", "no_face")
    assert (text["code"], text["probe_id"]) == ("unsupported_media", "")
    assert Probe.objects.filter(pk=one["probe_id"], name="one.png").exists()
    page = operator.client.get(f"/batches/{batch.pk}/").content.decode()
    assert "unsupported_media" in page
    assert f'href="/probes/{one["probe_id"]}/"' in page


def test_several_files_and_options_for_all(operator: Caller, people: Gallery) -> None:
    files = [upload(face_photo(person, variant=6), "same.png") for person in (ADA, MARY)]
    batch = start(operator, people, images=files, threshold="0.99")
    assert batch.job is not None
    run_here(batch.job.pk)
    lines = lines_of(operator, batch)
    assert [(line["decision"], line["threshold"]) for line in lines] == [("unknown", "0.990")] * 2
    assert len({line["probe_id"] for line in lines}) == 2


def many(number: int) -> bytes:
    return zipped(**{f"p{n}": face_photo(ADA, variant=n) for n in range(number)})


def test_a_batch_that_runs_again_answers_nothing_twice(operator: Caller, people: Gallery) -> None:
    """A worker dies before the third photo's commit; the next one goes on from there."""
    batch = start(operator, people, archive=upload(many(5), "a.zip"))
    assert batch.job is not None
    commits = []

    def die(name: str) -> None:
        if name == "before_commit" and batch.items.count() == 2:
            commits.append(name)
            raise KeyboardInterrupt

    barriers.add_hook(die)
    try:
        with pytest.raises(KeyboardInterrupt):
            run_here(batch.job.pk)
    finally:
        barriers.clear_hooks()
    assert commits
    before = list(batch.items.order_by("number").values_list("number", "probe_id"))
    assert len(before) == Probe.objects.count() == 2
    Job.objects.update(lease_until=timezone.now() - dt.timedelta(seconds=1))
    assert run_here(batch.job.pk)
    batch.job.refresh_from_db()
    assert batch.job.state == JobState.SUCCEEDED
    after = list(batch.items.order_by("number").values_list("number", "probe_id"))
    assert after[:2] == before
    assert [number for number, _ in after] == [1, 2, 3, 4, 5]
    assert len({probe for _, probe in after}) == Probe.objects.count() == 5


def test_a_batch_that_is_cancelled_keeps_what_it_answered(
    operator: Caller, people: Gallery, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.JOB_PROGRESS_SECONDS = 0.0
    batch = start(operator, people, archive=upload(many(40), "a.zip"))
    assert batch.job is not None
    asked, job = identification.look_in, batch.job.pk

    def look_and_stop(*args: Any) -> Any:
        if batch.items.count() == 3:
            Job.objects.filter(pk=job).update(cancel_requested=True)
        return asked(*args)

    monkeypatch.setattr(batches, "look_in", look_and_stop)
    run_here(batch.job.pk)
    batch.job.refresh_from_db()
    assert batch.job.state == JobState.CANCELLED
    assert 3 <= batch.items.count() < 40
    assert Probe.objects.count() == batch.items.count()
    assert not default_storage.exists(batch.archive)
    page = operator.client.get(f"/batches/{batch.pk}/")
    assert page.status_code == 200


def test_a_line_whose_answer_was_deleted_says_so(operator: Caller, people: Gallery) -> None:
    batch = start(operator, people, archive=upload(zipped(a=face_photo(ADA, variant=4)), "a.zip"))
    assert batch.job is not None
    run_here(batch.job.pk)
    Probe.objects.all().delete()
    assert [line["code"] for line in lines_of(operator, batch)] == ["answer_gone"]


def test_what_is_no_batch(operator: Caller, people: Gallery) -> None:
    address = f"/api/v1/galleries/{people.pk}/batches"
    assert operator.form(address).json()["errors"][0]["field"] == "archive"
    response = operator.form(address, archive=upload(b"no zip", "a.zip"))
    assert response.status_code in {400, 415, 422}
    Gallery.objects.update(searchable=False)
    archive = upload(zipped(a=face_photo(ADA)), "a.zip")
    refused(operator.form(address, archive=archive), 409, "gallery_not_searchable")
    assert not ProbeBatch.objects.exists()


def test_the_page_takes_files(operator: Caller, people: Gallery) -> None:
    address = f"/galleries/{people.pk}/batch/"
    assert operator.client.get(address).status_code == 200
    files = [upload(face_photo(person, variant=6), "x.png") for person in (ADA, MARY)]
    response = operator.client.post(address, {"photos": files})
    batch = ProbeBatch.objects.get()
    assert (response.status_code, response["Location"]) == (302, f"/jobs/{batch.job_id}/")
    assert batch.name == "2 photos"
