"""Rows that are about faces: real photographs, real networks, the API and an import."""

import io
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from recognition.models import FaceImage
from recognition.vision.pipeline import FacePipeline
from recognition.vision.types import Pixels
from tests.api.caller import refused, upload
from tests.bad_inputs.archives import packed
from tests.bad_inputs.conftest import World
from tests.bad_inputs.pictures import encoded, exif
from tests.bad_inputs.results import Results

pytestmark = [pytest.mark.faces, pytest.mark.django_db]

ROOT = Path(__file__).resolve().parents[2]
SIDE = 250
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


@pytest.fixture(scope="session")
def networks() -> FacePipeline:
    """The ordinary networks, in the project's own models folder."""
    folder = ROOT / "var" / "models"
    FacePipeline.prepare(folder)
    return FacePipeline.build(folder, threads=1)


@pytest.fixture(scope="session")
def people(shared_data: Path) -> tuple[Pixels, ...]:
    """Two people who are alone in their photos."""
    folder = shared_data / "lfw" / "lfw-deepfunneled"
    names = ("Abdullah_Gul", "Aaron_Peirsol")
    return tuple(
        np.asarray(Image.open(folder / name / f"{name}_0001.jpg").convert("RGB")) for name in names
    )


@pytest.fixture
def real(world: World, networks: FacePipeline, monkeypatch: pytest.MonkeyPatch) -> World:
    """The world of the other tests, with eyes."""
    from recognition.services.pipelines import pipelines

    (backbone,) = pipelines.ready
    monkeypatch.setattr(pipelines, "ready", {backbone: networks})
    return world


def score_of(world: World, data: bytes) -> float:
    """Score of the only face against the only enrolled image; the person must be named."""
    response = world.identify(data)
    assert response.status_code == 200, response.content
    (face,) = response.json()["faces"]
    assert face["decision"] == "identified"
    return float(face["score"])


def enroll(world: World, data: bytes) -> None:
    response = world.enroll(data)
    assert response.status_code == 201, response.content


def side_by_side(*photos: Pixels, columns: int) -> bytes:
    rows = [np.hstack(photos[n : n + columns]) for n in range(0, len(photos), columns)]
    return encoded(np.vstack(rows), "JPEG", quality=92)


def far_away(photo: Pixels, side: int) -> bytes:
    """A photo made so small that its face has about 12 pixels, on an empty ground."""
    ground = Image.new("RGB", (300, 300), (120, 120, 120))
    ground.paste(Image.fromarray(photo).resize((side, side)), (130, 130))
    return encoded(ground, "PNG")


def cartoon() -> bytes:
    image = Image.new("RGB", (SIDE, SIDE), "white")
    draw = ImageDraw.Draw(image)
    draw.ellipse((50, 40, 200, 210), fill="yellow", outline="black", width=4)
    for x in (95, 155):
        draw.ellipse((x - 10, 95, x + 10, 120), fill="black")
    draw.arc((90, 120, 160, 180), 20, 160, fill="black", width=5)
    return encoded(image, "PNG")


def test_cmyk_is_the_same_person(real: World, people: tuple[Pixels, ...], results: Results) -> None:
    image = Image.fromarray(people[0])
    enroll(real, encoded(image, "JPEG", quality=95))
    score = score_of(real, encoded(image.convert("CMYK"), "JPEG", quality=95))
    results.check(12, "CMYK portrait", "api", expected="same person", answered=same(score, 0.95))


def test_sixteen_bits_are_the_same_person(
    real: World, people: tuple[Pixels, ...], results: Results
) -> None:
    grey = np.asarray(Image.fromarray(people[0]).convert("L"))
    enroll(real, encoded(grey, "PNG"))
    score = score_of(real, encoded(Image.fromarray(grey.astype(np.uint16) * 257), "PNG"))
    results.check(
        13, "portrait of 16 bits", "api", expected="same person", answered=same(score, 0.95)
    )


def test_every_orientation_is_the_same_person(
    real: World, people: tuple[Pixels, ...], results: Results
) -> None:
    upright = Image.fromarray(people[0])
    enroll(real, encoded(upright, "PNG"))
    scores = [
        score_of(real, encoded(upright.transpose(turn), "PNG", exif=exif(number)))
        for number, turn in TURNS.items()
    ]
    results.check(
        22,
        "portrait turned 2 to 8",
        "api",
        expected="same person",
        answered=same(min(scores), 0.99),
    )


def same(score: float, least: float) -> str:
    return "same person" if score > least else f"score {score}"


def test_a_face_hidden_under_transparency_is_not_found(
    real: World, people: tuple[Pixels, ...], results: Results
) -> None:
    hidden = np.dstack([people[0], np.zeros((SIDE, SIDE), np.uint8)])
    shown = np.dstack([people[0], np.full((SIDE, SIDE), 255, np.uint8)])
    assert len(real.identify(encoded(Image.fromarray(shown), "PNG")).json()["faces"]) == 1
    answer = real.identify(encoded(Image.fromarray(hidden), "PNG")).json()
    results.check(15, "face under alpha 0", "api", expected="no_face", answered=answer["note"])


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("no face", lambda photo: encoded(Image.new("RGB", (SIDE, SIDE), "grey"), "PNG")),
        ("face of 12 pixels", lambda photo: far_away(photo, 32)),
    ],
)
def test_no_face(
    name: str, make: Any, real: World, people: tuple[Pixels, ...], results: Results
) -> None:
    data = make(people[0])
    asked = real.identify(data)
    assert (asked.status_code, asked.json()["faces"]) == (200, [])
    refused(real.enroll(data), 422, "no_face")
    answered = f"{asked.status_code} {asked.json()['note']}, 422 no_face"
    results.check(25, name, "api", expected="200 no_face, 422 no_face", answered=answered)
    page = real.add_on_page(data)
    answered = f"{page.status_code} {page.context['added'][0].code}"
    results.check(25, name, "page", expected="422 no_face", answered=answered)
    real.import_zip(packed(("a/1.jpg", data)))
    found = " ".join(real.run_import()["a/1.jpg"])
    results.check(25, name, "zip", expected="failed no_face", answered=found)


@pytest.mark.django_db(transaction=True)
def test_two_faces_need_a_choice(real: World, people: tuple[Pixels, ...], results: Results) -> None:
    data = side_by_side(*people, columns=2)
    assert len(real.identify(data).json()["faces"]) == 2
    problem = refused(real.enroll(data), 422, "multiple_faces")
    assert [error["field"] for error in problem["errors"]] == ["face 1", "face 2"]
    page = real.add_on_page(data)
    assert len(page.context["added"][0].choices) == 2
    assert not FaceImage.objects.exists()
    results.check(
        25, "two faces", "page", expected="multiple_faces", answered=page.context["added"][0].code
    )
    chosen = real.operator.form(real.enroll_at, images=upload(data, "two.jpg"), face="2")
    results.check(
        25, "two faces", "api", expected="422 multiple_faces, with face= 201",
        answered=f"422 {problem['code']}, with face= {chosen.status_code}",
    )  # fmt: skip
    FaceImage.objects.all().delete()
    real.import_zip(packed(("a/1.jpg", data)))
    found = " ".join(real.run_import()["a/1.jpg"])
    results.check(25, "two faces", "zip", expected="enrolled main_subject", answered=found)


def test_forty_faces(real: World, people: tuple[Pixels, ...], results: Results) -> None:
    data = side_by_side(*(people * 20), columns=8)
    response = real.identify(data)
    found = len(response.json()["faces"])
    answered = f"{response.status_code}, {'all' if found == 40 else found} faces"
    results.check(25, "40 faces", "api", expected="200, all faces", answered=answered)


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("cartoon", cartoon),
        ("white", lambda: encoded(Image.new("RGB", (SIDE, SIDE), "white"), "PNG")),
        ("black", lambda: encoded(Image.new("RGB", (SIDE, SIDE), "black"), "PNG")),
        (
            "noise",
            lambda: encoded(
                np.random.default_rng(3).integers(0, 255, (SIDE, SIDE, 3), dtype=np.uint8), "PNG"
            ),
        ),
    ],
)
def test_what_is_nobody(
    name: str, make: Any, real: World, people: tuple[Pixels, ...], results: Results
) -> None:
    enroll(real, encoded(Image.fromarray(people[0]), "PNG"))
    response = real.identify(make())
    assert response.status_code == 200
    faces = response.json()["faces"]
    numbers = [face["quality"]["score"] for face in faces]
    numbers += [face["score"] for face in faces if face["score"] is not None]
    assert all(math.isfinite(number) for number in numbers)
    named = sum(face["decision"] == "identified" for face in faces)
    results.check(26, name, "api", expected="nobody named", answered=told(named))


def told(named: int) -> str:
    return f"{named} named" if named else "nobody named"


def test_rot_is_no_reason_to_fail(
    real: World, people: tuple[Pixels, ...], results: Results
) -> None:
    """Damage that decoders do not notice ends in a face or none, never in an error."""
    buffer = io.BytesIO()
    Image.fromarray(people[0]).save(buffer, "JPEG", quality=90)
    data = bytearray(buffer.getvalue())
    statuses = set()
    for start in range(700, len(data) - 10, len(data) // 6):
        rotten = bytearray(data)
        for place in range(start, min(start + 60, len(data) - 2), 7):
            if 0xFF not in (rotten[place], rotten[place - 1], rotten[place] ^ 4):
                rotten[place] ^= 4
        statuses.add(real.identify(bytes(rotten)).status_code)
    answered = " ".join(map(str, sorted(statuses)))
    results.check(5, "portrait with bit rot", "api", expected="200", answered=answered)
