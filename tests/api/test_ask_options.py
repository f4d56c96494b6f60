"""What may be chosen for one call, and asking several galleries at once."""

from typing import Any

import pytest

from recognition.models import Gallery, Probe
from tests.api.caller import Caller, refused, upload
from tests.e2e.people import enroll
from tests.factories import GalleryFactory
from tests.fakes import face_photo

ADA, MARY = 1, 2


def ask(operator: Caller, gallery: Gallery, **fields: Any) -> Any:
    photo = upload(face_photo(ADA, variant=7), "who.png")
    return operator.form(f"/api/v1/galleries/{gallery.pk}/identify", image=photo, **fields)


@pytest.fixture
def crowd(gallery: Gallery) -> Gallery:
    for person in range(1, 8):
        enroll(gallery, f"Person {person}", person)
    return gallery


def test_as_many_people_as_were_asked_for(operator: Caller, crowd: Gallery) -> None:
    for top in (1, 7):
        answer = ask(operator, crowd, top=top).json()
        assert len(answer["faces"][0]["candidates"]) == top
        again = operator.get(f"/api/v1/probes/{answer['id']}").json()
        assert len(again["faces"][0]["candidates"]) == top
    assert len(ask(operator, crowd).json()["faces"][0]["candidates"]) == 5


def test_a_chosen_threshold_decides_and_is_called_so(operator: Caller, crowd: Gallery) -> None:
    usual = ask(operator, crowd).json()
    assert usual["faces"][0]["decision"] == "identified"
    answer = ask(operator, crowd, threshold="0.99").json()
    assert answer["faces"][0]["decision"] == "unknown"
    chosen = answer["threshold"]
    assert (chosen["value"], chosen["source"]) == (0.99, "call")
    assert chosen["text"].startswith("chosen for this call: fewer than 1 stranger in ")
    assert f"{usual['threshold']['value']:.3f} is usual here" in chosen["text"]
    assert Gallery.objects.get().default_threshold != 0.99
    response = ask(operator, crowd, threshold="-0.5")
    refused(response, 400, "threshold_out_of_limits")
    assert Probe.objects.count() == 2


def test_a_face_below_the_chosen_quality_is_not_named(operator: Caller, crowd: Gallery) -> None:
    assert ask(operator, crowd, min_quality="0.8").json()["faces"][0]["decision"] == "identified"
    answer = ask(operator, crowd, min_quality="0.81").json()
    face = answer["faces"][0]
    assert (face["decision"], face["reason"]) == ("low_quality", "low_score")
    made = operator.get(f"/api/v1/probes/{answer['id']}/faces/1/decision").json()
    assert made["quality_limit"] == 0.81


@pytest.mark.parametrize(
    ("field", "value"),
    [("top", "0"), ("top", "51"), ("top", "1.5"), ("threshold", "nan"), ("threshold", "inf"),
     ("threshold", "1.01"), ("min_quality", "-0.1"), ("min_quality", "x"), ("rule", "max")],
)  # fmt: skip
def test_wrong_options_are_refused(
    operator: Caller, gallery: Gallery, field: str, value: str
) -> None:
    response = ask(operator, gallery, **{field: value})
    assert response.status_code == 400
    assert response.json()["errors"][0]["field"] == field
    assert not Probe.objects.exists()


def test_several_galleries_answer_each_with_its_own_threshold(
    operator: Caller, crowd: Gallery
) -> None:
    other = GalleryFactory.create(organization=crowd.organization, name="Other")
    enroll(other, "Mary", MARY)
    asked = [str(other.pk), str(crowd.pk)]
    photo = upload(face_photo(ADA, MARY, variant=7), "who.png")
    answers = operator.form("/api/v1/identify", image=photo, galleries=asked).json()["answers"]
    assert [answer["gallery"]["id"] for answer in answers] == asked
    names = [[(f["identity"] or {}).get("name") for f in a["faces"]] for a in answers]
    assert names == [[None, "Mary"], ["Person 1", "Person 2"]]
    small, large = (answer["threshold"]["value"] for answer in answers)
    assert small < large
    assert Probe.objects.values_list("settings__together", flat=True).distinct().count() == 1


def test_nobody_asks_a_gallery_of_others(operator: Caller, crowd: Gallery) -> None:
    foreign = GalleryFactory.create()
    photo = upload(face_photo(ADA), "who.png")
    asked = [str(crowd.pk), str(foreign.pk)]
    refused(operator.form("/api/v1/identify", image=photo, galleries=asked), 404, "not_found")
    twice = [str(crowd.pk)] * 2
    photo = upload(face_photo(ADA), "who.png")
    response = operator.form("/api/v1/identify", image=photo, galleries=twice)
    refused(response, 400, "galleries_invalid")
    assert not Probe.objects.exists()
