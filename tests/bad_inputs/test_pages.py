"""Every bad picture and every bad request at the pages: a form with the reason, never a 500."""

from typing import Any

import pytest

from recognition.models import FaceImage, Probe
from tests.bad_inputs.archives import good
from tests.bad_inputs.conftest import World
from tests.bad_inputs.pictures import PICTURES, Sample, jpeg
from tests.bad_inputs.requests import NAMES, REQUESTS, BadRequest, with_name
from tests.bad_inputs.results import Results

OWN_WORDS = {"empty": "file_empty", "required": "file_missing"}
"""Codes of Django's own forms, and what the API calls the same."""


def code_of_form(response: Any) -> str:
    """The code of what the form says, empty where there is no form."""
    form = response.context and response.context.get("form")
    codes = (
        [error.code for errors in form.errors.as_data().values() for error in errors]
        if form
        else []
    )
    return OWN_WORDS.get(codes[0], codes[0]) if codes else ""


def code_of_line(response: Any) -> str:
    """The code of the first photo's line on a person's page."""
    added = response.context["added"]
    return OWN_WORDS.get(added[0].code, added[0].code)


@pytest.mark.parametrize("sample", PICTURES, ids=str)
def test_picture(sample: Sample, world: World, results: Results) -> None:
    data = sample.make()
    asked = world.ask_page(data, sample.filename)
    added = world.add_on_page(data, sample.filename)
    answers = [
        f"{asked.status_code} {code_of_form(asked) if asked.status_code != 302 else ''}".strip(),
        f"{added.status_code} {code_of_line(added)}".strip(),
    ]
    expected = [f"422 {sample.code}"] * 2 if sample.code else ["302", "200"]
    results.check(
        sample.row,
        sample.name,
        "page",
        expected=", ".join(dict.fromkeys(expected)),
        answered=", ".join(dict.fromkeys(answers)),
    )
    assert FaceImage.objects.count() == (0 if sample.code else 1)
    assert b"Traceback" not in asked.content + added.content
    assert world.still_works()


@pytest.mark.parametrize("request_", REQUESTS, ids=str)
def test_request(request_: BadRequest, world: World, results: Results) -> None:
    status, content = world.raw(
        "/identify/",
        request_.body("photo"),
        content_type=request_.content_type,
        length=request_.length,
    )
    allowed = status in (400, 413, 422)
    results.check(
        request_.row,
        request_.name,
        "page",
        expected=status if allowed else "400, 413 or 422",
        answered=status,
    )
    assert b"Traceback" not in content
    assert not Probe.objects.exists()
    assert world.still_works()


@pytest.mark.parametrize("name", NAMES)
def test_name(name: str, world: World, results: Results) -> None:
    form = with_name(NAMES[name])("photo")
    gallery = b'Content-Disposition: form-data; name="gallery"\r\n\r\n'
    body = b"--a-boundary\r\n" + gallery + str(world.gallery.pk).encode() + b"\r\n" + form
    status, _ = world.raw("/identify/", body)
    # Django's own reader leaves out a file whose name is nothing but dots: the form asks again.
    expected = 422 if name == "name of dots" else 302
    results.check(29, name, "page", expected=expected, answered=status)
    for probe in Probe.objects.all():
        page = world.operator.get(f"/probes/{probe.pk}/")
        assert page.status_code == 200
        assert b"<script>alert" not in page.content
    assert world.still_works()


def test_the_same_photo_twice(world: World, results: Results) -> None:
    assert world.add_on_page(good()).status_code == 200
    again = world.add_on_page(good(), "other.jpg")
    answered = f"{again.status_code} {code_of_line(again)}"
    results.check(27, "same file twice", "page", expected="422 duplicate_image", answered=answered)
    anew = world.add_on_page(jpeg(comment=b"another file"))
    results.check(27, "same pixels in a new file", "page", expected=200, answered=anew.status_code)
    assert FaceImage.objects.count() == 2
