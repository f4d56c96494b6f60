"""Two photos with several faces, and a photo with a person."""

import base64
from typing import Any

from playwright.sync_api import Page, expect

from recognition.models import Gallery
from tests.e2e.conftest import Watch
from tests.e2e.people import enroll
from tests.fakes import POOR, face_photo

ADA, MARY, GRACE = 1, 2, 3


def test_two_photos_with_several_faces(owner_page: Page, gallery: Gallery, photo: Any) -> None:
    page = owner_page
    page.goto("/compare/")
    page.locator("input[name=first]").set_input_files(photo("a.png", face_photo(ADA, MARY)))
    expect(page.locator("[data-compare-name]").first).to_have_text("a.png")
    second = photo("b.png", face_photo(GRACE, MARY, ADA, variant=4))
    page.locator("input[name=second]").set_input_files(second)
    page.wait_for_url("**/compare/*-*/")
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_have_text("2 of 6 pairs of faces judged the same person.")
    expect(page.locator(".matrix tbody a")).to_have_count(6)
    expect(page.locator(".matrix a.cell-same")).to_have_count(2)
    expect(page.locator("#pair .chip")).to_have_text("Same person")
    page.get_by_role("link", name="Face 1 of the first photo with face 1 of the second").click()
    expect(page.locator("#pair .chip")).to_have_text("Different people")
    expect(page.locator("#pair figcaption").first).to_have_text("First photo, face 1")
    expect(page.get_by_text("1:1 threshold from the model's calibration")).to_be_visible()
    for image in page.locator("#pair img").all():
        expect(image).to_have_js_property("naturalWidth", 224)


def test_photos_are_dropped_where_they_belong(owner_page: Page, gallery: Gallery) -> None:
    owner_page.goto("/compare/")
    for data in (face_photo(ADA), face_photo(ADA, variant=2)):
        owner_page.evaluate(
            """(content) => {
                const bytes = Uint8Array.from(atob(content), (c) => c.charCodeAt(0));
                const transfer = new DataTransfer();
                transfer.items.add(new File([bytes], "x.png", { type: "image/png" }));
                document.body.dispatchEvent(
                  new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true }));
            }""",
            base64.b64encode(data).decode(),
        )
    owner_page.wait_for_url("**/compare/*-*/")
    expect(owner_page.get_by_role("heading", level=1)).to_have_text("Judged the same person.")


def test_a_photo_without_a_face_is_refused_in_place(
    owner_page: Page, gallery: Gallery, photo: Any, watch: Watch
) -> None:
    watch.expect("422")
    owner_page.goto("/compare/")
    owner_page.locator("input[name=first]").set_input_files(photo("a.png", face_photo(ADA)))
    owner_page.locator("input[name=second]").set_input_files(photo("none.png", face_photo()))
    expect(owner_page.get_by_role("alert")).to_contain_text("In none.png there is no face")
    expect(owner_page.get_by_role("alert")).to_contain_text("Nothing was saved")


def test_a_photo_with_a_person(owner_page: Page, gallery: Gallery, photo: Any) -> None:
    identity = enroll(gallery, "Ada Lovelace", ADA, images=3)
    page = owner_page
    page.goto(f"/identities/{identity.pk}/")
    page.get_by_role("link", name="Verify a photo").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Is this Ada Lovelace?")
    page.locator("select[name=rule]").select_option("vote")
    page.locator("input[name=photo]").set_input_files(photo("gate.png", face_photo(ADA, variant=9)))
    page.wait_for_url("**/compare/*-*/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Judged to be Ada Lovelace.")
    expect(page.locator("#face-1 [data-view]")).to_have_count(3)
    expect(page.locator("#face-1")).to_contain_text("3 of 3 images reach")


def test_a_poor_face_gets_no_verdict(owner_page: Page, gallery: Gallery, photo: Any) -> None:
    owner_page.goto("/compare/")
    owner_page.locator("input[name=first]").set_input_files(photo("a.png", face_photo(ADA)))
    poor = photo("b.png", face_photo(ADA, variant=POOR))
    owner_page.locator("input[name=second]").set_input_files(poor)
    owner_page.wait_for_url("**/compare/*-*/")
    expect(owner_page.locator("#pair .chip")).to_have_text("Too poor to tell")
