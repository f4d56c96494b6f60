"""Enrolling real people: three from files, one from a camera, one of them under a wrong name."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from recognition.models import FaceImage, FaceState, Gallery, Identity
from tests.e2e.conftest import BROWSERS, Site, Watch
from tests.factories import GalleryFactory, IdentityFactory

PATIENCE = 120_000


def film(folder: Path, picture: Image.Image) -> Path:
    """Return a film of one still picture: JPEG images one after the other."""
    frame = folder / "frame.jpg"
    picture.save(frame, quality=95)
    path = folder / "camera.mjpeg"
    path.write_bytes(frame.read_bytes() * 30)
    return path


@pytest.fixture
def camera_page(
    browser: Browser, site: Site, watch: Watch, picture: Image.Image, tmp_path: Path
) -> Iterator[Page]:
    """A page of the owner in a browser whose camera shows the picture."""
    film_path = film(tmp_path, picture)
    running = browser.browser_type.launch(
        executable_path=next(filter(None, map(shutil.which, BROWSERS))),
        args=[
            *(["--no-sandbox"] if os.geteuid() == 0 else []),
            "--use-fake-ui-for-media-stream",
            "--use-fake-device-for-media-stream",
            f"--use-file-for-fake-video-capture={film_path}",
        ],
    )
    context = running.new_context(base_url=site.url, reduced_motion="reduce")
    context.set_default_timeout(PATIENCE)
    context.on("page", watch.attach)
    context.add_cookies([site.session_of(site.owner)])  # type: ignore[list-item]
    yield context.new_page()
    running.close()


def add_files(page: Page, identity: Identity, *paths: Path) -> None:
    page.goto(f"/identities/{identity.pk}/")
    page.locator("input[name=photos]").set_input_files(list(paths))


def take_photo(page: Page) -> None:
    page.get_by_role("button", name="Use the camera").click()
    page.get_by_role("button", name="Take photo").click()
    expect(page.get_by_text("One photo taken.")).to_be_visible()
    page.keyboard.press("Escape")


@pytest.mark.faces
@pytest.mark.slow
class TestRealPeople:
    """With the real networks."""

    @pytest.fixture
    def picture(self, shared_data: Path) -> Image.Image:
        """Somebody before the camera, upright and wide."""
        path = shared_data / "people" / "knn_examples" / "train" / "rose_leslie" / "img1.jpg"
        face = Image.open(path).convert("RGB")
        face.thumbnail((1280, 720))
        wide = Image.new("RGB", (1280, 720), "grey")
        wide.paste(face, ((1280 - face.width) // 2, (720 - face.height) // 2))
        return wide

    @pytest.mark.timeout(600)
    def test_people_are_enrolled_and_a_wrong_image_is_put_right(
        self, camera_page: Page, site: Site, shared_data: Path
    ) -> None:
        gallery = GalleryFactory.create(organization=site.organization, name="Stage")
        people = {
            name: IdentityFactory.create(gallery=gallery, name=name)
            for name in ("biden", "kit_harington", "obama", "rose_leslie")
        }
        train = shared_data / "people" / "knn_examples" / "train"
        page = camera_page
        for name in ("biden", "kit_harington", "obama"):
            photos = sorted((train / name).iterdir())
            add_files(page, people[name], *photos[:1] if name == "biden" else photos)
            count = 1 if name == "biden" else 2
            expect(page.locator("[data-added=enrolled]")).to_have_count(count, timeout=PATIENCE)
        page.goto(f"/identities/{people['rose_leslie'].pk}/")
        take_photo(page)
        expect(page.locator("[data-added=enrolled]")).to_have_count(1, timeout=PATIENCE)

        add_files(page, people["obama"], train / "biden" / "biden2.jpg")
        held = page.locator("[data-added=quarantined]")
        expect(held).to_contain_text(
            "Held back: it looks more like somebody else", timeout=PATIENCE
        )
        held.get_by_role("link", name="Review").click()
        expect(page.get_by_role("heading", level=2)).to_have_text("obama, or biden?")
        page.get_by_role("button", name="Move to biden").click()
        expect(page.get_by_text("All decided")).to_be_visible()
        assert people["biden"].faces.filter(state=FaceState.ENROLLED).count() == 2
        page.keyboard.press("u")
        expect(page.get_by_role("heading", level=2)).to_have_text("obama, or biden?")
        assert FaceImage.objects.get(state=FaceState.QUARANTINED).identity == people["obama"]


class TestCamera:
    """With the stand-in for the networks: what the camera shows is what arrives."""

    @pytest.fixture
    def picture(self) -> Image.Image:
        return Image.new("RGB", (640, 480), "navy")

    def test_what_the_camera_shows_arrives_as_a_photo(
        self, camera_page: Page, gallery: Gallery
    ) -> None:
        identity = IdentityFactory.create(gallery=gallery, name="Ada")
        page = camera_page
        page.goto(f"/identities/{identity.pk}/")
        take_photo(page)
        # A navy picture shows nobody; that it was looked at is what counts here.
        expect(page.locator("#added .notice")).to_contain_text("no_face")
        expect(page.locator("#added .notice")).to_contain_text("camera 20")


def test_without_a_camera_the_page_says_so(owner_page: Page, gallery: Gallery) -> None:
    identity = IdentityFactory.create(gallery=gallery, name="Ada")
    page = owner_page
    page.goto(f"/identities/{identity.pk}/")
    page.get_by_role("button", name="Use the camera").click()
    expect(page.locator("[data-camera-words]")).not_to_contain_text("Waiting")
    expect(page.get_by_role("button", name="Take photo")).to_be_disabled()
