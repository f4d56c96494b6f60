"""What admin pages consist of: signed pictures, counted templates, nothing inline."""

import re
from html.parser import HTMLParser
from typing import Any

from django.contrib import admin
from django.contrib.admin.sites import all_sites

from faceplatform.accounts.checks import check_routes
from faceplatform.accounts.roles import Role
from faceplatform.admin.site import site
from recognition.models import FaceImage, FaceTemplate, Identity, Photo
from tests.admin.people import Staff, addresses, admin_routes, client_of, embedding_text
from tests.architecture.world import World

LOOSENED = "script-src 'self' 'unsafe-eval'"


class Inline(HTMLParser):
    """Collects what the content security policy would refuse, and where files come from."""

    def __init__(self) -> None:
        super().__init__()
        self.refused: list[str] = []
        self.sources: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        handlers = [name for name in given if name.startswith("on")]
        if (tag == "script" and not given.get("src")) or tag == "style" or "style" in given:
            self.refused.append(f"{tag} {given}")
        if handlers or str(given.get("href", "")).startswith("javascript:"):
            self.refused.append(f"{tag} {given}")
        self.sources += [str(given[key]) for key in ("src", "srcset") if given.get(key)]
        if tag == "link":
            self.sources.append(str(given.get("href")))


def test_every_route_of_the_admin_names_its_action() -> None:
    assert check_routes() == []
    assert len(admin_routes()) > 25
    assert all("POST" in route.actions or "GET" in route.actions for route in admin_routes())


def test_django_finds_nothing_wrong_with_it_and_nothing_registers_by_itself() -> None:
    assert site.check(None) == []
    ours = {"accounts", "core", "recognition", "training"}
    assert {model._meta.app_label for model in site._registry} == ours
    others = [found for found in all_sites if found is not site]
    assert all(not found._registry for found in [*others, admin.site])


def test_what_every_page_is_made_of(world: World, staff: Staff) -> None:
    """One walk: the policy is loosened by one word, nothing is inline, no template is written."""
    client = staff.of(world.a)
    usual = client.get("/").headers["Content-Security-Policy"]
    assert "unsafe" not in usual
    loosened = set(usual.replace("script-src 'self'", LOOSENED).split("; "))
    first_number = embedding_text(world.a)
    sources = 0
    for route, path in addresses(world.a):
        response = client.get(path)
        page = response.content.decode()
        policy = response.headers["Content-Security-Policy"]
        assert set(policy.split("; ")) == loosened, route.name
        assert first_number not in page, route.name
        assert not re.search(r"(-?0\.\d+,\s*){16}", page), route.name
        if "text/html" in response.headers["Content-Type"]:
            parser = Inline()
            parser.feed(page)
            assert parser.refused == [], route.name
            assert all(source.startswith("/") for source in parser.sources), route.name
            sources += len(parser.sources)
    assert sources > 100
    refused = client.get("/admin/nothing/here/").headers["Content-Security-Policy"]
    assert "unsafe" not in refused


def pictures_in(response: Any) -> list[str]:
    return re.findall(r'src="(/pictures/[^"]+)"', response.content.decode())


def test_pictures_are_signed_links_that_work(world: World, staff: Staff) -> None:
    client, other = staff.of(world.a), staff.of(world.b)
    face, person, photo = world.a.face, world.a.identity, world.a.face.photo
    mine = {"organization": world.a.organization}
    pages = {
        "gallery/": 1,
        "identity/": Identity.objects.filter(**mine, faces__isnull=False).distinct().count(),
        f"identity/{person.pk}/change/": person.faces.count(),
        "photo/": Photo.objects.filter(**mine).count(),
        f"photo/{photo.pk}/change/": 2,
        "faceimage/": FaceImage.objects.filter(**mine).count(),
        f"faceimage/{face.pk}/change/": 1,
    }
    for path, number in pages.items():
        response = client.get(f"/admin/recognition/{path}")
        links = pictures_in(response)
        assert len(links) == number, path
        assert response.content.decode().count("<img") == number  # there is no other image
        # Some faces of the world are rows alone, without a file.
        assert "image/jpeg" in {client.get(link).headers["Content-Type"] for link in links}, path
        assert {other.get(link).status_code for link in links} == {404}


def test_templates_are_counted_and_have_no_pages(world: World, staff: Staff) -> None:
    overview = " ".join(staff.of(world.a).get("/admin/").content.decode().split())
    row = re.search(r'Alpha-gallery</th><td class="fp-word">[^<]+</td><td>(\d+)</td>', overview)
    stored = FaceTemplate.objects.filter(gallery=world.a.gallery).count()
    assert row is not None and int(row[1]) == stored
    assert not [route for route in admin_routes() if "template" in route.name]


def test_a_key_shows_its_prefix_and_never_its_hash(world: World, staff: Staff) -> None:
    client = staff.of(world.a)
    for path in ("", f"{world.a.key.pk}/change/"):
        page = client.get(f"/admin/accounts/apikey/{path}").content.decode()
        assert world.a.key.prefix in page
        assert world.a.key.secret_sha256 not in page


def test_no_password_hash_is_shown(world: World, staff: Staff) -> None:
    client = staff.of(world.a)
    for user in world.a.people.values():
        page = client.get(f"/admin/accounts/user/{user.pk}/change/").content.decode()
        assert user.email in page
        assert user.password not in page and "md5$" not in page


def test_settings_lead_staff_to_it_and_nobody_else(world: World, staff: Staff) -> None:
    link = 'href="/admin/"'
    for client in (staff.of(world.a, Role.VIEWER), staff.outside("staff of nowhere")):
        assert link in client.get("/settings/").content.decode()
    others = client_of(world.a.people[Role.OWNER])
    assert link not in others.get("/settings/").content.decode()
