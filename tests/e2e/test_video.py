"""A video is uploaded, answered while it is watched, jumped in, and a stranger gets a name."""

import csv
import os
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from recognition.models import FaceImage, Gallery, Video
from recognition.services.pipelines import pipelines
from tests.bad_inputs.conftest import OneFace
from tests.e2e.people import enroll
from tests.fakes import FakePipeline
from tests.videos import grey_levels, sound_file

ADA, STRANGER = 128, 40
SCENES = [ADA] * 10 + [STRANGER] * 15


@pytest.fixture
def one_face(
    gallery: Gallery, fake_pipeline: FakePipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is shown, there is one face; a certain grey is Ada."""
    enroll(gallery, "Ada", ADA)
    found = OneFace(digest=fake_pipeline.version.digest)
    monkeypatch.setattr(pipelines, "ready", {found.version.backbone: found})


def pictured(page: Page, name: str) -> None:
    """Keep a picture of the page where somebody wants to look at it."""
    if folder := os.environ.get("LOOK_AT"):
        page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True)


@pytest.mark.usefixtures("one_face", "worker")
def test_from_upload_to_a_name_for_a_stranger(
    owner_page: Page, photo: Callable[[str, bytes], str]
) -> None:
    page = owner_page
    page.goto("/videos/")
    page.get_by_role("link", name="Ask about a video").click()
    pictured(page, "video-new")
    page.locator("input[type=file]").set_input_files(photo("film.mkv", grey_levels(SCENES)))
    page.wait_for_url("**/videos/*-*/")
    expect(page.locator(".person-seen .face-name")).to_have_text(["Ada", "Stranger 1"])
    expect(page.locator(".lane")).to_have_count(2)
    player = page.locator("[data-video-stage] video")
    expect(player).to_be_visible()
    pictured(page, "video")

    page.locator(".lane").nth(1).locator("a[data-seek]").click()
    assert player.evaluate("video => video.currentTime") == pytest.approx(2.05, abs=0.02)
    expect(page.locator("[data-video-stage] text")).to_have_text("Stranger 1")
    pictured(page, "video-stranger")

    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    rows = list(csv.DictReader(StringIO(Path(str(download.value.path())).read_text())))
    assert [(row["name"], row["decision"]) for row in rows] == [
        ("Ada", "identified"),
        ("", "unknown"),
    ]

    stranger = page.locator(".person-seen").nth(1)
    stranger.get_by_text("Who is this?").click()
    stranger.get_by_label("Enroll this face as a new person").fill("Grace")
    stranger.get_by_role("button", name="Enroll").click()
    expect(page.get_by_text("Enrolled as Grace.")).to_be_visible()
    assert FaceImage.objects.filter(identity__name="Grace", state="enrolled").count() == 1

    page.set_viewport_size({"width": 390, "height": 844})
    pictured(page, "video-phone")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.usefixtures("one_face")
def test_what_is_no_video_is_refused_in_place(
    owner_page: Page, photo: Callable[[str, bytes], str], watch: Any
) -> None:
    watch.expect("422")
    owner_page.goto("/videos/new/")
    owner_page.locator("input[type=file]").set_input_files(photo("sound.mp4", sound_file()))
    expect(owner_page.get_by_role("alert")).to_contain_text("There is no moving picture")
    expect(owner_page.get_by_role("alert")).to_contain_text("video_no_video_stream")
    assert not Video.objects.exists()
