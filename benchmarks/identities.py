"""Lists, search and pages of people in a large gallery, over HTTP views and a real database.

    python -m benchmarks.identities                          a table
    python -m benchmarks.identities --json                   one JSON record
    python -m benchmarks.identities --people 1000 --images 3000

Starts a PostgreSQL of its own that does not wait for the disk, fills it by COPY with people, images
and templates, and asks every page as a viewer. Milliseconds are those of the whole request in the
process; "queries" is the most that one request made.
"""

import argparse
import io
import json
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks import environment

FIRST = ("Ada", "Björn", "Chloé", "Dmitri", "Élise", "Farah", "Grace", "Hiro", "Inês", "José")
LAST = ("Lovelace", "Ångström", "Núñez", "Okafor", "Petrov", "Quispe", "Rossi", "Šimić", "Tanaka")
TAGS = ("night", "day", "visitor", "contractor")


@dataclass(frozen=True, slots=True)
class Timed:
    """One kind of request: milliseconds and the most queries one of them made."""

    request: str
    p50: float
    p95: float
    worst: float
    queries: int


def main() -> None:
    """Fill a gallery, ask its pages, print the record."""
    parser = argparse.ArgumentParser(description="Pages of a large gallery.")
    parser.add_argument("--people", type=int, default=100_000)
    parser.add_argument("--images", type=int, default=300_000)
    parser.add_argument("--repeat", type=int, default=40, help="requests of each kind")
    parser.add_argument("--json", action="store_true", help="one JSON record and nothing else")
    options = parser.parse_args()
    with _platform():
        started = time.perf_counter()
        world = _fill(options.people, options.images)
        filled = time.perf_counter() - started
        results = [
            _timed(name, make, world, options.repeat) for name, make in _requests(world).items()
        ]
    record = environment.record(
        "identities",
        people=options.people,
        images=options.images,
        repeat=options.repeat,
        fill_seconds=round(filled, 1),
        results=[asdict(result) for result in results],
    )
    print(json.dumps(record, indent=1) if options.json else _table(results, options))


@contextmanager
def _platform() -> Iterator[None]:
    """Set Django up on servers of its own, in a folder that is removed afterwards."""
    from faceplatform.stack import testing

    with tempfile.TemporaryDirectory(prefix="faceplatform-") as folder:
        os.environ |= testing.start(Path(folder)) | {"FACEPLATFORM_VAR": folder}
        os.environ["DJANGO_SETTINGS_MODULE"] = "faceplatform.settings.test"
        import django
        from django.core.management import call_command
        from django.db import connection

        django.setup()
        call_command("migrate", verbosity=0, stdout=io.StringIO())
        try:
            yield
        finally:
            connection.close()
            testing.stop()


@dataclass(frozen=True, slots=True)
class _World:
    client: Any
    gallery: str
    people: list[str]


def _fill(people: int, images: int) -> _World:
    """Make an organization, a viewer and the gallery's rows."""
    from django.db import connection
    from django.test import Client

    from faceplatform.accounts.models import Membership, Organization, User
    from faceplatform.accounts.roles import Role
    from recognition.models import Gallery
    from recognition.services.model_versions import default_version

    organization = Organization.objects.create(name="Benchmark")
    user = User.objects.create_user(email="viewer@example.org", password="x" * 12)
    Membership.objects.create(organization=organization, user=user, role=Role.VIEWER)
    version = default_version()
    gallery = Gallery.objects.create(organization=organization, name="Big", model_version=version)
    rng = random.Random(7)  # noqa: S311 (names, not secrets)
    now = datetime.now(UTC).isoformat()
    scope = (str(organization.pk), str(gallery.pk))
    ids = _copy_people(connection, rng, people, scope, now)
    _copy_images(connection, rng, ids, images, scope, now, version)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    client = Client()
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return _World(client, str(gallery.pk), ids)


def _copy_people(
    connection: Any, rng: random.Random, people: int, scope: tuple[str, str], now: str
) -> list[str]:
    from faceplatform.core.ids import uuid7
    from recognition.words import indexed_words

    ids = []
    columns = "id,organization_id,gallery_id,name,external_id,metadata,tags,notes,words,matchable"
    with connection.cursor() as cursor:
        copy = cursor.copy(f"COPY recognition_identity ({columns},created_at) FROM STDIN")
        with copy as rows:
            for number in range(people):
                name = f"{rng.choice(FIRST)} {rng.choice(LAST)} {number}"
                external = f"E{number}"
                ids.append(str(uuid7()))
                tags = [rng.choice(TAGS)] if number % 5 == 0 else []
                words = indexed_words(name, external)
                rows.write_row((ids[-1], *scope, name, external, "{}", tags, "", words, True, now))
    return ids


def _copy_images(
    connection: Any,
    rng: random.Random,
    ids: list[str],
    images: int,
    scope: tuple[str, str],
    now: str,
    version: Any,
) -> None:
    """Photos, faces and templates; one vector for all, because no page looks at it."""
    from faceplatform.core.ids import uuid7

    vector = "[" + ",".join(["1"] + ["0"] * (version.dimension - 1)) + "]"
    photos = [str(uuid7()) for _ in range(images)]
    faces = [str(uuid7()) for _ in range(images)]
    owners = [ids[n % len(ids)] if n < len(ids) * 2 else rng.choice(ids) for n in range(images)]
    points = [1.0] * 10
    with connection.cursor() as cursor:
        table = "recognition_photo (id,organization_id,sha256,size,media_type,width,height"
        with cursor.copy(f"COPY {table},original_path,created_at) FROM STDIN") as rows:
            for number, pk in enumerate(photos):
                sha = f"{number:064x}"
                rows.write_row((pk, scope[0], sha, 1000, "image/jpeg", 250, 250, "", now))
        table = (
            "recognition_faceimage (id,organization_id,gallery_id,photo_id,identity_id,state,"
            "reason,evidence,path,x1,y1,x2,y2,landmarks,detection_score,quality,quality_parts,"
            "detector,created_at)"
        )
        with cursor.copy(f"COPY {table} FROM STDIN") as rows:
            for number, pk in enumerate(faces):
                own = (pk, *scope, photos[number], owners[number], "enrolled", "", "{}")
                box = (f"p/{number}.jpg", 1.0, 1.0, 9.0, 9.0, points, 0.99, rng.random())
                rows.write_row((*own, *box, "{}", "x", now))
        table = (
            "recognition_facetemplate (organization_id,gallery_id,face_id,model_version_id,"
            "dimension,embedding,searchable,created_at)"
        )
        with cursor.copy(f"COPY {table} FROM STDIN") as rows:
            for pk in faces:
                template = (*scope, pk, str(version.pk), version.dimension)
                rows.write_row((*template, vector, True, now))


def _requests(world: _World) -> dict[str, Callable[[random.Random], str]]:
    """Kinds of requests: each makes an address."""
    page = f"/galleries/{world.gallery}/"
    api = f"/api/v1/galleries/{world.gallery}/identities"

    def part(rng: random.Random) -> str:
        return rng.choice((*FIRST, *LAST))[: rng.choice((1, 2, 4))].lower()

    return {
        "gallery page": lambda rng: page,
        "list after somebody, by name": lambda rng: f"{page}?after={rng.choice(world.people)}",
        "list before somebody, newest": lambda rng: (
            f"{page}?order=-created_at&before={rng.choice(world.people)}"
        ),
        "list by most images": lambda rng: f"{page}?order=-images",
        "search, beginnings of words": lambda rng: f"{page}?q={part(rng)}",
        "search, middles of words": lambda rng: f"{page}?q={rng.choice(LAST)[2:].lower()}",
        "search, nobody has it": lambda rng: f"{page}?q=xqz{rng.randrange(10)}",
        "search, two words": lambda rng: f"{page}?q={part(rng)}+{part(rng)}",
        "search, one number": lambda rng: f"{page}?q=e{rng.randrange(len(world.people))}",
        "filter by tag": lambda rng: f"{page}?tag={rng.choice(TAGS)}",
        "filter, one image": lambda rng: f"{page}?only=one_image",
        "filter, without consent": lambda rng: f"{page}?only=without_consent",
        "identity page": lambda rng: f"/identities/{rng.choice(world.people)}/",
        "API list": lambda rng: api,
        "API search": lambda rng: f"{api}?search={part(rng)}",
        "API identity": lambda rng: f"/api/v1/identities/{rng.choice(world.people)}",
    }


def _timed(name: str, make: Callable[[random.Random], str], world: _World, repeat: int) -> Timed:
    """Ask; lists are asked for as the page asks while somebody types: the grid alone."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    rng = random.Random(name)  # noqa: S311
    headers = {"HX-Target": "people"} if name.startswith(("list", "search", "filter")) else {}
    spent, queries = [], 0
    for number in range(repeat + 2):
        path = make(rng)
        with CaptureQueriesContext(connection) as captured:
            started = time.perf_counter()
            response = world.client.get(path, headers=headers)
            seconds = time.perf_counter() - started
        if response.status_code != 200:
            sys.exit(f"{path}: {response.status_code}")
        if number >= 2:  # the first ones load templates
            spent.append(seconds * 1000)
            queries = max(queries, len(captured))
    cuts = statistics.quantiles(spent, n=20)
    return Timed(name, round(cuts[9], 1), round(cuts[18], 1), round(max(spent), 1), queries)


def _table(results: list[Timed], options: argparse.Namespace) -> str:
    lines = [f"{'request':<32} {'p50 ms':>8} {'p95 ms':>8} {'worst':>8} {'queries':>8}"]
    lines += [
        f"{row.request:<32} {row.p50:>8.1f} {row.p95:>8.1f} {row.worst:>8.1f} {row.queries:>8}"
        for row in results
    ]
    lines.append(f"{options.people:,} people, {options.images:,} images.")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
