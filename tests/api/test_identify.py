import csv
import io
from collections.abc import Callable
from typing import Any

import pytest

from faceplatform.accounts.roles import Scope
from recognition.models import Gallery, Identity, Probe, ProbeFace
from tests.api.caller import Caller, refused, upload
from tests.factories import (
    FaceTemplateFactory,
    IdentityFactory,
    ProbeFaceFactory,
    ProbeFactory,
    ProbeMatchFactory,
)
from tests.fakes import POOR, face_photo

ADA, GRACE, STRANGER = 1, 2, 99


@pytest.fixture
def people(gallery: Gallery) -> dict[str, Identity]:
    """Ada with three images, Grace with one."""
    people = {name: IdentityFactory.create(gallery=gallery, name=name) for name in ("Ada", "Grace")}
    for variant in (1, 2, 3):
        FaceTemplateFactory.create(
            face__identity=people["Ada"],
            face__path=f"ada/{variant}.png",
            person=ADA,
            variant=variant,
        )
    FaceTemplateFactory.create(
        face__identity=people["Grace"], face__path="grace/1.png", person=GRACE
    )
    return people


def ask(caller: Caller, gallery: Gallery, photo: bytes) -> Any:
    return caller.form(f"/api/v1/galleries/{gallery.pk}/identify", image=upload(photo, "who.png"))


def test_every_face_gets_its_own_answer(
    operator: Caller, gallery: Gallery, people: dict[str, Identity]
) -> None:
    photo = face_photo(ADA, STRANGER, variant=7)
    response = ask(operator, gallery, photo)
    assert response.status_code == 200, response.content
    answer = response.json()
    assert (answer["name"], answer["note"]) == ("who.png", "")
    assert (answer["width"], answer["height"]) == (640, 240)
    assert answer["gallery"] == {"id": str(gallery.pk), "name": gallery.name}
    assert answer["picture_url"].startswith("/pictures/")
    assert {"decode", "detect", "embed", "search"} == set(answer["timings"])
    known, stranger = answer["faces"]

    assert (known["number"], known["decision"]) == (1, "identified")
    assert known["identity"] == {"id": str(people["Ada"].pk), "name": "Ada"}
    assert known["score"] >= known["threshold"] == answer["threshold"]["value"]
    assert known["score"] == round(known["score"], 3)
    assert "strangers" in known["stranger_rate"]
    similar = known["similar"]
    assert (similar["total"], similar["below_threshold"], similar["next"]) == (3, False, None)
    assert {row["path"] for row in similar["results"]} == {f"ada/{n}.png" for n in (1, 2, 3)}
    scores = [row["score"] for row in similar["results"]]
    assert scores == sorted(scores, reverse=True)
    assert known["candidates"][0]["identity"]["name"] == "Ada"
    assert known["candidates"][0]["above_threshold"]

    assert (stranger["decision"], stranger["identity"]) == ("unknown", None)
    assert stranger["score"] < answer["threshold"]["value"]
    assert stranger["similar"]["below_threshold"]
    assert stranger["similar"]["total"] == 4
    assert not any(row["above_threshold"] for row in stranger["similar"]["results"])

    probe = Probe.objects.get()
    assert answer["id"] == str(probe.pk)
    again = operator.get(f"/api/v1/probes/{probe.pk}").json()
    assert again["faces"][0]["similar"]["total"] == 3
    assert again["created_at"] == answer["created_at"]


def test_no_face_is_an_answer(operator: Caller, gallery: Gallery) -> None:
    answer = ask(operator, gallery, face_photo()).json()
    assert (answer["faces"], answer["note"]) == ([], "no_face")
    assert answer["sentence"] == "There is no face in this photo."


def test_a_poor_face_is_not_named(
    operator: Caller, gallery: Gallery, people: dict[str, Identity]
) -> None:
    face = ask(operator, gallery, face_photo(ADA, variant=POOR)).json()["faces"][0]
    assert (face["decision"], face["identity"]) == ("low_quality", None)
    assert face["reason"] == "uncertain_detection"


def test_an_empty_gallery_knows_nobody(operator: Caller, gallery: Gallery) -> None:
    face = ask(operator, gallery, face_photo(ADA)).json()["faces"][0]
    assert (face["decision"], face["identity"], face["score"]) == ("unknown", None, None)
    assert (face["candidates"], face["similar"]["results"]) == ([], [])


def test_a_closed_gallery_is_not_searched(operator: Caller, gallery: Gallery) -> None:
    Gallery.objects.update(searchable=False)
    refused(ask(operator, gallery, face_photo(ADA)), 409, "gallery_not_searchable")
    assert not Probe.objects.exists()


@pytest.mark.parametrize(
    ("photo", "status", "code"),
    [
        (b"", 400, "file_empty"),
        (b"GIF89a....", 415, "unsupported_media"),
        (face_photo(1)[:300], 422, "image_truncated"),
        (face_photo(1, width=16, height=16), 422, "image_dimensions"),
    ],
)
def test_what_is_no_usable_photo(
    operator: Caller, gallery: Gallery, photo: bytes, status: int, code: str
) -> None:
    refused(ask(operator, gallery, photo), status, code)
    assert not Probe.objects.exists()


def test_a_key_to_identify_gets_the_answer_and_no_links_it_could_not_follow(
    key: Callable[..., Caller], gallery: Gallery, people: dict[str, Identity]
) -> None:
    caller = key(Scope.IDENTIFY)
    answer = ask(caller, gallery, face_photo(ADA, variant=7)).json()
    face = answer["faces"][0]
    assert face["identity"]["name"] == "Ada"
    links = [answer["picture_url"], face["picture_url"], face["candidates"][0]["picture_url"]]
    links += [row["picture_url"] for row in face["similar"]["results"]]
    assert set(links) == {None}
    refused(caller.get(f"/api/v1/probes/{answer['id']}"), 403, "not_allowed")

    reader = key(Scope.IDENTIFY, Scope.READ)
    answer = ask(reader, gallery, face_photo(ADA, variant=8)).json()
    assert answer["picture_url"].startswith("/pictures/")
    assert Probe.objects.latest("pk").created_key is not None


@pytest.fixture
def crowd(gallery: Gallery) -> ProbeFace:
    """A face with 30 similar images of three people."""
    face = ProbeFaceFactory.create(
        probe=ProbeFactory.create(gallery=gallery), decision="identified"
    )
    people = IdentityFactory.create_batch(3, gallery=gallery)
    for number in range(30):
        ProbeMatchFactory.create(
            probe_face=face,
            face__identity=people[number % 3],
            face__path=f"=p/{number:02}.png",
            score=0.99 - number / 100,
        )
    face.identity = people[0]
    face.save()
    return face


def test_similar_images_come_in_parts_best_first(operator: Caller, crowd: ProbeFace) -> None:
    first = operator.get(f"/api/v1/probes/{crowd.probe_id}").json()["faces"][0]["similar"]
    assert (first["total"], len(first["results"])) == (30, 24)
    paths = [row["path"] for row in first["results"]]
    following = operator.get(first["next"]).json()
    paths += [row["path"] for row in following["results"]]
    assert following["next"] is None
    assert paths == [f"=p/{number:02}.png" for number in range(30)]

    address = f"/api/v1/probes/{crowd.probe_id}/faces/1/similar"
    walked, next_address = [], f"{address}?limit=7&identity={crowd.identity_id}"
    while next_address:
        page = operator.get(next_address).json()
        assert page["total"] == 10
        walked += [row["path"] for row in page["results"]]
        next_address = page["next"]
    assert walked == [f"=p/{number:02}.png" for number in range(0, 30, 3)]
    assert operator.get(f"{address}?offset=30").json()["results"] == []


@pytest.mark.parametrize(
    "query",
    [
        "limit=0", "limit=201", "limit=-1", "limit=x", "offset=-1", "offset=10000000000",
        "offset=1.5", "identity=x", "identity=%00", "top_k=3",
    ],
)  # fmt: skip
def test_wrong_parts_are_refused(operator: Caller, crowd: ProbeFace, query: str) -> None:
    response = operator.get(f"/api/v1/probes/{crowd.probe_id}/faces/1/similar?{query}")
    assert response.status_code == 400
    assert response.json()["errors"][0]["field"] == query.partition("=")[0]


def test_similar_images_of_somebody_from_elsewhere(operator: Caller, crowd: ProbeFace) -> None:
    address = f"/api/v1/probes/{crowd.probe_id}/faces/1/similar"
    foreign = IdentityFactory.create()
    other_gallery = IdentityFactory.create(gallery__organization=crowd.probe.organization)
    for identity in (foreign, other_gallery):
        refused(operator.get(f"{address}?identity={identity.pk}"), 404, "not_found")
    refused(operator.get(address.replace("faces/1/", "faces/2/")), 404, "not_found")


def test_all_similar_images_as_csv(operator: Caller, crowd: ProbeFace) -> None:
    response = operator.get(f"/api/v1/probes/{crowd.probe_id}/faces/1/similar.csv")
    assert response.status_code == 200
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert "attachment" in response["Content-Disposition"]
    text = b"".join(response.streaming_content).decode()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == 30
    assert rows[0]["path"] == "'=p/00.png"  # no formula for a spreadsheet
    assert rows[0]["score"] == "0.990"


def test_probes_are_listed_and_deleted(operator: Caller, gallery: Gallery) -> None:
    one, two = ProbeFactory.create_batch(2, gallery=gallery)
    ProbeFaceFactory.create(probe=one, number=1, decision="identified")
    ProbeFaceFactory.create(probe=one, number=2)
    rows = operator.get(f"/api/v1/galleries/{gallery.pk}/probes").json()["results"]
    assert [(row["id"], row["faces"], row["identified"]) for row in rows] == [
        (str(two.pk), 0, 0),
        (str(one.pk), 2, 1),
    ]
    assert operator.delete(rows[1]["url"]).status_code == 204
    assert Probe.objects.get() == two
    refused(operator.get(rows[1]["url"]), 404, "not_found")
