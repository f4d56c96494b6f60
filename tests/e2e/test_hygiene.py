"""Looking through a gallery and putting it right by clicks."""

import pytest
from playwright.sync_api import Page, expect

from recognition.models import FaceImage, Gallery, Identity
from tests.e2e.people import enroll
from tests.factories import FaceTemplateFactory, PhotoFactory, store_file
from tests.fakes import face_photo


@pytest.mark.usefixtures("worker")
def test_a_misfiled_image_is_found_moved_and_taken_back(owner_page: Page, gallery: Gallery) -> None:
    for number, name in enumerate(["Ada", "Bob", "Cleo"], 1):
        enroll(gallery, name, number, images=2)
    data = face_photo(2, variant=8)
    photo = store_file(PhotoFactory.create(organization=gallery.organization, data=data), data)
    ada = Identity.objects.get(name="Ada")
    wrong: FaceImage = FaceTemplateFactory.create(
        face__identity=ada, face__photo=photo, person=2, variant=8
    ).face
    page = owner_page
    page.goto(f"/galleries/{gallery.pk}/")
    page.get_by_role("link", name="Hygiene").click()
    expect(page.get_by_text("Not looked through yet")).to_be_visible()
    page.get_by_role("button", name="Look through").click()
    expect(page.locator("[data-job-state=succeeded]")).to_contain_text("7 images compared")
    page.goto(f"/galleries/{gallery.pk}/hygiene/")
    finding = page.locator("[data-finding=mislabelled]")
    expect(finding).to_have_count(1)
    finding.get_by_role("button", name="Move to Bob").click()
    expect(page.locator("[data-finding=mislabelled]")).to_have_count(0)
    wrong.refresh_from_db()
    assert wrong.identity is not None
    assert wrong.identity.name == "Bob"
    page.keyboard.press("u")
    expect(page.locator("[data-finding=mislabelled]")).to_have_count(1)
    page.get_by_role("button", name="It is Ada").click()
    expect(page.locator("[data-finding=mislabelled]")).to_have_count(0)
    page.get_by_role("link", name="Looks like somebody else").click()
    page.get_by_role("link", name="Findings that were set aside").click()
    page.get_by_role("button", name="Open again").click()
    page.get_by_role("link", name="Back to open findings").click()
    expect(page.locator("[data-finding=mislabelled]")).to_have_count(1)
