"""Importing by zip and by folder, followed to the result."""

import io
import zipfile
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from faceplatform.core.models import Job
from recognition.models import Gallery, Identity
from tests.e2e.conftest import Watch
from tests.fakes import POOR, face_photo

PEOPLE = {"Ada Lovelace": 1, "Mary": 2}


def archive() -> bytes:
    """Return a zip of two people, one image of which is too poor and one no image at all."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        for name, person in PEOPLE.items():
            for number in range(3):
                packed.writestr(f"{name}/{number}.png", face_photo(person, variant=number))
        packed.writestr("Mary/poor.png", face_photo(2, variant=POOR))
        packed.writestr("Mary/broken.jpg", b"no picture")
    return out.getvalue()


@pytest.mark.usefixtures("worker")
def test_a_zip_is_followed_from_upload_to_result(
    owner_page: Page, gallery: Gallery, photo: Any
) -> None:
    page = owner_page
    page.goto(f"/galleries/{gallery.pk}/")
    page.get_by_role("link", name="Import photos").click()
    page.locator("input[name=archive]").set_input_files(photo("people.zip", archive()))
    page.wait_for_url("**/jobs/**")
    expect(page.get_by_role("heading", level=1)).to_have_text("Importing people.zip into Staff")
    ended = page.locator("[data-job-state=succeeded]")
    expect(ended).to_contain_text("6 images enrolled in Staff, 2 refused.")
    expect(ended.get_by_role("progressbar")).to_have_attribute("value", "1.0000")
    assert ended.get_attribute("hx-get") is None
    page.get_by_text("Log", exact=True).click()
    expect(page.locator("#job-log")).to_contain_text("Done")
    page.get_by_role("link", name="See the result").click()
    expect(page.get_by_role("row")).to_have_count(9)
    page.get_by_role("link", name="Refused").click()
    expect(page.get_by_role("row", name="Mary/broken.jpg")).to_contain_text("unsupported_media")
    expect(page.get_by_role("row", name="Mary/poor.png")).to_contain_text("low_quality")
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    assert len(Path(download.value.path()).read_text().splitlines()) == 9
    page.get_by_role("link", name="Open gallery").click()
    expect(page.locator("#people .tile")).to_have_count(2)


@pytest.mark.usefixtures("worker")
def test_a_folder_is_packed_in_the_browser(
    owner_page: Page, gallery: Gallery, tmp_path: Path
) -> None:
    folder = tmp_path / "archive"
    for name, person in {"Ada Lovelace": 1, "Zoë Ångström": 5}.items():
        (folder / name).mkdir(parents=True)
        for number in range(2):
            (folder / name / f"{number}.png").write_bytes(face_photo(person, variant=number))
    (folder / ".hidden").write_bytes(b"left out")
    page = owner_page
    page.goto(f"/galleries/{gallery.pk}/import/")
    page.locator("[data-folder-input]").set_input_files(folder)
    ended = page.locator("[data-job-state=succeeded]")
    expect(ended).to_contain_text("4 images enrolled in Staff.")
    names = set(Identity.objects.filter(gallery=gallery).values_list("name", flat=True))
    assert names == {"Ada Lovelace", "Zoë Ångström"}
    assert Job.objects.get().title == "Importing archive.zip into Staff"


def test_a_file_that_is_no_zip_is_refused_on_the_page(
    owner_page: Page, gallery: Gallery, photo: Any, watch: Watch
) -> None:
    watch.expect("status of 422")
    page = owner_page
    page.goto(f"/galleries/{gallery.pk}/import/")
    page.locator("input[name=archive]").set_input_files(photo("people.zip", b"PK not a zip"))
    expect(page.get_by_role("alert").first).to_contain_text("not a complete zip")
    expect(page.get_by_role("alert").first).to_contain_text("archive_corrupt")
    expect(page.get_by_text("Drop a folder or a zip")).to_be_visible()
    assert not Job.objects.exists()


def test_a_folder_that_is_too_large_is_not_uploaded(
    owner_page: Page, gallery: Gallery, tmp_path: Path, settings: Any
) -> None:
    settings.MAX_ARCHIVE_ENTRIES = 1
    folder = tmp_path / "archive"
    (folder / "Ada").mkdir(parents=True)
    for number in range(2):
        (folder / "Ada" / f"{number}.png").write_bytes(face_photo(1, variant=number))
    page = owner_page
    page.goto(f"/galleries/{gallery.pk}/import/")
    page.locator("[data-folder-input]").set_input_files(folder)
    expect(page.locator("[data-drop-refusal]")).to_contain_text("The folder has 2 files; 1 at most")


def test_a_waiting_job_can_be_cancelled(owner_page: Page, gallery: Gallery, photo: Any) -> None:
    page = owner_page
    page.goto(f"/galleries/{gallery.pk}/import/")
    page.locator("input[name=archive]").set_input_files(photo("people.zip", archive()))
    page.wait_for_url("**/jobs/**")
    expect(page.locator("[data-job-state=queued]")).to_contain_text("Waiting for a worker")
    page.get_by_role("button", name="Cancel").first.click()
    with page.expect_response("**/live/"):  # the page renews itself behind the question
        pass
    page.locator("#confirm").get_by_role("button", name="Stop job").click()
    expect(page.locator("[data-job-state=cancelled]")).to_be_visible()
    page.goto("/jobs/")
    expect(page.locator("a.list-row [data-state=cancelled]")).to_be_visible()
