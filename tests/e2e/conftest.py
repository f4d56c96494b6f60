"""A browser, a served platform, and somebody who is logged in.

Every page that a test opens is watched: whatever the browser complains about (a refused script or
style, an error of a script, a file that is not there) fails the test unless it was announced.
"""

import os
import re
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.db import connection
from playwright.sync_api import Browser, BrowserContext, Page, Response, expect, sync_playwright
from pytest_django.live_server_helper import LiveServer

from faceplatform.accounts.models import Organization, User
from faceplatform.accounts.roles import Role
from faceplatform.core.jobs import run_here
from faceplatform.core.models import Job, JobState
from recognition.models import Gallery
from tests.factories import GalleryFactory, OrganizationFactory, make_member
from tests.fakes import FakePipeline

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
HOW = "Chromium is missing; on Debian and Ubuntu: apt-get install chromium"
HERE = Path(__file__).parent

expect.set_options(timeout=30_000)  # a machine that runs all tests at once is slow


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test of this folder."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)


@dataclass
class Watch:
    """What the browser complained about, and what a test expects it to."""

    complaints: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)

    def expect(self, pattern: str) -> None:
        """Announce a complaint that belongs to the test."""
        self.expected.append(pattern)

    def attach(self, page: Page) -> None:
        """Listen to a page."""
        page.on("console", lambda m: self._hear(m.text) if m.type in {"error", "warning"} else None)
        page.on("pageerror", lambda error: self._hear(str(error)))
        page.on("response", self._response)

    def unexpected(self) -> list[str]:
        """Return the complaints that nobody announced."""
        return [
            text
            for text in self.complaints
            if not any(re.search(pattern, text) for pattern in self.expected)
        ]

    def _response(self, response: Response) -> None:
        if response.status >= 500:
            self._hear(f"{response.request.method} {response.url}: {response.status}")

    def _hear(self, text: str) -> None:
        self.complaints.append(text)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        if os.environ.get("REQUIRE_BROWSER") == "1":
            pytest.fail(HOW)
        pytest.skip(HOW)
    # Playwright keeps an event loop in this thread, which Django takes for an async context.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=program, args=arguments)
        yield running
        running.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@dataclass
class Site:
    """The served platform with one organization."""

    url: str
    organization: Organization
    owner: User

    def address(self, path: str) -> str:
        """Return the whole address of a path."""
        return f"{self.url}{path}"

    def session_of(self, user: User) -> dict[str, str]:
        """Return the cookie of somebody who is logged in."""
        session = SessionStore()
        session[SESSION_KEY] = str(user.pk)
        session[BACKEND_SESSION_KEY] = "allauth.account.auth_backends.AuthenticationBackend"
        session[HASH_SESSION_KEY] = user.get_session_auth_hash()
        session.create()
        return {"name": "session", "value": str(session.session_key), "url": self.url}


@pytest.fixture
def site(browser: Browser, live_server: LiveServer, files: Path) -> Site:
    organization = OrganizationFactory.create(name="Northgate archive")
    owner = make_member(organization, Role.OWNER, email="owner@example.org", name="Robin Owner")
    return Site(str(live_server.url), organization, owner)


@pytest.fixture
def watch() -> Iterator[Watch]:
    watched = Watch()
    yield watched
    assert watched.unexpected() == []


@pytest.fixture
def context(browser: Browser, site: Site, watch: Watch) -> Iterator[BrowserContext]:
    """A browser in which nobody is logged in."""
    opened = browser.new_context(base_url=site.url, reduced_motion="reduce")
    opened.set_default_timeout(60_000)
    opened.on("page", watch.attach)
    yield opened
    opened.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """A page of somebody who is not logged in."""
    return context.new_page()


@pytest.fixture
def owner_page(site: Site, context: BrowserContext) -> Page:
    """A page of the organization's owner."""
    context.add_cookies([site.session_of(site.owner)])  # type: ignore[list-item]
    return context.new_page()


@pytest.fixture
def gallery(site: Site, fake_pipeline: FakePipeline) -> Gallery:
    """An empty gallery on the stand-in for the networks."""
    made: Gallery = GalleryFactory.create(organization=site.organization, name="Staff")
    return made


@pytest.fixture
def worker(site: Site) -> Iterator[None]:
    """Something that runs the jobs of this test, one after the other."""
    stop = threading.Event()

    def work() -> None:
        while not stop.wait(0.1):
            for job in Job.objects.filter(state=JobState.QUEUED).order_by("pk"):
                run_here(job.pk)
        connection.close()

    thread = threading.Thread(target=work, name="test-worker")
    thread.start()
    yield
    stop.set()
    thread.join()


@pytest.fixture
def photo(tmp_path: Path) -> Any:
    """Return a function that writes bytes to a file and returns its path."""

    def write(name: str, data: bytes) -> str:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return str(path)

    return write
