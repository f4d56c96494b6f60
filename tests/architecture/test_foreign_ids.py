"""Ids of another organization where the matrix does not look: queries, forms, bodies, links."""

from pathlib import Path
from typing import Any

import pytest

from faceplatform.core.models import Job
from recognition.models import FaceImage, FaceTemplate, Gallery, Identity, ModelVersion, Probe
from recognition.services.pictures import picture_url
from tests.architecture.world import Caller, World, make_world, photo_of
from tests.factories import FaceTemplateFactory, ModelVersionFactory
from tests.fakes import FakePipeline

LINKS = [
    *(("face", kind) for kind in ("thumb", "crop", "screen")),
    *(("probe_face", kind) for kind in ("thumb", "crop", "screen")),
    *(("photo", kind) for kind in ("thumb", "screen", "original")),
]


@pytest.fixture
def world(fake_pipeline: FakePipeline, files: Path) -> World:
    return make_world()


@pytest.fixture
def owner(world: World) -> Caller:
    """The owner of B, who may do everything there and nothing to what is A's."""
    return world.callers["B owner"]


def test_ids_in_queries(world: World, owner: Caller) -> None:
    a, b = world.a, world.b
    probe = f"/api/v1/probes/{b.probe.pk}/faces/1/similar"
    assert owner.client.get(f"{probe}?identity={b.identity.pk}").status_code == 200
    assert owner.client.get(f"{probe}?identity={a.identity.pk}").status_code == 404
    page = f"/probes/{b.probe.pk}/faces/1/similar/"
    assert owner.client.get(f"{page}?identity={b.identity.pk}").status_code == 200
    assert owner.client.get(f"{page}?identity={a.identity.pk}").status_code == 404
    assert owner.client.get(f"/identify/?gallery={b.gallery.pk}").status_code == 200
    assert owner.client.get(f"/identify/?gallery={a.gallery.pk}").status_code == 404


def test_ids_in_forms(world: World, owner: Caller) -> None:
    a, b = world.a, world.b
    forms: list[tuple[str, dict[str, Any]]] = [
        ("/identify/", {"gallery": str(a.gallery.pk), "photo": photo_of()}),
        (f"/probes/{b.probe.pk}/again/", {"gallery": str(a.gallery.pk)}),
        (f"/probes/{b.probe.pk}/faces/1/enroll/", {"identity": str(a.identity.pk)}),
        ("/settings/organization/", {"organization": str(a.organization.pk)}),
    ]
    rows: list[Any] = [Probe, FaceImage, Identity, FaceTemplate]
    before = [model.objects.count() for model in rows]
    for path, fields in forms:
        assert owner.client.post(path, fields).status_code == 404, path
    assert [model.objects.count() for model in rows] == before
    assert owner.client.get("/api/v1/me").json()["organization"]["id"] == str(b.organization.pk)


@pytest.mark.parametrize(
    "field", ["gallery", "gallery_id", "organization", "organization_id", "id"]
)
def test_ids_in_json(world: World, owner: Caller, field: str) -> None:
    a, b = world.a, world.b
    value = str(a.organization.pk if "organization" in field else a.gallery.pk)
    for path in ("/api/v1/galleries", f"/api/v1/galleries/{b.gallery.pk}/identities"):
        body = {"name": "Mallory", field: value}
        response = owner.client.post(path, body, content_type="application/json")
        assert response.status_code == 400, path
        assert response.json()["code"] == "unknown_field"
    path = f"/api/v1/identities/{b.identity.pk}"
    response = owner.client.patch(path, {field: value}, content_type="application/json")
    assert response.status_code == 400
    assert not Identity.objects.filter(name="Mallory").exists()
    assert not Gallery.objects.filter(name="Mallory").exists()
    b.identity.refresh_from_db()
    assert b.identity.gallery == b.gallery


@pytest.mark.parametrize(("row", "kind"), LINKS)
def test_pictures(world: World, owner: Caller, row: str, kind: Any) -> None:
    a = world.a
    ids = {
        "face": {"face_id": a.face.pk},
        "photo": {"photo_id": a.face.photo_id},
        "probe_face": {"probe_face_id": a.probe.faces.get().pk},
    }[row]
    maker = world.callers["owner"]
    link = picture_url(principal=maker.principal, kind=kind, **ids)
    assert maker.client.get(link).status_code == 200

    copied = owner.client.get(link)
    assert copied.status_code == 404
    # Even a link signed for B's owner themselves does not lead to a row of A.
    own = picture_url(principal=owner.principal, kind=kind, **ids)
    assert owner.client.get(own).status_code == 404
    for colleague in ("viewer", "admin", "key read", "nobody", "superuser"):
        assert world.callers[colleague].client.get(link).status_code in {401, 403, 404}


def test_a_link_is_bound_to_the_person_even_inside_the_organization(world: World) -> None:
    viewer, operator = world.callers["viewer"], world.callers["operator"]
    link = picture_url(principal=viewer.principal, kind="crop", face_id=world.a.face.pk)
    assert viewer.client.get(link).status_code == 200
    assert operator.client.get(link).status_code == 404


@pytest.mark.parametrize("change", ["kind", "row", "signature", "expiry", "nothing left"])
def test_a_link_that_was_changed_is_worth_nothing(world: World, change: str) -> None:
    viewer = world.callers["viewer"]
    link = picture_url(principal=viewer.principal, kind="crop", face_id=world.a.face.pk)
    head, row, expiry, signature = link.rpartition("/")[2].split(".")
    other = picture_url(principal=viewer.principal, kind="crop", face_id=world.b.face.pk)
    parts = {
        "kind": ["o" + head[1:], row, expiry, signature],
        "row": [head, other.rpartition("/")[2].split(".")[1], expiry, signature],
        "signature": [head, row, expiry, signature[:-1] + ("A" if signature[-1] != "A" else "B")],
        "expiry": [head, row, f"{int(expiry, 16) + 3600:x}", signature],
        "nothing left": [".", "", "", ""],
    }[change]
    assert viewer.client.get(f"/pictures/{'.'.join(parts)}").status_code == 404


def test_the_same_person_in_two_organizations_is_found_in_ones_own(world: World) -> None:
    for number in range(20):
        FaceTemplateFactory.create(
            face__identity=world.a.identity,
            person=1,
            variant=number % 5,
            face__path=f"Alpha/{number}",
        )
    path = f"/api/v1/galleries/{world.b.gallery.pk}/identify"
    response = world.callers["B key identify"].client.post(path, {"image": photo_of()})
    face = response.json()["faces"][0]
    assert face["identity"]["id"] == str(world.b.identity.pk)
    assert face["similar"]["total"] == 1
    assert "Alpha" not in response.content.decode()


def test_a_model_version_of_another_organization_is_not_listed(world: World) -> None:
    mine = ModelVersionFactory.create(organization=world.b.organization)
    ModelVersionFactory.create(organization=world.a.organization)
    rows = world.callers["B viewer"].client.get("/api/v1/models").json()["results"]
    built_in = ModelVersion.objects.get(organization=None)
    assert {row["id"] for row in rows} == {str(mine.pk), str(built_in.pk)}


def test_a_job_of_another_organization_is_neither_seen_nor_stopped(
    world: World, owner: Caller
) -> None:
    path = f"/api/v1/jobs/{world.a.job.pk}"
    assert owner.client.get(path).status_code == 404
    assert owner.client.post(f"{path}/cancel").status_code == 404
    assert not Job.objects.get(pk=world.a.job.pk).cancel_requested


def test_switching_the_organization_switches_everything(world: World) -> None:
    """Somebody in both sees one at a time."""
    from faceplatform.accounts.models import Membership
    from faceplatform.accounts.roles import Role

    both = world.b.people[Role.OPERATOR]
    Membership.objects.create(user=both, organization=world.a.organization, role=Role.VIEWER)
    client = world.callers["B operator"].client
    mine, theirs = (f"/api/v1/galleries/{team.gallery.pk}" for team in (world.b, world.a))
    assert [client.get(mine).status_code, client.get(theirs).status_code] == [200, 404]
    assert client.patch(mine, {}, content_type="application/json").status_code == 200

    client.post("/settings/organization/", {"organization": str(world.a.organization.pk)})
    assert [client.get(mine).status_code, client.get(theirs).status_code] == [404, 200]
    # A viewer there, whatever the role in the other organization.
    assert client.patch(theirs, {}, content_type="application/json").status_code == 403
