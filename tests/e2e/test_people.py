"""People of a gallery: searching, adding photos, renaming, erasing; by hand and by keyboard."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from recognition.models import Gallery, Identity
from tests.e2e.conftest import Watch
from tests.e2e.people import enroll
from tests.fakes import POOR, face_photo


def test_people_are_found_as_one_types(owner_page: Page, gallery: Gallery) -> None:
    for number, name in enumerate(["Ada Lovelace", "Alan Turing", "Mary"]):
        enroll(gallery, name, number)
    page = owner_page
    page.goto(f"/galleries/{gallery.pk}/")
    expect(page.locator("#people .tile")).to_have_count(3)
    page.keyboard.press("/")
    page.keyboard.type("tur")
    expect(page.locator("#people .tile")).to_have_count(1)
    expect(page).to_have_url(re.compile(r"/\?q=tur&only=&order=name$"))
    page.get_by_label("Search people").fill("nobody at all")
    expect(page.get_by_text("Nobody found")).to_be_visible()
    page.get_by_label("Search people").fill("")
    expect(page.locator("#people .tile")).to_have_count(3)


def test_arrows_move_in_a_grid_and_enter_opens(owner_page: Page, gallery: Gallery) -> None:
    for number, name in enumerate(["Ada", "Bob", "Cleo"]):
        enroll(gallery, name, number)
    page = owner_page
    page.goto(f"/galleries/{gallery.pk}/")
    page.locator("#people .tile").first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Bob")


def test_letters_lead_to_pages_and_help_shows_them(owner_page: Page) -> None:
    page = owner_page
    page.goto("/")
    for letter, heading in [("i", "Who is in this photo?"), ("g", "Galleries"), ("j", "Jobs"),
                            ("y", "History"), ("s", "Settings")]:  # fmt: skip
        page.keyboard.press("g")
        page.keyboard.press(letter)
        expect(page.get_by_role("heading", level=1)).to_have_text(heading)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("Search on this page")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()


@pytest.mark.usefixtures("gallery")
def test_photos_are_added_one_by_one_with_reasons(
    owner_page: Page, gallery: Gallery, photo: Any, watch: Watch
) -> None:
    identity = enroll(gallery, "Ada", 1)
    page = owner_page
    page.goto(f"/identities/{identity.pk}/")
    page.locator("input[name=photos]").set_input_files(
        [
            photo("good.png", face_photo(1, variant=5)),
            photo("poor.png", face_photo(1, variant=POOR)),
            photo("same.png", face_photo(1)),
        ]
    )
    added = page.locator("#added .notice")
    expect(added.filter(has_text="good.png")).to_contain_text("Added, quality 0.80")
    expect(added.filter(has_text="poor.png")).to_contain_text("low_quality")
    expect(added.filter(has_text="same.png")).to_contain_text("duplicate_image")
    expect(page.locator("#images [data-view]")).to_have_count(2)


def test_of_several_faces_the_right_one_is_chosen_on_the_photo(
    owner_page: Page, gallery: Gallery, photo: Any
) -> None:
    identity = enroll(gallery, "Ada", 1)
    page = owner_page
    page.goto(f"/identities/{identity.pk}/")
    page.locator("input[name=photos]").set_input_files(
        photo("two.png", face_photo(7, 1, variant=6))
    )
    expect(page.locator("#added")).to_contain_text("There are 2 faces in this photo")
    page.get_by_role("button", name="Face 2").click()
    expect(page.locator("#images [data-view]")).to_have_count(2)
    x1 = identity.faces.order_by("created_at").last()
    assert x1 is not None
    assert x1.x1 == pytest.approx(90)


def test_an_image_is_deleted_after_a_question(owner_page: Page, gallery: Gallery) -> None:
    identity = enroll(gallery, "Ada", 1, images=2)
    page = owner_page
    page.goto(f"/identities/{identity.pk}/")
    page.get_by_role("button", name="Delete this image").first.click(force=True)
    page.locator("#confirm").get_by_role("button", name="Delete image").click()
    expect(page.get_by_text("The image was deleted.")).to_be_visible()
    expect(page.locator("#images [data-view]")).to_have_count(1)


def test_a_taken_name_is_refused_beside_the_field(
    owner_page: Page, gallery: Gallery, watch: Watch
) -> None:
    watch.expect("status of 422")
    enroll(gallery, "Mary", 2)
    identity = enroll(gallery, "Ada", 1)
    page = owner_page
    page.goto(f"/identities/{identity.pk}/edit/")
    page.get_by_label("Name", exact=True).fill("Mary")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("Somebody of that name is here already.")
    expect(page.get_by_label("Name", exact=True)).to_have_attribute("aria-invalid", "true")
    page.get_by_label("Name", exact=True).fill("Ada Lovelace")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Ada Lovelace")
    page.get_by_role("link", name="Change").click()
    page.get_by_role("button", name="Erase").click()
    page.locator("#confirm").get_by_role("button", name="Erase").click()
    expect(page.get_by_text("Ada Lovelace was erased with all images.")).to_be_visible()
    assert not Identity.objects.filter(pk=identity.pk).exists()
