"""Photograph the pages at two widths, light and dark, on the demo's public-domain pictures.

A platform of its own runs in var/screenshots, so that nothing of yours is shown. All pictures go
to reports/screenshots, those that documents use to docs/screenshots as well. Whatever a browser
complains about, and every page wider than its screen, is printed and gives exit code 1.
"""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext

    from faceplatform.accounts.models import User

ROOT = Path(__file__).resolve().parent.parent
VAR = ROOT / "var" / "screenshots"
REPORTS = ROOT / "reports" / "screenshots"
PUBLISHED = ROOT / "docs" / "screenshots"
IN_DOCUMENTS = frozenset(
    {"answer-1280-light", "answer-1280-dark", "answer-390-light", "gallery-1280-light"}
)
SIZES = ((1280, 800), (390, 844))
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
START_SECONDS = 120
STOP_SECONDS = 30
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@dataclass(frozen=True, slots=True)
class Page:
    """One page to photograph, as a stranger or as the owner."""

    name: str
    path: str
    anonymous: bool = False
    status: int = 200


def main() -> int:
    """Run the platform, fill it, photograph it; return the exit code."""
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        print("Chromium is missing. Debian, Ubuntu: apt install chromium", file=sys.stderr)
        return 1
    address = f"http://127.0.0.1:{_free_port()}"
    os.environ.update(
        FACEPLATFORM_VAR=str(VAR),
        PUBLIC_URL=address,
        DJANGO_SETTINGS_MODULE="faceplatform.settings",
    )
    for variable in ("DATABASE_URL", "REDIS_URL"):
        os.environ.pop(variable, None)
    with _platform(address):
        _enroll_the_demo()
        session, pages = _session_and_pages()
        complaints = _photograph(program, address, session, pages)
    for complaint in complaints:
        print(complaint, file=sys.stderr)
    print(f"{len(pages) * len(SIZES) * len(THEMES)} pictures in {REPORTS.relative_to(ROOT)}")
    return int(bool(complaints))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@contextmanager
def _platform(address: str) -> Iterator[None]:
    """Run `manage.py up` until the block ends."""
    VAR.mkdir(parents=True, exist_ok=True)
    with (VAR / "up.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "up"], cwd=ROOT, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            _wait_until_ready(process, f"{address}/readyz")
            yield
        finally:
            process.terminate()
            process.wait(STOP_SECONDS)


def _wait_until_ready(process: subprocess.Popen[bytes], url: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):  # noqa: S310 (an address made above)
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.5)
    sys.exit(f"The platform did not start; see {(VAR / 'up.log').relative_to(ROOT)}.")


def _enroll_the_demo() -> None:
    """Enroll the people of the demo and ask about those photographs that may be shown."""
    from recognition.demo.photographs import INSIGHTFACE, PHOTOGRAPHS, fetch

    people, probes = fetch(ROOT / "var" / "demo")
    public = VAR / "probes"
    shutil.rmtree(public, ignore_errors=True)
    public.mkdir()
    for photograph in PHOTOGRAPHS:
        if photograph.target.startswith("probes/") and photograph.package != INSIGHTFACE:
            shutil.copy(probes / Path(photograph.target).name, public)
    demo = [sys.executable, "manage.py", "demo", "--dataset", str(people), "--probes", str(public)]
    subprocess.run(demo, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def _session_and_pages() -> tuple[str, list[Page]]:
    """Log the owner in without a form; return the session's key and what to look at."""
    import django

    django.setup()
    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore

    owner = _owner()
    session = SessionStore()
    session[SESSION_KEY] = str(owner.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = owner.get_session_auth_hash()
    session.create()
    return f"{settings.SESSION_COOKIE_NAME}={session.session_key}", _pages()


def _owner() -> "User":
    import secrets

    from faceplatform.accounts.models import Membership
    from faceplatform.accounts.roles import Role
    from faceplatform.accounts.services.setup import complete_setup, create_setup_link

    token = create_setup_link()
    if token is None:
        return Membership.objects.filter(role=Role.OWNER).latest("pk").user
    return complete_setup(
        token=token,
        email="owner@example.org",
        name="Robin Owner",
        password=secrets.token_urlsafe(24),
        organization_name="",
    )


def _pages() -> list[Page]:
    from django.urls import reverse

    from faceplatform.core.models import Job
    from recognition.models import Identity, ImportRun, ProbeFace

    gallery = ProbeFace.objects.latest("pk").probe.gallery
    identity = Identity.objects.filter(gallery=gallery).earliest("name")
    named = ProbeFace.objects.filter(decision="identified").latest("pk").probe_id
    unknown = ProbeFace.objects.filter(decision="unknown").latest("pk").probe_id
    stored = identity.faces.filter(state="enrolled").latest("quality").pk
    return [
        Page("log-in", reverse("account_login"), anonymous=True),
        Page("home", reverse("home")),
        Page("identify", reverse("identify")),
        Page("answer", reverse("probe", args=[named])),
        Page("decision", reverse("probe_decision", args=[named, 1])),
        Page("look-alikes", reverse("identify_play")),
        Page("probe-people", reverse("probe_people", args=[named])),
        Page("live", reverse("identify_live")),
        Page("batch-new", reverse("gallery_batch", args=[gallery.pk])),
        Page("resembling", reverse("image_resembling", args=[stored])),
        Page("answer-unknown", reverse("probe", args=[unknown])),
        Page("probes", reverse("probes")),
        Page("galleries", reverse("galleries")),
        Page("gallery-new", reverse("gallery_new")),
        Page("gallery", reverse("gallery", args=[gallery.pk])),
        Page("gallery-settings", reverse("gallery_settings", args=[gallery.pk])),
        Page("gallery-limits", reverse("gallery_limits", args=[gallery.pk])),
        Page("hygiene", reverse("hygiene", args=[gallery.pk])),
        Page("hygiene-look-alikes", f"{reverse('hygiene', args=[gallery.pk])}?kind=look_alike"),
        Page("unnamed", reverse("unnamed", args=[gallery.pk])),
        Page("review", reverse("review")),
        Page("compare", reverse("compare")),
        Page("import", reverse("gallery_import", args=[gallery.pk])),
        Page("import-run", reverse("import_run", args=[ImportRun.objects.latest("pk").pk])),
        Page("identity", reverse("identity", args=[identity.pk])),
        Page("identity-new", reverse("identity_new", args=[gallery.pk])),
        Page("identity-edit", reverse("identity_edit", args=[identity.pk])),
        Page("identity-merge", reverse("identity_merge", args=[identity.pk])),
        Page("identity-move", reverse("identity_move", args=[identity.pk])),
        Page("identity-split", reverse("identity_split", args=[identity.pk])),
        Page("identity-verify", reverse("identity_verify", args=[identity.pk])),
        Page("jobs", reverse("jobs")),
        Page("job", reverse("job", args=[Job.objects.latest("pk").pk])),
        Page("keys", reverse("keys")),
        Page("settings", reverse("settings")),
        Page("design", reverse("design")),
        Page("not-found", "/no-such-page/", status=404),
        *_evaluation_pages(),
    ]


def _evaluation_pages() -> list[Page]:
    from django.urls import reverse

    from scripts.generated_people import measured_gallery
    from training.models import Dataset

    made = measured_gallery()
    one, two = made["all_pairs"], made["balanced"]
    pairs = "?kind=mated&low=-1&high=1&file_format=csv.gz"
    return [
        Page("evaluations", reverse("evaluations")),
        Page("evaluation-new", reverse("evaluation_new")),
        Page("evaluation", reverse("evaluation", args=[one])),
        Page("evaluation-open-set", reverse("evaluation", args=[made["open_set"]])),
        Page("evaluation-naming", reverse("evaluation", args=[made["classification"]])),
        Page("evaluation-compare", f"{reverse('evaluation_compare')}?first={one}&second={two}"),
        Page("evaluation-pairs", f"{reverse('evaluation_pairs', args=[one])}{pairs}"),
        Page("datasets", reverse("datasets")),
        Page("dataset-new", reverse("dataset_new")),
        Page("dataset", reverse("dataset", args=[Dataset.objects.latest("pk").pk])),
    ]


def _photograph(program: str, address: str, session: str, pages: list[Page]) -> list[str]:
    from playwright.sync_api import sync_playwright

    complaints: list[str] = []
    for folder in (REPORTS, PUBLISHED):
        folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program)
        for size in SIZES:
            for theme in THEMES:
                for anonymous in (True, False):
                    context = _context(browser, address, "" if anonymous else session, size, theme)
                    for page in pages:
                        if page.anonymous == anonymous:
                            complaints += _shoot(context, page, f"{page.name}-{size[0]}-{theme}")
                    context.close()
        browser.close()
    return complaints


def _context(
    browser: "Browser",
    address: str,
    session: str,
    size: tuple[int, int],
    theme: Literal["light", "dark"],
) -> "BrowserContext":
    context = browser.new_context(
        base_url=address,
        viewport={"width": size[0], "height": size[1]},
        color_scheme=theme,
        reduced_motion="reduce",
    )
    if session:
        name, value = session.split("=", maxsplit=1)
        context.add_cookies([{"name": name, "value": value, "url": address}])
    return context


def _shoot(context: "BrowserContext", page: Page, name: str) -> list[str]:
    complaints: list[str] = []
    tab = context.new_page()
    tab.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    answer = tab.goto(page.path, wait_until="networkidle")
    if answer is None or answer.status != page.status:
        complaints.append(f"status {answer and answer.status}, not {page.status}")
    picture = REPORTS / f"{name}.png"
    tab.screenshot(path=picture, full_page=True)
    if tab.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
        complaints.append("wider than the screen")
    tab.close()
    if name in IN_DOCUMENTS:
        shutil.copy(picture, PUBLISHED)
    expected = f"status of {page.status}"  # a browser reports a wanted 404 as an error as well
    return [f"{name}: {complaint}" for complaint in complaints if expected not in complaint]


if __name__ == "__main__":
    sys.exit(main())
