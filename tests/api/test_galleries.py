import pytest

from faceplatform.accounts.models import Organization
from faceplatform.accounts.roles import Role
from faceplatform.core.models import AuditEvent
from recognition.models import Gallery
from tests.api.caller import Caller, refused
from tests.factories import FaceTemplateFactory, GalleryFactory, IdentityFactory, make_member
from tests.fakes import FakePipeline

PATH = "/api/v1/galleries"


def test_make_show_change_and_delete(
    organization: Organization, fake_pipeline: FakePipeline
) -> None:
    person = make_member(organization, Role.ADMIN)
    caller = Caller.person(person)
    made = caller.post(PATH, {"name": "  Staff  of the house ", "probe_days": 0})
    assert made.status_code == 201, made.content
    gallery = Gallery.objects.get()
    assert (gallery.organization, gallery.created_by) == (organization, person)
    assert made["Location"] == f"{PATH}/{gallery.pk}"
    body = made.json()
    assert body["name"] == "Staff of the house"
    assert body["probe_days"] == 0
    assert body["model"] == {
        "id": str(gallery.model_version_id),
        "name": gallery.model_version.name,
    }
    assert body["facts"]["identities"] == 0
    assert caller.get(made["Location"]).json() == body

    changed = caller.patch(made["Location"], {"description": "At the door", "searchable": False})
    assert changed.status_code == 200
    assert changed.json() == body | {"description": "At the door", "searchable": False}

    assert caller.delete(made["Location"]).status_code == 204
    refused(caller.get(made["Location"]), 404, "not_found")
    actions = list(AuditEvent.objects.order_by("id").values_list("action", "actor_user"))
    assert actions == [
        ("gallery.create", person.pk),
        ("gallery.change", person.pk),
        ("gallery.delete", person.pk),
    ]


def test_a_name_is_taken_once_per_organization(operator: Caller, gallery: Gallery) -> None:
    refused(operator.post(PATH, {"name": gallery.name}), 409, "gallery_exists")
    elsewhere = GalleryFactory.create(name="Everybody")
    assert elsewhere.organization != gallery.organization
    assert operator.post(PATH, {"name": "Everybody"}).status_code == 201


def test_the_facts_count_what_can_be_searched(operator: Caller, gallery: Gallery) -> None:
    one, two = IdentityFactory.create_batch(2, gallery=gallery)
    for number, identity in enumerate((one, one, two)):
        FaceTemplateFactory.create(face__identity=identity, person=number)
    FaceTemplateFactory.create(person=9)  # somebody else's
    facts = operator.get(f"{PATH}/{gallery.pk}").json()["facts"]
    assert facts["identities"] == 2
    assert facts["images"] == facts["searchable_templates"] == 3
    assert facts["single_image_identities"] == 1
    threshold = facts["threshold"]
    assert threshold["source"] == "default"
    assert threshold["templates"] == 3
    assert 0 < threshold["value"] < 1
    assert "not evaluated on your data" in threshold["text"]


def test_lists_show_the_organization_newest_first_page_by_page(
    operator: Caller, organization: Organization, gallery: Gallery
) -> None:
    galleries = [gallery, *GalleryFactory.create_batch(4, organization=organization)]
    GalleryFactory.create()
    newest_first = [str(g.pk) for g in sorted(galleries, key=lambda g: g.pk, reverse=True)]

    seen: list[str] = []
    address = f"{PATH}?limit=2"
    while address:
        page = operator.get(address).json()
        assert len(page["results"]) <= 2
        seen += [row["id"] for row in page["results"]]
        if len(seen) == 2:
            GalleryFactory.create(organization=organization)  # must not shift the pages that follow
        last, address = address, page["next"]
    assert seen == newest_first
    back = operator.get(operator.get(last).json()["previous"]).json()["results"]
    assert [row["id"] for row in back] == newest_first[2:4]


def test_a_change_of_nothing_changes_nothing(operator: Caller, gallery: Gallery) -> None:
    before = operator.get(f"{PATH}/{gallery.pk}").json()
    assert operator.patch(f"{PATH}/{gallery.pk}", {}).json() == before


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": "n" * 121}, "name"),
        ({"name": "a", "probe_days": -1}, "probe_days"),
        ({"name": "a", "probe_days": 3651}, "probe_days"),
        ({"name": "a", "description": "d" * 4001}, "description"),
    ],
)
def test_fields_that_are_wrong_are_named(
    operator: Caller, gallery: Gallery, body: dict[str, object], field: str
) -> None:
    response = operator.post(PATH, body)
    assert response.status_code == 400
    assert [error["field"] for error in response.json()["errors"]] == [field]
