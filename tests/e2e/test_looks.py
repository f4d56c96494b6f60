"""What holds for every page: it fits, it is readable, it is named, it works without scripts."""

from collections.abc import Iterator
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from recognition.models import Gallery
from tests.e2e.conftest import Site, Watch
from tests.e2e.people import enroll
from tests.factories import (
    PASSWORD,
    HygieneFindingFactory,
    ImportItemFactory,
    ImportRunFactory,
    JobLogLineFactory,
    ProbeBatchFactory,
)
from tests.fakes import face_photo

LONG = "Wolfeschlegelsteinhausenbergerdorff-Montgomery-Maria-Immaculata-Theodora" * 2

CONTRAST = """
() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = ([r, g, b]) => [r, g, b]
    .map((v) => v / 255)
    .map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = rgba(getComputedStyle(at).backgroundColor);
      if (colour[3] > 250) return colour;
    }
    return [255, 255, 255, 255];
  };
  const bad = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    const style = getComputedStyle(element);
    if (!own || !element.checkVisibility() || element.closest("svg, [disabled]")) continue;
    const [a, b] = [light(rgba(style.color)), light(ground(element))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    const large = parseFloat(style.fontSize) >= 24;
    if (ratio >= (large ? 3 : 4.5)) continue;
    bad.push(`${ratio.toFixed(2)} ${element.outerHTML.slice(0, 90)}`);
  }
  return bad;
}
"""

NAMELESS = """
() => [...document.querySelectorAll("a, button, input, select, textarea, img, dialog")]
  .filter((e) => e.checkVisibility() && e.type !== "hidden")
  .filter((e) => e.tagName === "IMG" ? !e.hasAttribute("alt")
    : !(e.getAttribute("aria-label") || e.title || e.textContent.trim() || e.labels?.length
        || e.getAttribute("aria-labelledby") || e.querySelector("img[alt]:not([alt=''])")))
  .map((e) => e.outerHTML.slice(0, 120))
"""


@pytest.fixture
def pages(site: Site, gallery: Gallery) -> list[str]:
    """Return the paths of all pages, with long names on them."""
    from faceplatform.core.actors import SYSTEM
    from recognition.services.identification import identify
    from recognition.services.unnamed import keep_probe_face
    from recognition.services.verification import PhotoInput, verify_identity, verify_photos

    identity = enroll(gallery, LONG[:190], 1, images=2)
    gallery.name = LONG[:110]
    gallery.save()
    actor = SYSTEM
    probe = identify(
        gallery=gallery, data=face_photo(1, 2, variant=8), name=f"{LONG}.png", actor=actor
    )
    compared = PhotoInput(face_photo(1, 2, variant=8), f"{LONG}.png")
    pair = verify_photos(
        organization_id=gallery.organization_id, first=compared, second=compared, actor=actor
    )
    person = verify_identity(identity=identity, photo=compared, actor=actor)
    run = ImportRunFactory.create(
        gallery=gallery, name=f"{LONG}.zip", job__title=f"Importing {LONG}"
    )
    ImportItemFactory(run=run, path=f"{LONG}/{LONG}.png", detail="Enrolled before.")
    JobLogLineFactory(job=run.job, message=LONG)
    image = identity.faces.latest("quality")
    other = enroll(gallery, LONG[10:200], 2)
    batch = ProbeBatchFactory.create(gallery=gallery, name=f"{LONG}.zip")
    for kind in ("look_alike", "low_quality"):
        HygieneFindingFactory.create(face=image, kind=kind, other=other.faces.get(), score=0.7)
    held = identity.faces.exclude(pk=image.pk)
    held.update(state="quarantined", reason="unlike_own", evidence={}, path=LONG)
    keep_probe_face(probe_face=probe.faces.get(number=2), actor=actor)
    return [
        f"/galleries/{gallery.pk}/limits/",
        f"/galleries/{gallery.pk}/hygiene/?kind=look_alike",
        f"/galleries/{gallery.pk}/hygiene/?kind=single",
        f"/galleries/{gallery.pk}/unnamed/",
        f"/galleries/{gallery.pk}/batch/",
        f"/batches/{batch.pk}/",
        f"/images/{image.pk}/resembling/",
        f"/probes/{probe.pk}/people/",
        f"/probes/{probe.pk}/faces/1/decision/",
        "/identify/look-alikes/",
        "/identify/live/",
        "/review/",
        "/",
        "/identify/",
        "/galleries/",
        "/galleries/new/",
        f"/galleries/{gallery.pk}/",
        f"/galleries/{gallery.pk}/settings/",
        f"/galleries/{gallery.pk}/import/",
        f"/galleries/{gallery.pk}/identities/new/",
        f"/identities/{identity.pk}/",
        f"/identities/{identity.pk}/edit/",
        f"/identities/{identity.pk}/merge/",
        f"/identities/{identity.pk}/split/",
        f"/identities/{identity.pk}/move/",
        f"/identities/{identity.pk}/verify/",
        "/compare/",
        f"/compare/{pair.pk}/",
        f"/compare/{person.pk}/",
        f"/probes/{probe.pk}/",
        "/probes/",
        "/jobs/",
        f"/jobs/{run.job_id}/",
        f"/imports/{run.pk}/",
        "/settings/",
        "/settings/keys/",
        "/accounts/password/change/",
        "/design/",
    ]


@pytest.fixture
def staff(site: Site) -> None:
    site.owner.is_staff = True
    site.owner.save()


@pytest.mark.usefixtures("staff")
@pytest.mark.parametrize("width", [390, 1280])
def test_every_page_fits_and_names_its_parts(
    owner_page: Page, pages: list[str], width: int
) -> None:
    page = owner_page
    page.set_viewport_size({"width": width, "height": 800})
    wrong = []
    for path in pages:
        page.goto(path)
        if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
            wrong.append(f"{path} is wider than {width}")
        wrong += [f"{path}: {part}" for part in page.evaluate(NAMELESS)]
        expect(page.get_by_role("heading", level=1).first).to_be_visible()
    assert wrong == []


def test_the_folded_rail_keeps_its_names(owner_page: Page) -> None:
    page = owner_page
    page.set_viewport_size({"width": 900, "height": 800})
    page.goto("/settings/")
    rail = page.get_by_role("navigation", name="Main")
    box = rail.bounding_box()
    assert box is not None
    assert box["width"] < 80
    rail.get_by_role("link", name="Galleries").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Galleries")
    assert not page.evaluate("document.documentElement.scrollWidth > window.innerWidth")


@pytest.mark.usefixtures("staff")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_has_contrast(
    owner_page: Page, pages: list[str], scheme: Literal["light", "dark"]
) -> None:
    owner_page.emulate_media(color_scheme=scheme)
    wrong = []
    for path in pages:
        owner_page.goto(path)
        wrong += [f"{path}: {text}" for text in owner_page.evaluate(CONTRAST)]
    assert wrong == []


def test_the_switch_wins_over_the_system_and_is_kept(owner_page: Page) -> None:
    page = owner_page

    def ground() -> str:
        return str(page.evaluate("getComputedStyle(document.documentElement).backgroundColor"))

    page.emulate_media(color_scheme="light")
    page.goto("/settings/")
    light = ground()
    page.get_by_role("button", name="Dark", exact=True).last.click()
    dark = ground()
    assert dark != light
    page.goto("/galleries/")
    assert ground() == dark
    page.goto("/settings/")
    page.get_by_role("button", name="As the system").click()
    assert ground() == light


def test_only_staff_sees_the_components(owner_page: Page, watch: Watch) -> None:
    watch.expect("status of 404")
    owner_page.goto("/design/")
    expect(owner_page.get_by_role("heading", level=1)).to_have_text("There is no such page")
    expect(owner_page.locator(".notice-code")).to_contain_text("not_found")


@pytest.fixture
def plain(browser: Browser, site: Site, watch: Watch) -> Iterator[BrowserContext]:
    """A browser that runs no scripts."""
    opened = browser.new_context(base_url=site.url, java_script_enabled=False)
    opened.on("page", watch.attach)
    yield opened
    opened.close()


def test_the_main_job_needs_no_script(
    plain: BrowserContext, site: Site, gallery: Gallery, photo: Any
) -> None:
    enroll(gallery, "Ada", 1)
    page = plain.new_page()
    page.goto("/identify/")
    page.get_by_label("E-mail address").fill(site.owner.email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.locator("input[name=photo]").set_input_files(photo("a.png", face_photo(1, variant=4)))
    page.get_by_role("button", name="Identify").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Ada")
    expect(page.locator("#face-1 .chip")).to_have_text("Identified")


def test_scripts_and_styles_of_others_are_refused(owner_page: Page, watch: Watch) -> None:
    """The guard itself: what the policy forbids reaches the console, so tests would fail."""
    owner_page.goto("/")
    owner_page.evaluate(
        """() => {
            const script = document.createElement("script");
            script.textContent = "window.ran = true";
            document.body.append(script);
            document.body.setAttribute("style", "color: red");
        }"""
    )
    assert owner_page.evaluate("window.ran") is None
    assert len(watch.unexpected()) == 2
    watch.expect("Content Security Policy")
