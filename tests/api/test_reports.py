"""Saying that an answer was wrong."""

import pytest

from recognition.models import FaceImage, Gallery
from tests.api.caller import Caller, refused, upload
from tests.e2e.people import enroll
from tests.fakes import face_photo

ADA, STRANGER = 1, 99


@pytest.fixture
def probe(operator: Caller, gallery: Gallery) -> str:
    enroll(gallery, "Ada", ADA, images=2)
    photo = upload(face_photo(ADA, STRANGER, variant=7), "gate.png")
    answer = operator.form(f"/api/v1/galleries/{gallery.pk}/identify", image=photo).json()
    found: str = answer["id"]
    return found


def test_the_image_behind_a_wrong_answer_waits_in_review(
    operator: Caller, gallery: Gallery, probe: str
) -> None:
    answer = operator.get(f"/api/v1/probes/{probe}").json()["faces"][0]
    report = operator.post(f"/api/v1/probes/{probe}/faces/1/report", {})
    assert report.json() == {"image_id": answer["candidates"][0]["image_id"]}
    waiting = operator.get(f"/api/v1/galleries/{gallery.pk}/review").json()["results"]
    assert [row["reason"] for row in waiting] == ["reported_wrong"]
    image = FaceImage.objects.get(reason="reported_wrong")
    assert image.templates.get().searchable
    page = operator.client.get("/probes/?reported=1")
    assert [row.href for row in page.context["rows"]] == [f"/probes/{probe}/"]
    assert "Reported as wrong" in operator.client.get(f"/probes/{probe}/").content.decode()
    decided = operator.post(f"/api/v1/images/{image.pk}/decisions", {"action": "accept"})
    assert decided.status_code in {200, 201}
    image.refresh_from_db()
    assert image.reason == ""


def test_what_cannot_be_reported(operator: Caller, probe: str) -> None:
    report = f"/api/v1/probes/{probe}/faces/"
    refused(operator.post(f"{report}2/report", {}), 409, "not_identified")
    assert operator.post(f"{report}1/report", {}).status_code == 200
    refused(operator.post(f"{report}1/report", {}), 409, "already_reported")


def test_the_page_reports_too(operator: Caller, gallery: Gallery, probe: str) -> None:
    assert operator.client.get("/probes/?reported=1").context["rows"] == []
    page = operator.client.post(f"/probes/{probe}/faces/1/report/", follow=True)
    assert "waits in review" in page.content.decode()
    assert gallery.faces.filter(reason="reported_wrong").count() == 1
