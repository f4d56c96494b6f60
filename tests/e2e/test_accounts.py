"""Getting in, getting out, and keys."""

from django.test import Client
from playwright.sync_api import Page, expect

from faceplatform.accounts.models import Membership, Organization, User
from faceplatform.accounts.services.setup import create_setup_link
from tests.e2e.conftest import Site, Watch
from tests.factories import PASSWORD


def log_in(page: Page, email: str, password: str) -> None:
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Log in").click()


def test_a_stranger_logs_in_and_lands_where_they_wanted(page: Page, site: Site) -> None:
    page.goto("/galleries/")
    expect(page).to_have_title("Log in · Faceplatform")
    log_in(page, site.owner.email, "not the password")
    expect(page.get_by_role("alert")).to_contain_text("not correct")
    log_in(page, site.owner.email, PASSWORD)
    expect(page.get_by_role("heading", level=1)).to_have_text("Galleries")
    page.goto("/settings/")
    page.get_by_role("button", name="Log out").click()
    page.goto("/galleries/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Log in")


def test_the_one_time_link_makes_the_first_administrator(
    page: Page, site: Site, watch: Watch
) -> None:
    watch.expect("status of 422")
    Membership.objects.all().delete()
    User.objects.all().delete()
    Organization.objects.all().delete()
    token = create_setup_link()
    page.goto(f"/setup/{token}/")
    page.get_by_label("E-mail address").fill("ada@example.org")
    page.get_by_label("Password", exact=True).fill("1234")
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_role("alert").first).to_contain_text("too short")
    expect(page.get_by_label("E-mail address")).to_have_value("ada@example.org")
    page.get_by_label("Password", exact=True).fill("words that nobody else has")
    page.get_by_label("Your team").fill("Archive")
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Archive")
    expect(page.get_by_role("heading", name="Drop a photo")).to_be_visible()


def test_a_used_link_says_so(page: Page, site: Site, watch: Watch) -> None:
    watch.expect("status of 410")
    page.goto("/setup/used-or-invented/")
    expect(page.get_by_role("heading", level=1)).to_have_text("This link no longer works")
    expect(page.locator(".notice-code")).to_contain_text("setup_link_invalid")


def test_sign_up_is_closed(page: Page, site: Site) -> None:
    page.goto("/accounts/signup/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign-up is closed")


def test_a_key_is_shown_once_works_and_ends(owner_page: Page, site: Site, watch: Watch) -> None:
    owner_page.goto("/settings/keys/")
    owner_page.get_by_label("Name", exact=True).fill("Gate camera")
    owner_page.get_by_role("button", name="Make key").click()
    secret = owner_page.locator("#secret").input_value()
    expect(owner_page.locator("#try")).to_contain_text(f"{site.url}/api/v1/me")

    answer = Client().get("/api/v1/me", headers={"Authorization": f"Bearer {secret}"})
    assert answer.json()["organization"]["name"] == "Northgate archive"

    owner_page.goto("/settings/keys/")
    assert secret not in owner_page.content()
    row = owner_page.get_by_role("row", name="Gate camera")
    row.get_by_role("button", name="Revoke").click()
    owner_page.locator("#confirm").get_by_role("button", name="Cancel").click()
    expect(row.locator("[data-state=active]")).to_be_visible()
    row.get_by_role("button", name="Revoke").click()
    owner_page.locator("#confirm").get_by_role("button", name="Revoke").click()
    expect(owner_page.get_by_text("Gate camera was revoked")).to_be_visible()
    expect(owner_page.get_by_role("row", name="Gate camera")).to_contain_text("Revoked")
