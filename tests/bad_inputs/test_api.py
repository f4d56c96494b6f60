"""Every bad picture and every bad request at the API."""

import io
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from PIL import Image

from recognition.models import FaceImage, Photo, Probe
from tests.api.caller import refused
from tests.bad_inputs.archives import good
from tests.bad_inputs.conftest import World
from tests.bad_inputs.pictures import PICTURES, SEEDS, Sample, heic_header, jpeg
from tests.bad_inputs.requests import NAMES, REQUESTS, BadRequest, with_name
from tests.bad_inputs.results import Results

STATUS = {
    "file_empty": 400,
    "file_too_large": 413,
    "image_too_many_pixels": 413,
    "unsupported_media": 415,
}
EXAMPLES = 20
"""Variants of each sound file; `--hypothesis-seed` and many runs find what one run does not."""
SECRETS = (b"Secret", b"PK\x03\x04", b"Exif", b"xmpmeta", b"alert(1)")


def answer_of(response: Any) -> str:
    """Status and code in one line."""
    body = response.json()
    return f"{response.status_code} {body.get('code', '')}".strip()


@pytest.mark.parametrize("sample", PICTURES, ids=str)
def test_picture(sample: Sample, world: World, results: Results) -> None:
    data = sample.make()
    asked = world.identify(data, sample.filename)
    added = world.enroll(data, sample.filename)
    status = STATUS.get(sample.code, 422)
    expected = [f"{status} {sample.code}"] * 2 if sample.code else ["200", "201"]
    results.check(
        sample.row,
        sample.name,
        "api",
        expected=", ".join(dict.fromkeys(expected)),
        answered=", ".join(dict.fromkeys([answer_of(asked), answer_of(added)])),
    )
    if sample.code:
        refused(asked, status, sample.code)
        assert not Photo.objects.exists()
        assert not Probe.objects.exists()
    else:
        _shows_nothing_but_the_picture(world, asked.json()["picture_url"])
        assert FaceImage.objects.count() == 1
    assert world.still_works()


def _shows_nothing_but_the_picture(world: World, url: str) -> None:
    """What browsers get is made anew: no metadata, no other file behind it."""
    response = world.operator.get(url)
    assert response.status_code == 200
    assert not [secret for secret in SECRETS if secret in response.content]
    shown = Image.open(io.BytesIO(response.content))
    assert (shown.format, dict(shown.getexif())) == ("JPEG", {})


def test_heic_is_read_or_refused_by_what_is_installed(world: World, results: Results) -> None:
    from recognition.vision.images import heif_available

    code = "422 image_corrupt" if heif_available() else "415 unsupported_media"
    refused = answer_of(world.identify(heic_header(), "photo.heic")) == code
    answered = "refused" if refused else "accepted"
    results.check(18, "HEIC without a picture", "api", expected="refused", answered=answered)


@pytest.mark.parametrize("request_", REQUESTS, ids=str)
def test_request(request_: BadRequest, world: World, results: Results) -> None:
    status, content = world.raw(
        world.identify_at,
        request_.body("image"),
        content_type=request_.content_type,
        length=request_.length,
    )
    results.check(
        request_.row,
        request_.name,
        "api",
        expected=f"{request_.status} {request_.code}",
        answered=f"{status} {json.loads(content).get('code', '')}",
    )
    assert not Probe.objects.exists()
    assert world.still_works()


@pytest.mark.parametrize("name", NAMES)
def test_name(name: str, world: World, results: Results) -> None:
    status, content = world.raw(world.identify_at, with_name(NAMES[name])("image"))
    body = json.loads(content)
    results.check(29, name, "api", expected=200, answered=status)
    probe = Probe.objects.get()
    assert body["name"] == probe.name
    assert 0 < len(probe.name) <= 255
    assert not set("/\\\0\r\n") & set(probe.name)
    assert world.still_works()


def test_the_same_photo_twice(world: World, results: Results) -> None:
    assert world.enroll(good()).status_code == 201
    again = world.enroll(good(), "other.jpg")
    results.check(
        27, "same file twice", "api", expected="409 duplicate_image", answered=answer_of(again)
    )
    anew = world.enroll(jpeg(comment=b"another file"))
    results.check(27, "same pixels in a new file", "api", expected="201", answered=answer_of(anew))
    assert FaceImage.objects.count() == 2


@pytest.mark.parametrize("seed", SEEDS)
def test_changed_at_random(seed: str, world: World, results: Results) -> None:
    """Whatever is changed in a sound file, the answer is an answer."""
    sound = SEEDS[seed]()
    statuses: set[int] = set()

    @examples(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    @given(data=st.data())
    def send(data: st.DataObject) -> None:
        content = bytearray(sound)
        changes = st.tuples(st.integers(0, len(content) - 1), st.integers(0, 255))
        for place, value in data.draw(st.lists(changes, min_size=1, max_size=10)):
            content[place] = value
        if data.draw(st.booleans()):
            del content[data.draw(st.integers(0, len(content))) :]
        statuses.add(world.identify(bytes(content)).status_code)

    send()
    strange = sorted(statuses - {200, 400, 413, 415, 422})
    results.check(
        0, f"{seed}, changed at random", "api", expected="0 unexpected",
        answered=f"{len(strange)} unexpected",
    )  # fmt: skip
    assert world.still_works()
