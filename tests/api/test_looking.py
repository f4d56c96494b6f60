"""Looking without keeping, and who else looks like a stored image."""

import pytest

from faceplatform.core.models import AuditEvent
from recognition.models import Gallery, Photo, Probe
from tests.api.caller import Caller, refused, upload
from tests.e2e.people import enroll
from tests.fakes import face_photo

ADA, MARY, STRANGER = 1, 2, 99


@pytest.fixture
def people(gallery: Gallery) -> Gallery:
    enroll(gallery, "Ada", ADA, images=2)
    enroll(gallery, "Mary", MARY)
    return gallery


def counts() -> tuple[int, int]:
    return Probe.objects.count(), Photo.objects.count()


def test_somebody_is_always_nearest_and_nothing_is_decided(
    operator: Caller, people: Gallery
) -> None:
    before = counts()
    photo = upload(face_photo(STRANGER, variant=3), "me.png")
    answer = operator.form(f"/api/v1/galleries/{people.pk}/look-alikes", image=photo).json()
    assert answer["play"] is True
    assert "not identification" in answer["note"]
    (face,) = answer["faces"]
    assert {row["identity"]["name"] for row in face["people"]} == {"Ada", "Mary"}
    assert "decision" not in face
    assert counts() == before


def test_a_frame_is_answered_and_forgotten(operator: Caller, people: Gallery) -> None:
    before = counts()
    address = f"/api/v1/galleries/{people.pk}/live"
    for variant in (5, 6):
        frame = upload(face_photo(MARY, STRANGER, variant=variant), "frame.png")
        answer = operator.form(address, image=frame).json()
        known, stranger = answer["faces"]
        assert (known["decision"], known["identity"]["name"]) == ("identified", "Mary")
        assert (stranger["decision"], stranger["identity"]) == ("unknown", None)
        assert (answer["width"], answer["height"]) == (640, 240)
    assert counts() == before
    assert AuditEvent.objects.filter(action="identify.live").count() == 1  # one line a minute


def test_a_closed_gallery_is_not_looked_at(operator: Caller, people: Gallery) -> None:
    Gallery.objects.update(searchable=False)
    for address in ("look-alikes", "live"):
        frame = upload(face_photo(MARY), "frame.png")
        response = operator.form(f"/api/v1/galleries/{people.pk}/{address}", image=frame)
        refused(response, 409, "gallery_not_searchable")


def test_who_else_looks_like_a_stored_image(operator: Caller, people: Gallery) -> None:
    image = people.faces.filter(identity__name="Ada").order_by("pk")[0]
    found = operator.get(f"/api/v1/images/{image.pk}/resembling").json()
    assert found["identity"]["name"] == "Ada"
    assert found["own"]["image_id"] != str(image.pk)
    assert found["own"]["score"] > found["threshold"]["value"]
    (other,) = found["people"]
    assert (other["identity"]["name"], other["above_threshold"]) == ("Mary", False)
    page = operator.client.get(f"/images/{image.pk}/resembling/")
    assert [row.name for row in page.context["rows"]] == ["Mary"]
    image.templates.all().delete()
    refused(operator.get(f"/api/v1/images/{image.pk}/resembling"), 409, "not_embedded")
