from recognition.models import FaceImage, Gallery, Identity
from tests.api.caller import Caller, refused
from tests.factories import FaceImageFactory, IdentityFactory


def people_of(gallery: Gallery) -> str:
    return f"/api/v1/galleries/{gallery.pk}/identities"


def test_add_show_change_and_erase(admin: Caller, gallery: Gallery) -> None:
    made = admin.post(
        people_of(gallery),
        {"name": "Ada", "external_id": "7", "metadata": {"desk": [1, {"floor": None}]}},
    )
    assert made.status_code == 201, made.content
    body = made.json()
    identity = Identity.objects.get()
    assert made["Location"] == f"/api/v1/identities/{identity.pk}"
    assert body["gallery_id"] == str(gallery.pk)
    assert body["metadata"] == {"desk": [1, {"floor": None}]}
    assert (body["images"], body["cover_url"]) == (0, None)

    changed = admin.patch(made["Location"], {"name": "Ada L.", "metadata": {}})
    assert changed.json() == body | {"name": "Ada L.", "metadata": {}}
    assert admin.get(made["Location"]).json() == changed.json()

    FaceImageFactory.create(identity=identity)
    assert admin.delete(made["Location"]).status_code == 204
    assert not Identity.objects.exists()
    assert not FaceImage.objects.exists()
    refused(admin.delete(made["Location"]), 404, "not_found")


def test_search_by_part_of_name_or_by_external_id(operator: Caller, gallery: Gallery) -> None:
    IdentityFactory.create(gallery=gallery, name="Grace Hopper", external_id="h-1")
    IdentityFactory.create(gallery=gallery, name="Ada Lovelace", external_id="l-1")
    IdentityFactory.create(name="Grace elsewhere")

    def names(query: str) -> list[str]:
        rows = operator.get(f"{people_of(gallery)}?{query}").json()["results"]
        return sorted(row["name"] for row in rows)

    assert names("") == ["Ada Lovelace", "Grace Hopper"]
    assert names("search=GRACE") == ["Grace Hopper"]
    assert names("search=l-1") == ["Ada Lovelace"]
    assert names("search=%25") == []  # no wildcard of the database
    assert names("external_id=h-1") == ["Grace Hopper"]
    assert names("external_id=h") == []
    assert names("external_id=h-1&search=Ada") == []


def test_the_cover_is_the_best_image_and_counts_are_of_enrolled_ones(
    operator: Caller, gallery: Gallery
) -> None:
    identity = IdentityFactory.create(gallery=gallery)
    FaceImageFactory.create(identity=identity, quality=0.4)
    FaceImageFactory.create(identity=identity, quality=0.9)
    FaceImageFactory.create(identity=identity, quality=0.99, state="quarantined")
    row = operator.get(people_of(gallery)).json()["results"][0]
    assert row["images"] == 2
    assert row["cover_url"].startswith("/pictures/")


def test_people_of_one_gallery_only(operator: Caller, gallery: Gallery) -> None:
    mine = IdentityFactory.create(gallery=gallery)
    foreign = IdentityFactory.create()
    assert operator.get(f"/api/v1/identities/{mine.pk}").status_code == 200
    refused(operator.get(f"/api/v1/identities/{foreign.pk}"), 404, "not_found")
    refused(operator.get(people_of(foreign.gallery)), 404, "not_found")
    refused(operator.post(people_of(foreign.gallery), {"name": "Mallory"}), 404, "not_found")
    assert not Identity.objects.filter(name="Mallory").exists()
