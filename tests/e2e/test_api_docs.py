"""The page of the API works offline, under the Content-Security-Policy, with a key."""

from playwright.sync_api import Page, expect

from faceplatform.accounts.roles import Scope
from tests.e2e.conftest import Site
from tests.factories import make_key


def test_somebody_with_a_key_tries_the_api(site: Site, page: Page) -> None:
    secret = make_key(site.organization, Scope.READ).secret
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto("/api/docs")
    page.get_by_role("button", name="Authorize").click()
    bearer = page.locator(".auth-container", has=page.get_by_label("auth-bearer-value"))
    bearer.get_by_label("auth-bearer-value").fill(secret)
    bearer.locator("button.authorize").click()
    page.locator(".modal-ux .close-modal").click()
    operation = page.locator("#operations-me-me_retrieve")
    operation.locator(".opblock-summary-control").click()
    operation.get_by_role("button", name="Try it out").click()
    operation.get_by_role("button", name="Execute").click()
    answer = operation.locator(".live-responses-table")
    expect(answer).to_contain_text("Northgate archive")
    expect(answer.locator(".response-col_status").last).to_contain_text("200")
    assert all(url.startswith((site.url, "data:", "blob:")) for url in asked), asked
