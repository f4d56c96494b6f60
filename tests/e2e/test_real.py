"""The main job with nothing in its place: real networks, a real worker, real photographs."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Site
from tests.factories import GalleryFactory

ROOT = Path(__file__).resolve().parent.parent.parent
PATIENCE = 180_000

pytestmark = [pytest.mark.faces, pytest.mark.slow, pytest.mark.stack]


@pytest.fixture
def celery_worker(site: Site, files: Path, tmp_path: Path) -> Iterator[None]:
    """A Celery worker on this test's database and files."""
    settings.MODELS_DIR.mkdir(parents=True, exist_ok=True)
    (tmp_path / "models").symlink_to(settings.MODELS_DIR)
    head, _, query = os.environ["DATABASE_URL"].partition("?")
    name = connection.settings_dict["NAME"]
    environment = os.environ | {
        "DATABASE_URL": f"{head.rpartition('/')[0]}/{name}" + (f"?{query}" if query else ""),
        "DJANGO_SETTINGS_MODULE": "faceplatform.settings.test",
        "FACEPLATFORM_VAR": str(files.parent),
    }
    command = [sys.executable, "-m", "celery", "-A", "faceplatform", "worker"]
    options = ["-Q", "inference", "--concurrency", "1", "--loglevel", "WARNING"]
    process = subprocess.Popen([*command, *options], cwd=ROOT, env=environment)
    yield
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(timeout=15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@pytest.mark.timeout(600)
@pytest.mark.usefixtures("celery_worker")
def test_people_are_imported_and_named(owner_page: Page, site: Site, shared_data: Path) -> None:
    gallery = GalleryFactory.create(organization=site.organization, name="Stage")
    examples = shared_data / "people" / "knn_examples"
    page = owner_page
    page.goto(f"/galleries/{gallery.pk}/import/")
    page.locator("[data-folder-input]").set_input_files(examples / "train")
    ended = page.locator("[data-job-state=succeeded]")
    expect(ended).to_contain_text("9 images enrolled in Stage.", timeout=PATIENCE)
    page.goto("/identify/")
    page.locator("input[name=photo]").set_input_files(examples / "test" / "obama_and_biden.jpg")
    page.wait_for_url("**/probes/**", timeout=PATIENCE)
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_contain_text("obama")
    expect(heading).to_contain_text("biden")
    expect(page.locator("#similar-1 [data-view] img").first).to_have_js_property("complete", True)
    for image in page.locator("#similar-1 [data-view] img").all():
        assert image.evaluate("image => image.decode().then(() => image.naturalWidth)") == 224
