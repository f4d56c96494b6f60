"""From a dataset through a training run to a gallery that answers with what it made, and back."""

import os
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from faceplatform.core.actors import SYSTEM
from recognition.models import Gallery
from tests.training.people import make_gallery
from training.models import Dataset, SplitKind, TrainingRun
from training.services.datasets import Filters, Split, freeze_dataset

SHOTS = os.environ.get("TRAINING_SHOTS", "")


@pytest.fixture
def dataset(gallery: Gallery, tmp_path: Path, settings: Any) -> Dataset:
    """A split dataset of generated people, none of whom has a picture."""
    settings.VAR = tmp_path
    make_gallery(gallery, people=60, images=4)
    return freeze_dataset(
        name="Everybody",
        galleries=[gallery],
        filters=Filters(),
        split=Split(SplitKind.DISJOINT, {"train": 60, "test": 40}, 1),
        actor=SYSTEM,
    )


def shoot(page: Page, name: str) -> None:
    """Keep pictures where TRAINING_SHOTS says so: wide, and as a phone shows it."""
    if not SHOTS:
        return
    page.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=True)
    size = page.viewport_size
    page.set_viewport_size({"width": 390, "height": 844})
    page.screenshot(path=Path(SHOTS) / f"{name}-phone.png", full_page=True)
    if size:
        page.set_viewport_size(size)


@pytest.mark.usefixtures("worker")
def test_train_promote_go_back(owner_page: Page, dataset: Dataset, watch: Any) -> None:
    watch.expect("status of 404")  # photos of generated people
    page = owner_page
    page.goto(f"/datasets/{dataset.pk}/")
    page.get_by_role("link", name="Train", exact=True).click()
    page.get_by_role("link", name=re.compile("^Metric")).click()
    expect(page.get_by_text("With these settings on Everybody")).to_be_visible()
    page.get_by_text("Settings of metric").click()
    page.get_by_label("Epochs").fill("3")
    page.get_by_label("Length of the new embedding").fill("32")
    shoot(page, "new")
    page.get_by_role("button", name="Train").click()
    expect(page).to_have_url(re.compile(r"/training/[0-9a-f-]+/$"))
    expect(page.locator("#run-live svg.curves").first).to_be_visible(timeout=120_000)
    page.get_by_role("link", name="See the result").click()
    expect(page.get_by_role("heading", name="On the test part")).to_be_visible()
    expect(page.get_by_role("link", name="history.csv")).to_be_visible()
    shoot(page, "run")
    page.get_by_role("link", name="Use in Staff").click()
    run = TrainingRun.objects.get()
    shoot(page, "model")
    page.get_by_role("button", name=f"Use {run.name}").click()
    page.get_by_role("button", name="Give it this model").click()
    said = page.get_by_text(f"Staff now answers with {run.name}.")
    expect(said.first).to_be_visible(timeout=60_000)
    page.get_by_role("link", name="See the result").click()
    expect(page.get_by_role("link", name=run.name)).to_be_visible()
    page.get_by_role("link", name=run.name).click()
    page.get_by_role("button", name="Go back to FaceNet, CASIA-WebFace").click()
    said = page.get_by_text("Staff now answers with FaceNet, CASIA-WebFace.")
    expect(said.first).to_be_visible(timeout=60_000)
    page.goto("/training/")
    page.get_by_role("checkbox").first.check()
    shoot(page, "runs")
    page.get_by_role("button", name="Compare the ticked runs").click()
    expect(page.get_by_text("component_1_eer", exact=True)).to_be_visible()
