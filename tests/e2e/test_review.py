"""Deciding about images that wait: by mouse and by keyboard, and taking it back."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from faceplatform.core.actors import SYSTEM
from recognition.models import FaceImage, FaceState, Gallery, Identity
from recognition.services.enrollment import enroll_photo
from tests.e2e.people import enroll
from tests.fakes import face_photo

ANN, BOB, EVE = 1, 2, 3


@pytest.fixture
def wrong(gallery: Gallery) -> FaceImage:
    """An image of Bob that was filed under Ann."""
    enroll(gallery, "Bob", BOB, images=2)
    return misfile(enroll(gallery, "Ann", ANN, images=2), BOB)


def misfile(identity: Identity, person: int) -> FaceImage:
    return enroll_photo(
        gallery=identity.gallery,
        identity=identity,
        data=face_photo(person, variant=9),
        path="scans/desk 7.png",
        actor=SYSTEM,
    )


def test_an_image_is_moved_by_mouse_and_back_by_undo(
    owner_page: Page, gallery: Gallery, wrong: FaceImage
) -> None:
    page = owner_page
    page.goto(f"/galleries/{gallery.pk}/")
    page.get_by_role("link", name="in review").click()
    expect(page.get_by_role("heading", level=2)).to_have_text("Ann, or Bob?")
    expect(page.get_by_text("1 image to decide about in Staff.")).to_be_visible()
    page.get_by_role("button", name="Move to Bob").click()
    expect(page.get_by_text("All decided")).to_be_visible()
    wrong.refresh_from_db()
    assert wrong.identity is not None
    assert (wrong.identity.name, wrong.state) == ("Bob", FaceState.ENROLLED)
    page.get_by_role("button", name="Undo: moved desk 7.png").click()
    expect(page.get_by_role("heading", level=2)).to_have_text("Ann, or Bob?")
    wrong.refresh_from_db()
    assert wrong.state == FaceState.QUARANTINED


def test_three_keys_decide_and_a_fourth_takes_back(
    owner_page: Page, gallery: Gallery, wrong: FaceImage
) -> None:
    second = misfile(Identity.objects.get(name="Bob"), EVE)
    page = owner_page
    page.goto("/")
    page.keyboard.press("g")
    page.keyboard.press("r")
    expect(page.get_by_text("2 images to decide about.")).to_be_visible()
    expect(page.get_by_role("heading", level=2)).to_have_text("Is this really Bob?")
    page.keyboard.press("m")  # nobody is proposed, so this asks for a name
    page.keyboard.type("An")
    expect(page.locator("#move-names option")).to_have_count(1)
    page.get_by_placeholder("A known name").fill("Eve")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=2)).to_have_text("Ann, or Bob?")
    second.refresh_from_db()
    assert second.identity is not None
    assert second.identity.name == "Eve"
    page.keyboard.press("s")
    expect(page.get_by_text("You have passed over the rest")).to_be_visible()
    page.get_by_role("link", name="From the start").click()
    expect(page.get_by_role("heading", level=2)).to_have_text("Ann, or Bob?")
    page.keyboard.press("r")
    expect(page.get_by_text("All decided")).to_be_visible()
    wrong.refresh_from_db()
    assert wrong.state == FaceState.REJECTED
    page.keyboard.press("u")
    expect(page.get_by_role("heading", level=2)).to_have_text("Ann, or Bob?")
    page.keyboard.press("m")
    expect(page.get_by_text("All decided")).to_be_visible()
    wrong.refresh_from_db()
    assert wrong.identity is not None
    assert wrong.identity.name == "Bob"


def test_adding_a_photo_says_that_it_is_held_back(
    owner_page: Page, gallery: Gallery, photo: Any
) -> None:
    enroll(gallery, "Bob", BOB)
    ann = enroll(gallery, "Ann", ANN)
    page = owner_page
    page.goto(f"/identities/{ann.pk}/")
    page.locator("input[name=photos]").set_input_files(photo("bob.png", face_photo(BOB, variant=3)))
    row = page.locator("#added .notice")
    expect(row).to_contain_text("Held back: it looks more like somebody else")
    expect(page.locator("#images [data-state=quarantined]")).to_be_visible()
    row.get_by_role("link", name="Review").click()
    expect(page.get_by_role("heading", level=2)).to_have_text("Ann, or Bob?")
    page.wait_for_load_state()  # keys work once the page's script has run
    page.keyboard.press("a")
    expect(page.get_by_text("All decided")).to_be_visible()
