"""How a face was decided, by API and page."""

import pytest

from recognition.models import Gallery
from tests.api.caller import Caller, refused, upload
from tests.e2e.people import enroll
from tests.fakes import POOR, face_photo

ADA, MARY = 1, 2


def ask(operator: Caller, gallery: Gallery, photo: bytes) -> str:
    address = f"/api/v1/galleries/{gallery.pk}/identify"
    probe: str = operator.form(address, image=upload(photo, "gate.png")).json()["id"]
    return probe


def test_every_number_behind_an_answer_is_shown(operator: Caller, gallery: Gallery) -> None:
    enroll(gallery, "Ada", ADA)
    enroll(gallery, "Mary", MARY)
    probe = ask(operator, gallery, face_photo(ADA, MARY, variant=7))
    answer = operator.get(f"/api/v1/probes/{probe}").json()
    made = operator.get(f"/api/v1/probes/{probe}/faces/2/decision").json()
    assert (made["faces"], made["decision"]) == (2, "identified")
    assert made["box"] == answer["faces"][1]["box"]
    assert made["landmarks"] == answer["faces"][1]["landmarks"]
    first, second = made["candidates"]
    assert (first["identity"]["name"], second["identity"]["name"]) == ("Mary", "Ada")
    assert first["components"] == [{"model": made["model"]["name"], "score": first["score"]}]
    assert first["margin"] == pytest.approx(first["score"] - made["threshold"]["value"], abs=0.0015)
    assert second["margin"] < 0 < first["margin"]
    assert made["threshold"] == answer["threshold"]
    assert set(made["timings"]) == {"decode", "detect", "embed", "search"}
    assert (made["detector"], made["engine"]) == ("fake", "fake float32")
    assert made["input"] == {"size": 160, "margin": 32, "flip": True}
    crop = operator.get(made["input_url"])
    assert (crop.status_code, crop["Content-Type"]) == (200, "image/jpeg")
    refused(operator.get(f"/api/v1/probes/{probe}/faces/3/decision"), 404, "not_found")


def test_quality_is_shown_with_the_limits_that_were_used(
    operator: Caller, gallery: Gallery
) -> None:
    probe = ask(operator, gallery, face_photo(ADA, variant=POOR))
    made = operator.get(f"/api/v1/probes/{probe}/faces/1/decision").json()
    assert (made["decision"], made["reason"]) == ("low_quality", "uncertain_detection")
    parts = {part["name"]: part for part in made["quality_parts"]}
    assert {name for name, part in parts.items() if part["missed"]} == {"detection"}
    assert (parts["detection"]["value"], parts["detection"]["low"]) == (0.5, 0.9)
    assert (parts["brightness"]["low"], parts["brightness"]["high"]) == (0.1, 0.95)
    assert (parts["yaw"]["low"], parts["yaw"]["high"]) == (-75.0, 75.0)
    assert (parts["roll"]["low"], parts["roll"]["share"]) == (None, None)
    assert parts["detection"]["share"] == 0.0
    assert parts["sharpness"]["share"] == 1.0
