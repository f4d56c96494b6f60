"""Who is in this photo: dropped, pasted, chosen; and what the answer page lets people do."""

import base64
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from recognition.models import Gallery, Identity
from tests.e2e.conftest import Site, Watch
from tests.e2e.people import enroll
from tests.factories import GalleryFactory
from tests.fakes import POOR, face_photo

ADA, MARY, STRANGER = 1, 2, 77


@pytest.fixture
def people(gallery: Gallery) -> list[Identity]:
    return [enroll(gallery, "Ada Lovelace", ADA, images=3), enroll(gallery, "Mary", MARY)]


def ask(page: Page, path: str) -> None:
    page.goto("/identify/")
    page.locator("input[name=photo]").set_input_files(path)
    page.wait_for_url("**/probes/**")


def hand_over(page: Page, data: bytes, *, how: str) -> None:
    """Drop or paste a photo as a browser would."""
    page.evaluate(
        """([content, how]) => {
            const bytes = Uint8Array.from(atob(content), (c) => c.charCodeAt(0));
            const transfer = new DataTransfer();
            transfer.items.add(new File([bytes], "gate.png", { type: "image/png" }));
            const event = how === "paste"
              ? new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true })
              : new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true });
            document.body.dispatchEvent(event);
        }""",
        [base64.b64encode(data).decode(), how],
    )


@pytest.mark.usefixtures("people")
def test_every_face_of_a_chosen_photo_is_answered(owner_page: Page, photo: Any) -> None:
    page = owner_page
    ask(page, photo("gate.png", face_photo(ADA, STRANGER, variant=9)))
    expect(page.get_by_role("heading", level=1)).to_have_text("Ada Lovelace")
    named, unknown = page.locator("#face-1"), page.locator("#face-2")
    expect(named.locator(".chip")).to_have_text("Identified")
    expect(named.get_by_role("img", name="Score")).to_be_visible()
    expect(named).to_contain_text("strangers score this high")
    expect(named.locator("#similar-1 [data-view]")).to_have_count(3)
    expect(named.locator("#similar-1")).to_contain_text("Ada Lovelace/0.png")
    expect(unknown.locator(".chip")).to_have_text("Not in the database")
    unknown.get_by_text("Nearest images, below the threshold").click()
    expect(unknown.locator("#similar-2 [data-view]")).to_have_count(4)
    expect(unknown.locator("#similar-2 .tile-below")).to_have_count(4)


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize("how", ["drop", "paste"])
def test_a_photo_can_be_dropped_and_pasted(owner_page: Page, how: str) -> None:
    owner_page.goto("/identify/")
    hand_over(owner_page, face_photo(MARY, variant=5), how=how)
    owner_page.wait_for_url("**/probes/**")
    expect(owner_page.get_by_role("heading", level=1)).to_have_text("Mary")


@pytest.mark.usefixtures("people")
def test_how_a_pasted_photo_was_decided(owner_page: Page) -> None:
    page = owner_page
    page.goto("/identify/")
    hand_over(page, face_photo(MARY, STRANGER, variant=5), how="paste")
    page.wait_for_url("**/probes/**")
    page.locator("#face-1").get_by_role("link", name="How this was decided").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("How this was decided")
    expect(page.locator(".photo-points circle.face-point")).to_have_count(5)
    seen = page.get_by_role("img", name="The crop that FaceNet, CASIA-WebFace got")
    expect(seen).to_be_visible()
    assert seen.evaluate("image => [image.naturalWidth, image.naturalHeight]") == [160, 160]
    expect(page.get_by_role("region", name="Judged usable")).to_contain_text("at least 12 px")
    expect(page.get_by_role("region", name="Compared").locator(".candidate")).to_have_count(2)
    expect(page.get_by_role("region", name="Time").locator("tr")).to_have_count(5)
    expect(page.get_by_role("region", name="Decided")).to_contain_text("This is Mary.")
    page.get_by_role("link", name="Face 2").click()
    expect(page.get_by_role("region", name="Decided")).to_contain_text("Not in the database.")
    page.get_by_role("link", name="Back to the answer").click()
    expect(page.locator("#face-2")).to_be_visible()


@pytest.mark.usefixtures("people")
def test_box_and_card_light_each_other(owner_page: Page, photo: Any) -> None:
    page = owner_page
    ask(page, photo("gate.png", face_photo(ADA, MARY, variant=9)))
    box, card = page.locator("a.face-box[data-face='2']"), page.locator("#face-2")
    expect(box).to_have_attribute("aria-label", "Face 2: This is Mary.")
    card.hover()
    expect(box).to_have_class("face-box face-box-identified is-lit")
    page.mouse.move(0, 0)
    expect(box).to_have_class("face-box face-box-identified")
    box.focus()
    expect(card).to_have_class("card face-card is-lit")
    page.keyboard.press("Enter")
    expect(card).to_be_focused()


@pytest.mark.usefixtures("people")
def test_a_similar_image_opens_large_with_its_path(owner_page: Page, photo: Any) -> None:
    page = owner_page
    ask(page, photo("gate.png", face_photo(ADA, variant=9)))
    page.locator("#similar-1 [data-view]").first.click()
    viewer = page.get_by_role("dialog")
    expect(viewer.locator("#viewer-path")).to_have_text("Ada Lovelace/0.png")
    expect(viewer.locator("#viewer-box rect").first).to_have_attribute("width", "59.0")
    first = viewer.locator("#viewer-image").get_attribute("src")
    page.keyboard.press("ArrowRight")
    expect(viewer.locator("#viewer-image")).not_to_have_attribute("src", first or "")
    page.keyboard.press("Escape")
    expect(viewer).to_be_hidden()
    with page.expect_download() as download:
        page.get_by_role("link", name="All as CSV").click()
    lines = Path(download.value.path()).read_text().splitlines()
    assert lines[0].startswith("path,identity,score")
    assert len(lines) == 4


def test_similar_images_come_in_pages_and_of_one_person(
    owner_page: Page, gallery: Gallery, photo: Any
) -> None:
    enroll(gallery, "Ada", ADA, images=27)
    other = enroll(gallery, "Also Ada", 3)
    page = owner_page
    data = face_photo(ADA, variant=100)
    from faceplatform.core.actors import SYSTEM
    from recognition.models import ReviewAction
    from recognition.services.enrollment import enroll_photo
    from recognition.services.review import decide

    held = enroll_photo(
        gallery=gallery,
        identity=other,
        data=face_photo(ADA, variant=60),
        path="other.png",
        actor=SYSTEM,
    )
    decide(face=held, action=ReviewAction.ACCEPT, actor=SYSTEM)
    ask(page, photo("gate.png", data))
    tiles = page.locator("#similar-1 [data-view]")
    expect(tiles).to_have_count(24)
    page.get_by_role("button", name="Show more (24 of 28)").click()
    expect(tiles).to_have_count(28)
    page.get_by_label("Show").select_option("Also Ada (1)")
    expect(tiles).to_have_count(1)
    expect(tiles).to_contain_text("other.png")


@pytest.mark.usefixtures("people")
def test_an_unknown_can_be_enrolled_and_is_known_then(
    owner_page: Page, photo: Any, watch: Watch
) -> None:
    watch.expect("status of 409|status of 422")
    page, path = owner_page, photo("gate.png", face_photo(STRANGER, variant=9))
    ask(page, path)
    page.get_by_text("Say who this is").click()
    name = page.get_by_label("Enroll this face as a new person")
    name.fill("Mary")
    page.get_by_role("button", name="Enroll", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("Somebody of that name is here already.")
    expect(page.get_by_role("alert")).to_contain_text("identity_exists")
    page.get_by_label("Enroll this face as a new person").fill("Sofia")
    page.get_by_role("button", name="Enroll", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sofia")
    expect(page.locator("#images [data-view]")).to_have_count(1)
    ask(page, photo("again.png", face_photo(STRANGER, variant=10)))
    expect(page.get_by_role("heading", level=1)).to_have_text("Sofia")


@pytest.mark.usefixtures("people")
def test_an_unknown_can_be_given_to_somebody_known(owner_page: Page, photo: Any) -> None:
    page = owner_page
    ask(page, photo("gate.png", face_photo(STRANGER)))
    page.get_by_text("Nearest people").click()
    row = page.locator(".candidate", has_text="Mary")
    row.get_by_role("button", name="It is").click()
    page.locator("#confirm").get_by_role("button", name="Enroll").click()
    expect(page.get_by_text("Filed under Mary and held back")).to_be_visible()
    assert Identity.objects.get(name="Mary").faces.filter(state="quarantined").count() == 1


@pytest.mark.usefixtures("people")
@pytest.mark.usefixtures("people")
def test_all_faces_of_a_photo_are_named_in_one_step(
    owner_page: Page, photo: Any, gallery: Gallery, watch: Watch
) -> None:
    watch.expect("status of 422")
    page = owner_page
    ask(page, photo("party.png", face_photo(ADA, STRANGER, STRANGER + 1, variant=9)))
    page.get_by_role("link", name="Name the faces").click()
    expect(page.locator("#name-1")).to_have_value("Ada Lovelace")
    page.locator("#name-2").fill("Ada Lovelace")
    page.get_by_role("button", name="Enroll the named faces").click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing was saved.")
    page.locator("#name-2").fill("Grace Hopper")
    page.get_by_role("button", name="Enroll the named faces").click()
    expect(page.get_by_text("2 faces enrolled.")).to_be_visible()
    rows = Identity.objects.filter(gallery=gallery).order_by("name")
    assert [(one.name, one.faces.count()) for one in rows] == [
        ("Ada Lovelace", 4),
        ("Grace Hopper", 1),
        ("Mary", 1),
    ]


@pytest.mark.usefixtures("people")
def test_photos_without_an_answer_say_why(owner_page: Page, photo: Any, watch: Watch) -> None:
    page = owner_page
    ask(page, photo("sky.png", face_photo()))
    expect(page.get_by_role("heading", level=1)).to_have_text("There is no face in this photo.")
    expect(page.get_by_text("Nobody to look up")).to_be_visible()
    ask(page, photo("poor.png", face_photo(ADA, variant=POOR)))
    expect(page.locator("#face-1")).to_contain_text("it is not certainly a face")
    expect(page.locator("#face-1")).not_to_contain_text("Nearest")
    watch.expect("status of 415|status of 422")
    page.goto("/identify/")
    page.locator("input[name=photo]").set_input_files(photo("text.jpg", b"not a picture"))
    expect(page.get_by_role("alert")).to_contain_text("Nothing was saved. unsupported_media")
    page.locator("input[name=photo]").set_input_files(photo("ok.png", face_photo(ADA, variant=8)))
    expect(page.get_by_role("heading", level=1)).to_have_text("Ada Lovelace")


@pytest.mark.usefixtures("people")
def test_the_gallery_is_remembered_and_others_can_be_asked(
    owner_page: Page, site: Site, gallery: Gallery, photo: Any
) -> None:
    GalleryFactory(organization=site.organization, name="Archive")
    page = owner_page
    page.goto("/identify/")
    expect(page.get_by_label("Look in")).to_have_value(str(Gallery.objects.get(name="Archive").pk))
    page.get_by_label("Look in").select_option("Staff")
    page.locator("input[name=photo]").set_input_files(photo("a.png", face_photo(ADA, variant=7)))
    page.wait_for_url("**/probes/**")
    page.get_by_label("Ask the same of").select_option("Archive")
    page.get_by_role("button", name="Ask").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("1 face: 1 not in the database.")
    page.goto("/identify/")
    expect(page.get_by_label("Look in")).to_have_value(str(gallery.pk))
    page.goto("/probes/")
    expect(page.locator("a.list-row")).to_have_count(2)


@pytest.mark.usefixtures("people")
def test_an_answer_can_be_deleted(owner_page: Page, photo: Any) -> None:
    page = owner_page
    ask(page, photo("gate.png", face_photo(ADA, variant=9)))
    page.get_by_role("button", name="Delete this answer").click()
    page.locator("#confirm").get_by_role("button", name="Delete answer").click()
    expect(page.get_by_text("Nothing was asked yet")).to_be_visible()
