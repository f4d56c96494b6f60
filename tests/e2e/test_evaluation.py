"""An evaluation from the gallery's page to its new threshold; the report's plots are drawn."""

import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from recognition.models import Gallery, GalleryThreshold
from tests.training.people import make_gallery

SHOTS = os.environ.get("EVALUATION_SHOTS", "")


@pytest.fixture
def measured(gallery: Gallery) -> Gallery:
    """The gallery with generated people, none of whom has a picture."""
    return make_gallery(gallery, people=60, images=3)


def shoot(page: Page, name: str) -> None:
    """Keep a picture where EVALUATION_SHOTS says so."""
    if SHOTS:
        page.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=True)


@pytest.mark.usefixtures("worker")
def test_measure_read_apply(owner_page: Page, measured: Gallery, watch: object) -> None:
    watch.expect("status of 404")  # type: ignore[attr-defined]  # photos of generated people
    page = owner_page
    page.goto(f"/galleries/{measured.pk}/")
    page.get_by_role("link", name="Measure", exact=True).click()
    expect(page.get_by_label("What to measure")).to_have_value(f"gallery:{measured.pk}")
    shoot(page, "new")
    page.get_by_role("button", name="Measure").click()
    expect(page).to_have_url(re.compile(r"/evaluations/[0-9a-f-]+/$"))
    page.get_by_role("link", name="See the result").click()
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_have_text(re.compile(r"^Finds .* of enrolled people while naming"))
    for name in ("scores", "det", "roc", "cmc", "open_set"):
        expect(page.locator(f'[data-plot="{name}"] .main-svg').first).to_be_visible()
    said = page.locator("[data-sentence]")
    before = said.inner_text()
    page.get_by_role("slider").fill("0.9")
    expect(said).not_to_have_text(before)
    shoot(page, "report")
    page.get_by_label("1 stranger in 20").check()
    page.get_by_role("button", name="Apply to Staff").click()
    expect(page.get_by_text("From the evaluation of")).to_be_visible()
    value = GalleryThreshold.objects.get(gallery=measured, active=True).value
    expect(page.locator("#trust")).to_contain_text(f"{value:.3f}")
    shoot(page, "gallery")
    page.get_by_role("link", name="Open the evaluation").click()
    expect(page.get_by_text("In use since")).to_be_visible()
