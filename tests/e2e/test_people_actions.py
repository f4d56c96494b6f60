"""Merging and undoing, splitting, consent: by hand."""

from playwright.sync_api import Page, expect

from recognition.models import Gallery, Identity
from tests.e2e.people import enroll


def test_merge_and_undo(owner_page: Page, gallery: Gallery) -> None:
    ada, augusta = enroll(gallery, "Ada Lovelace", 1), enroll(gallery, "Augusta King", 3, images=2)
    enroll(gallery, "Mary", 2)
    page = owner_page
    page.goto(f"/identities/{ada.pk}/")
    page.get_by_role("link", name="Merge somebody into this person").click()
    expect(page.locator("#merge-people .list-row")).to_have_count(2)
    page.get_by_role("searchbox").fill("king")
    expect(page.locator("#merge-people .list-row")).to_have_count(1)
    page.get_by_role("button", name="Merge", exact=True).click()
    page.locator("#confirm").get_by_role("button", name="Merge").click()
    expect(page.get_by_text("Augusta King is part of Ada Lovelace now")).to_be_visible()
    expect(page.locator("#images .tile-button")).to_have_count(3)
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Augusta King")
    expect(page.locator("#images .tile-button")).to_have_count(2)
    assert Identity.objects.get(pk=augusta.pk).faces.count() == 2


def test_splitting_images_off(owner_page: Page, gallery: Gallery) -> None:
    ada = enroll(gallery, "Ada Lovelace", 1, images=3)
    owner_page.goto(f"/identities/{ada.pk}/")
    owner_page.get_by_role("link", name="Split images off").click()
    owner_page.locator("input[name=images]").first.check()
    owner_page.locator("input[name=name]").fill("Grace Hopper")
    owner_page.get_by_role("button", name="Split off").click()
    expect(owner_page.get_by_role("heading", level=1)).to_have_text("Grace Hopper")
    expect(owner_page.locator("#images .tile-button")).to_have_count(1)


def test_consent_is_recorded_and_withdrawn(owner_page: Page, gallery: Gallery) -> None:
    ada = enroll(gallery, "Ada Lovelace", 1)
    page = owner_page
    page.goto(f"/identities/{ada.pk}/")
    page.get_by_text("Record a consent").click()
    page.get_by_label("Agreed to").fill("Entry to the building")
    page.get_by_role("button", name="Record", exact=True).click()
    expect(page.locator("#consent-title + .card .chip")).to_have_text("Active")
    page.get_by_role("button", name="Withdraw").click()
    page.locator("#confirm").get_by_role("button", name="Withdraw").click()
    expect(page.get_by_text("Kept from searches")).to_be_visible()
    expect(page.locator("#consent-title + .card .chip")).to_have_text("Withdrawn")
