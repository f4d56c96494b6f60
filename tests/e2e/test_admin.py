"""The admin in a browser: no outsider sees a face, a name or a template; nothing is refused."""

import re
from collections.abc import Iterator
from typing import Literal

import pytest
from django.urls import reverse
from playwright.sync_api import Browser, BrowserContext, Page, expect

from faceplatform.accounts.models import User
from faceplatform.accounts.roles import Role
from recognition.models import Gallery, Identity
from recognition.services.pictures import picture_url
from tests.admin.people import addresses, admin_routes, embedding_text
from tests.architecture.world import Team, World, make_world
from tests.e2e.conftest import Site, Watch
from tests.e2e.people import enroll
from tests.fakes import FakePipeline

THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


@pytest.fixture
def world(site: Site, fake_pipeline: FakePipeline) -> World:
    """Two more organizations, with everything in them, besides the site's own."""
    return make_world()


@pytest.fixture
def requests(context: BrowserContext) -> Iterator[list[str]]:
    """Collect the addresses of everything the browser asks for."""
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    yield asked
    assert asked


def enter(context: BrowserContext, site: Site, user: User) -> Page:
    User.objects.filter(pk=user.pk).update(is_staff=True)
    context.add_cookies([site.session_of(user)])  # type: ignore[list-item]
    return context.new_page()


def secrets_of(team: Team) -> set[str]:
    """Return every name, address, id and number of the team that others may not read."""
    names = {user.name for user in team.people.values()}
    return team.secrets() | names | {embedding_text(team)}


def test_a_superuser_of_no_organization_sees_no_face_no_name_and_no_template(
    site: Site, context: BrowserContext, watch: Watch, world: World, requests: list[str]
) -> None:
    watch.expect(r"status of 40[34]")
    root = User.objects.get(is_superuser=True)
    page = enter(context, site, root)
    visited = 0
    for team in (world.a, world.b):
        secrets = secrets_of(team)
        for route, path in addresses(team):
            answer = page.goto(path)
            assert answer is not None
            if "object_id" in route.pattern:
                assert answer.status == 404, path
            text = page.content()
            assert [secret for secret in secrets if secret in text] == [], path
            shown = page.locator("img").evaluate_all("images => images.map(i => i.src)")
            assert shown == [], path
            visited += 1
    assert visited == 2 * len(admin_routes())
    assert not [address for address in requests if "/pictures/" in address]

    for row in ({"face_id": world.a.face.pk}, {"photo_id": world.a.face.photo_id}):
        for caller in ("owner", "superuser"):
            link = picture_url(principal=world.callers[caller].principal, kind="thumb", **row)
            refused = context.request.get(link)
            assert refused.status in {403, 404}
            assert not refused.headers["content-type"].startswith("image/")

    page.goto("/admin/")
    for table in ("counts", "jobs"):
        row_of_a = page.locator(f'tr[data-{table}="{world.a.organization.pk}"]')
        expect(row_of_a).to_contain_text("1")
    expect(page.get_by_role("link", name="Overview")).to_be_visible()
    expect(page.get_by_role("link", name="Identities")).to_have_count(0)


def test_staff_see_the_rows_of_their_organization_only(
    site: Site, context: BrowserContext, watch: Watch, world: World
) -> None:
    watch.expect(r"status of 404")
    page = enter(context, site, world.a.people[Role.OWNER])
    page.goto("/admin/")
    links = page.locator("#nav-sidebar-apps a").evaluate_all("links => links.map(a => a.pathname)")
    names = [route.name for route in admin_routes()]
    lists = {reverse(name) for name in names if name.endswith("_changelist")}
    assert {"/admin/recognition/gallery/", "/admin/training/dataset/"} <= set(links)
    assert set(links) <= lists | {"/admin/"}
    secrets = secrets_of(world.b)
    for path in links:
        page.goto(path)
        text = page.content()
        assert [secret for secret in secrets if secret in text] == [], path
    page.goto("/admin/recognition/identity/")
    row = page.locator("#result_list tr").filter(has_text="Alpha-identity")
    expect(row).to_have_count(1)
    loaded = row.locator("img").evaluate_all(
        "images => images.map(image => image.complete && image.naturalWidth > 0)"
    )
    assert loaded == [True]
    for team, status in ((world.a, 200), (world.b, 404)):
        answer = page.goto(f"/admin/recognition/identity/{team.identity.pk}/change/")
        assert answer is not None and answer.status == status


def test_a_stranger_logs_in_where_everybody_does(site: Site, page: Page) -> None:
    User.objects.filter(pk=site.owner.pk).update(is_staff=True)
    page.goto("/admin/recognition/gallery/")
    expect(page).to_have_url(re.compile(r"/accounts/login/\?next=/admin/recognition/gallery/"))


@pytest.mark.parametrize("theme", THEMES)
def test_pages_ask_for_nothing_that_is_refused_or_elsewhere(
    site: Site, browser: Browser, watch: Watch, gallery: Gallery, theme: Literal["light", "dark"]
) -> None:
    """Lists, forms, confirmations and menus, with everything opened that opens."""
    person = enroll(gallery, "Ada Byron", 1, images=2)
    User.objects.filter(pk=site.owner.pk).update(is_staff=True)
    opened = browser.new_context(base_url=site.url, color_scheme=theme)
    opened.on("page", watch.attach)
    hosts: set[str] = set()
    opened.on("request", lambda request: hosts.add(request.url.split("/")[2]))
    opened.add_cookies([site.session_of(site.owner)])  # type: ignore[list-item]
    page = opened.new_page()

    page.goto("/admin/")
    assert ("dark" in (page.locator("html").get_attribute("class") or "")) == (theme == "dark")
    for path in page.locator("#nav-sidebar-apps a").evaluate_all("all => all.map(a => a.pathname)"):
        page.goto(path)
        filters = page.get_by_text("Filters", exact=True)
        if filters.count():
            filters.click()
            expect(page.locator("#changelist-filter")).to_be_visible()
            page.keyboard.press("Escape")
        first = page.locator("input.action-select").first
        if first.count():
            first.check()
            expect(page.locator("#changelist-actions")).to_contain_text("1 of")
    face = person.faces.earliest("pk")
    for path in (
        f"recognition/identity/{person.pk}/change/",
        f"recognition/identity/{person.pk}/delete/",
        f"recognition/gallery/{gallery.pk}/change/",
        "recognition/gallery/add/",
        f"recognition/faceimage/{face.pk}/change/",
        f"recognition/photo/{face.photo_id}/change/",
        "recognition/identity/?q=nobody",
    ):
        page.goto(f"/admin/{path}")
    page.get_by_text(site.owner.email).click()
    expect(page.get_by_role("link", name="Back to the platform")).to_be_visible()
    page.get_by_text("Dark" if theme == "light" else "Light", exact=True).click()
    opened.close()
    assert hosts == {site.url.split("/")[2]}


def test_renaming_and_erasing_a_person(site: Site, owner_page: Page, gallery: Gallery) -> None:
    enroll(gallery, "Ada Byron", 1, images=2)
    User.objects.filter(pk=site.owner.pk).update(is_staff=True)
    page = owner_page
    page.goto("/admin/recognition/identity/")
    page.get_by_role("link", name="Ada Byron").click()
    page.get_by_label("Name").fill("Ada Lovelace")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#result_list")).to_contain_text("Ada Lovelace")

    page.locator("input.action-select").first.check()
    page.get_by_label("Select action to run").select_option(label="Erase selected identities")
    page.get_by_role("button", name="Run").click()
    expect(page.locator("#content")).to_contain_text("Face images: 2")
    page.get_by_role("button", name="Yes").click()
    expect(page.get_by_text("There are no identities yet.")).to_be_visible()
    assert not Identity.objects.exists()
