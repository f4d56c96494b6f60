"""The webcam page, with a picture in place of the camera; and play that says that it is play."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from recognition.models import Gallery, Photo, Probe
from recognition.services.pipelines import pipelines
from tests.bad_inputs.conftest import OneFace
from tests.e2e.people import enroll
from tests.fakes import FakePipeline, face_photo

GREY = 128
CAMERA = """
    navigator.mediaDevices.getUserMedia = async () => {
      const canvas = document.createElement("canvas");
      Object.assign(canvas, { width: 640, height: 480 });
      const paint = canvas.getContext("2d");
      paint.fillStyle = "rgb(128 128 128)";
      setInterval(() => paint.fillRect(0, 0, 640, 480), 50);
      return canvas.captureStream(10);
    };
"""


@pytest.fixture
def one_face(
    gallery: Gallery, fake_pipeline: FakePipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is shown, there is one face; grey is Ada."""
    enroll(gallery, "Ada", GREY)
    found = OneFace(digest=fake_pipeline.version.digest)
    monkeypatch.setattr(pipelines, "ready", {found.version.backbone: found})


@pytest.mark.usefixtures("one_face")
def test_names_are_drawn_on_the_webcam_and_no_frame_is_kept(owner_page: Page) -> None:
    page, before = owner_page, Photo.objects.count()
    page.add_init_script(CAMERA)
    page.goto("/identify/live/")
    page.get_by_role("button", name="Start the webcam").click()
    expect(page.locator("[data-live-names] li")).to_have_text("Ada")
    expect(page.locator("[data-live-stage] rect.face-line")).to_have_count(1)
    expect(page.locator("[data-live-stage] text")).to_have_text("Ada")
    expect(page.locator("[data-live-pace]")).to_contain_text("frames per second")
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("[data-live-stage]")).to_be_hidden()
    assert (Probe.objects.count(), Photo.objects.count()) == (0, before)


@pytest.mark.usefixtures("one_face")
def test_a_page_that_may_not_use_a_webcam_says_so(owner_page: Page) -> None:
    owner_page.add_init_script(
        "Object.defineProperty(window, 'isSecureContext', { get: () => false });"
    )
    owner_page.goto("/identify/live/")
    expect(owner_page.get_by_role("alert")).to_contain_text("HTTPS")
    expect(owner_page.get_by_role("button", name="Start the webcam")).to_be_disabled()


def test_look_alikes_are_play(owner_page: Page, gallery: Gallery, photo: Any) -> None:
    enroll(gallery, "Ada", 1)
    page = owner_page
    page.goto("/identify/")
    page.get_by_role("link", name="Look-alikes").click()
    expect(page.get_by_text("For play.")).to_be_visible()
    page.locator("input[name=photo]").set_input_files(photo("me.png", face_photo(77)))
    expect(page.get_by_role("region", name="Look-alikes of face 1")).to_contain_text("1. Ada")
    assert not Probe.objects.exists()
