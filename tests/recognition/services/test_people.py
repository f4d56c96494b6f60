"""Search, merge, move, split, consent, retention and export of people."""

import datetime as dt
import io
import json
import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from faceplatform.core.actors import SYSTEM
from faceplatform.core.errors import DomainError
from faceplatform.core.models import AuditEvent
from recognition.models import (
    Consent,
    FaceImage,
    FaceTemplate,
    Gallery,
    Identity,
    Photo,
    ReviewAction,
)
from recognition.selectors.answers import answer_of
from recognition.selectors.people import PeopleFilter, people_page, tags_of
from recognition.services.consents import (
    record_consent,
    sweep_consents,
    sweep_retention,
    withdraw_consent,
)
from recognition.services.enrollment import enroll_photo
from recognition.services.galleries import change_gallery
from recognition.services.identification import identify
from recognition.services.identities import change_identity, create_identity, erase_identity
from recognition.services.identity_export import export_identity
from recognition.services.identity_merges import merge_identities, undo_merge
from recognition.services.identity_moves import move_identity, split_identity
from recognition.services.review import decide
from recognition.words import fold, words_of
from tests.factories import (
    FaceImageFactory,
    FaceTemplateFactory,
    GalleryFactory,
    IdentityFactory,
    ModelVersionFactory,
)
from tests.fakes import FakePipeline, face_photo

TODAY = timezone.now().date()
DAY = dt.timedelta(days=1)


@pytest.fixture
def gallery(fake_pipeline: FakePipeline, files: Path) -> Gallery:
    return GalleryFactory.create(name="Staff")


def person(gallery: Gallery, name: str, number: int, *, images: int = 2) -> Identity:
    """Add somebody with templates of the fakes' person `number`."""
    identity = IdentityFactory.create(gallery=gallery, name=name)
    for variant in range(images):
        FaceTemplateFactory.create(face__identity=identity, person=number, variant=variant)
    return identity


def named(gallery: Gallery, number: int, variant: int = 30) -> str | None:
    """Ask who the fakes' person is; return the name in the answer."""
    gallery = Gallery.objects.select_related("model_version").get(pk=gallery.pk)
    data = face_photo(number, variant=variant)
    probe = identify(gallery=gallery, data=data, name="gate.png", actor=SYSTEM)
    identity = answer_of(probe).faces[0].identity
    return identity.name if identity else None


def code_of(refused: Any) -> str:
    return str(refused.value.code)


# words and lists


def test_words_are_found_without_case_and_accents() -> None:
    assert fold("ŜTRAẞE Ωmega") == "strasse ωmega"
    assert words_of("José  Ñuñez-O’Brien", "A-17/b") == [
        "jose",
        "nunez",
        "o",
        "brien",
        "a",
        "17",
        "b",
    ]


@given(st.text(max_size=60))
def test_words_hold_nothing_that_a_query_would_read(text: str) -> None:
    for word in words_of(text):
        assert word.isalnum(), word


@pytest.mark.django_db
def test_people_are_found_by_the_beginnings_of_words(gallery: Gallery) -> None:
    for name, external in (("José Núñez", "A-17"), ("Ada Lovelace", "B 2"), ("Mary Ann Evans", "")):
        IdentityFactory.create(gallery=gallery, name=name, external_id=external)
    IdentityFactory.create(name="José elsewhere")

    def found(search: str) -> list[str]:
        page = people_page(gallery, PeopleFilter(search=search))
        return [one.name for one in page.people]

    assert found("jose") == found("NUÑ") == found("núñez jos") == found("a-17") == ["José Núñez"]
    assert found("ann") == ["Mary Ann Evans"]
    assert found("a") == ["Ada Lovelace", "José Núñez", "Mary Ann Evans"]
    assert found("velace") == found("ace") == ["Ada Lovelace"]
    assert found("úñe sé") == []  # two letters are looked for at beginnings
    assert found("úñe jo") == found("unez ose") == ["José Núñez"]
    assert found("ce") == found("jose ada") == found("'") == found("!") == []
    assert len(found("")) == 3
    changed = Identity.objects.get(name="Ada Lovelace")
    change_identity(identity=changed, name="Augusta King", actor=SYSTEM)
    assert found("lovelace") == []
    assert found("king b") == ["Augusta King"]


@pytest.mark.django_db
@settings(deadline=None)
@given(search=st.text(max_size=30))
def test_any_search_is_answered(search: str) -> None:
    gallery = Gallery(pk="00000000-0000-7000-8000-000000000000")
    assert people_page(gallery, PeopleFilter(search=search)).people == ()


@pytest.mark.django_db
@pytest.mark.parametrize("order", ["name", "-images", "-created_at"])
def test_pages_show_everybody_once_in_both_directions(gallery: Gallery, order: str) -> None:
    for number in range(23):
        identity = IdentityFactory.create(gallery=gallery, name=f"P {number:02d}")
        for _ in range(number % 4):
            FaceImageFactory.create(identity=identity)
    wanted = PeopleFilter(order=order)
    whole = [one.pk for one in people_page(gallery, wanted, limit=100).people]
    assert len(whole) == 23
    page = people_page(gallery, wanted, limit=5)
    forward = [[one.pk for one in page.people]]
    while page.after:
        page = people_page(gallery, wanted, after=page.after, limit=5)
        forward.append([one.pk for one in page.people])
    assert [pk for part in forward for pk in part] == whole
    assert page.total == 23
    backward = [forward[-1]]
    while page.before:
        page = people_page(gallery, wanted, before=page.before, limit=5)
        backward.insert(0, [one.pk for one in page.people])
    assert [pk for part in backward for pk in part][-20:] == whole[-20:]


@pytest.mark.django_db
def test_filters(gallery: Gallery) -> None:
    ada, bob, eve = (person(gallery, n, i, images=i) for i, n in enumerate(("Ada", "Bob", "Eve")))
    change_identity(identity=ada, tags=["night", " day shift ", "night", ""], actor=SYSTEM)
    change_identity(identity=bob, tags=["night"], actor=SYSTEM)
    record_consent(identity=bob, purpose="Entry", given_on=TODAY, actor=SYSTEM)
    withdraw_consent(
        consent=record_consent(identity=eve, purpose="Entry", given_on=TODAY, actor=SYSTEM),
        actor=SYSTEM,
    )

    def found(**wanted: str) -> list[str]:
        return [one.name for one in people_page(gallery, PeopleFilter(**wanted)).people]

    assert found(tag="night") == ["Ada", "Bob"]
    assert found(tag="day shift") == ["Ada"]
    assert found(only="no_images") == ["Ada"]
    assert found(only="one_image") == ["Bob"]
    assert found(only="without_consent") == ["Ada", "Eve"]
    assert found(only="not_matchable") == ["Eve"]
    assert tags_of(gallery) == ["night", "day shift"]
    with pytest.raises(DomainError) as refused:
        change_identity(identity=ada, tags=["x" * 41], actor=SYSTEM)
    assert code_of(refused) == "tags_invalid"


@pytest.mark.django_db
def test_a_list_takes_a_fixed_number_of_queries(
    gallery: Gallery, django_assert_num_queries: Any
) -> None:
    for number in range(30):
        person(gallery, f"P {number}", number, images=1)
    for limit in (3, 30):
        with django_assert_num_queries(2):
            people_page(gallery, PeopleFilter(search="p"), limit=limit)


# merge


@pytest.mark.django_db
def test_merging_and_undoing_leaves_everything_as_it_was(gallery: Gallery) -> None:
    ada, augusta = person(gallery, "Ada", 1), person(gallery, "Augusta", 1, images=3)
    change_identity(
        identity=augusta,
        external_id="7",
        metadata={"team": "b", "floor": 2},
        tags=["x"],
        notes="n",
        retain_until=TODAY + DAY,
        actor=SYSTEM,
    )
    change_identity(identity=ada, metadata={"team": "a"}, tags=["y"], actor=SYSTEM)
    record_consent(identity=augusta, purpose="Entry", given_on=TODAY, actor=SYSTEM)
    before = Identity.objects.filter(pk=augusta.pk).values().get()
    images = set(augusta.faces.values_list("pk", flat=True))

    merge = merge_identities(identity=ada, source=augusta, actor=SYSTEM)
    ada.refresh_from_db()
    assert ada.faces.count() == 5
    assert (ada.metadata, ada.tags) == ({"team": "a", "floor": 2}, ["y", "x"])
    assert ada.consents.count() == 1
    assert not Identity.objects.filter(pk=augusta.pk).exists()
    assert named(gallery, 1) == "Ada"

    again = undo_merge(merge=merge, actor=SYSTEM)
    assert Identity.objects.filter(pk=again.pk).values().get() == before
    assert set(again.faces.values_list("pk", flat=True)) == images
    assert again.consents.count() == 1
    ada.refresh_from_db()
    assert (ada.metadata, ada.tags, ada.faces.count()) == ({"team": "a"}, ["y"], 2)
    with pytest.raises(DomainError) as refused:
        undo_merge(merge=merge, actor=SYSTEM)
    assert code_of(refused) == "already_undone"
    actions = set(AuditEvent.objects.values_list("action", flat=True))
    assert {"identity.merge", "identity.merge_undo"} <= actions


@pytest.mark.django_db
def test_undo_leaves_what_changed_meanwhile(gallery: Gallery) -> None:
    ada, augusta = person(gallery, "Ada", 1), person(gallery, "Augusta", 1, images=3)
    other = person(gallery, "Other", 5)
    moved, kept, deleted = augusta.faces.order_by("pk")
    merge = merge_identities(identity=ada, source=augusta, actor=SYSTEM)
    moved.refresh_from_db()
    decide(face=moved, action=ReviewAction.MOVE, identity=other, actor=SYSTEM)
    deleted.delete()
    IdentityFactory.create(gallery=gallery, name="Augusta")
    with pytest.raises(DomainError) as refused, transaction.atomic():
        undo_merge(merge=merge, actor=SYSTEM)
    assert code_of(refused) == "identity_exists"
    Identity.objects.filter(name="Augusta").delete()
    again = undo_merge(merge=merge, actor=SYSTEM)
    assert list(again.faces.all()) == [kept]


@pytest.mark.django_db
def test_refused_merges(gallery: Gallery) -> None:
    ada, bob = person(gallery, "Ada", 1), person(gallery, "Bob", 2)
    elsewhere = IdentityFactory.create()
    consent = record_consent(identity=bob, purpose="Entry", given_on=TODAY, actor=SYSTEM)
    withdraw_consent(consent=consent, actor=SYSTEM)
    for source, code in (
        (ada, "same_identity"),
        (elsewhere, "other_gallery"),
        (bob, "consent_differs"),
    ):
        with pytest.raises(DomainError) as refused:
            merge_identities(identity=ada, source=source, actor=SYSTEM)
        assert code_of(refused) == code


@pytest.mark.django_db
def test_erasing_a_merged_person_takes_the_other_name_along(gallery: Gallery) -> None:
    ada, augusta = (
        person(gallery, "Ada", 1),
        create_identity(gallery=gallery, name="Augusta", actor=SYSTEM),
    )
    merge_identities(identity=ada, source=augusta, actor=SYSTEM)
    erase_identity(identity=ada, actor=SYSTEM)
    events = json.dumps(list(AuditEvent.objects.values("target_label", "data")), default=str)
    assert "Augusta" not in events
    assert "Ada" not in events


# move and split


@pytest.mark.django_db
def test_a_person_moves_with_images_and_templates(gallery: Gallery) -> None:
    ada = person(gallery, "Ada", 1)
    other = GalleryFactory.create(organization=gallery.organization)
    assert named(other, 1) is None
    move_identity(identity=ada, gallery=other, actor=SYSTEM)
    assert {face.gallery_id for face in ada.faces.all()} == {other.pk}
    rows = FaceTemplate.objects.filter(face__identity=ada)
    assert set(rows.values_list("gallery", flat=True)) == {other.pk}
    assert (named(other, 1), named(gallery, 1)) == ("Ada", None)


@pytest.mark.django_db
def test_refused_moves(gallery: Gallery) -> None:
    ada = person(gallery, "Ada", 1)
    organization = gallery.organization
    version = ModelVersionFactory.create(organization=organization)
    model = GalleryFactory.create(organization=organization, model_version=version)
    name = GalleryFactory.create(organization=organization)
    IdentityFactory.create(gallery=name, name="Ada")
    same = GalleryFactory.create(organization=organization)
    face = ada.faces.order_by("pk")[0]
    FaceImageFactory.create(identity=IdentityFactory.create(gallery=same), photo=face.photo)
    foreign = GalleryFactory.create()
    cases = [
        (gallery, "same_gallery"), (model, "other_model"), (name, "identity_exists"),
        (same, "duplicate_image"), (foreign, "other_organization"),
    ]  # fmt: skip
    for target, code in cases:
        with pytest.raises(DomainError) as refused:
            move_identity(identity=Identity.objects.get(pk=ada.pk), gallery=target, actor=SYSTEM)
        assert code_of(refused) == code
    assert {row.gallery_id for row in ada.faces.all()} == {gallery.pk}


@pytest.mark.django_db
def test_images_are_split_off(gallery: Gallery) -> None:
    ada = person(gallery, "Ada", 1)
    stray = FaceTemplateFactory.create(face__identity=ada, person=9).face
    made = split_identity(identity=ada, images=[stray.pk], name="Grace", actor=SYSTEM)
    assert list(made.faces.all()) == [stray]
    assert (named(gallery, 9), named(gallery, 1)) == ("Grace", "Ada")
    everything = list(ada.faces.values_list("pk", flat=True))
    for images in ([], everything, [stray.pk]):
        with pytest.raises(DomainError) as refused:
            split_identity(identity=ada, images=images, name="X", actor=SYSTEM)
        assert code_of(refused) == "images_invalid"


@pytest.mark.django_db
def test_splitting_does_not_bring_back_who_withdrew(gallery: Gallery) -> None:
    ada = person(gallery, "Ada", 1, images=3)
    consent = record_consent(identity=ada, purpose="Entry", given_on=TODAY, actor=SYSTEM)
    withdraw_consent(consent=consent, actor=SYSTEM)
    face = ada.faces.order_by("pk")[0]
    made = split_identity(identity=ada, images=[face.pk], name="Another", actor=SYSTEM)
    sweep_consents()
    made.refresh_from_db()
    assert not made.matchable
    assert named(gallery, 1) is None


# consent and retention


@pytest.mark.django_db
def test_consent_decides_who_is_found(gallery: Gallery) -> None:
    ada, _ = person(gallery, "Ada", 1), person(gallery, "Bob", 2)
    record_consent(identity=ada, purpose="Entry", given_on=TODAY, actor=SYSTEM)
    change_gallery(gallery=gallery, consent_required=True, actor=SYSTEM)
    assert (named(gallery, 1), named(gallery, 2)) == ("Ada", None)
    new = create_identity(gallery=gallery, name="Carl", actor=SYSTEM)
    enroll_photo(gallery=gallery, identity=new, data=face_photo(3), path="c.png", actor=SYSTEM)
    assert named(gallery, 3) is None
    consent = record_consent(identity=new, purpose="Entry", given_on=TODAY, actor=SYSTEM)
    assert named(gallery, 3) == "Carl"
    withdraw_consent(consent=consent, actor=SYSTEM)
    assert named(gallery, 3) is None
    with pytest.raises(DomainError) as refused:
        withdraw_consent(consent=consent, actor=SYSTEM)
    assert code_of(refused) == "already_withdrawn"
    change_gallery(gallery=gallery, consent_required=False, actor=SYSTEM)
    # Whoever withdrew stays out, whatever the gallery asks for.
    assert (named(gallery, 2), named(gallery, 3)) == ("Bob", None)


@pytest.mark.django_db
def test_an_image_added_after_withdrawal_is_not_found(gallery: Gallery) -> None:
    ada = person(gallery, "Ada", 1)
    consent = record_consent(identity=ada, purpose="Entry", given_on=TODAY, actor=SYSTEM)
    withdraw_consent(consent=consent, actor=SYSTEM)
    data = face_photo(1, variant=9)
    face = enroll_photo(gallery=gallery, identity=ada, data=data, path="a.png", actor=SYSTEM)
    decide(face=face, action=ReviewAction.ACCEPT, actor=SYSTEM)
    assert named(gallery, 1) is None


@pytest.mark.django_db
def test_the_sweeps_follow_the_calendar(gallery: Gallery) -> None:
    ada, bob = person(gallery, "Ada", 1), person(gallery, "Bob", 2)
    record_consent(
        identity=ada, purpose="Entry", given_on=TODAY - 9 * DAY, expires_on=TODAY, actor=SYSTEM
    )
    change_gallery(gallery=gallery, consent_required=True, actor=SYSTEM)
    assert sweep_consents() == 0
    Consent.objects.update(expires_on=TODAY - DAY)
    assert sweep_consents() == 1
    assert named(gallery, 1) is None
    assert sweep_consents() == 0
    change_identity(identity=ada, retain_until=TODAY, actor=SYSTEM)
    assert sweep_retention() == 0
    Identity.objects.filter(pk=ada.pk).update(retain_until=TODAY - DAY)
    assert sweep_retention() == 1
    assert list(Identity.objects.all()) == [bob]
    event = AuditEvent.objects.get(action="identity.erase")
    assert event.data["reason"] == "retention"
    for more in ({"purpose": " "}, {"given_on": TODAY + 3 * DAY}, {"expires_on": TODAY - DAY}):
        given: dict[str, Any] = {"purpose": "Entry", "given_on": TODAY} | more
        with pytest.raises(DomainError) as refused:
            record_consent(identity=bob, actor=SYSTEM, **given)
        assert code_of(refused) == "consent_invalid"


@pytest.mark.django_db(transaction=True)
def test_withdrawal_while_a_hundred_ask(fake_pipeline: FakePipeline, files: Path) -> None:
    """No answer to a question that began after the withdrawal returned names the person."""
    gallery = GalleryFactory.create()
    ada = person(gallery, "Ada", 1, images=3)
    consent = record_consent(identity=ada, purpose="Entry", given_on=TODAY, actor=SYSTEM)
    withdrawn, answers = threading.Event(), []

    def ask(number: int) -> None:
        late = withdrawn.is_set()
        try:
            answers.append((late, named(gallery, 1, variant=number % 150)))
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(ask, number) for number in range(100)]
        while len(answers) < 30:
            withdrawn.wait(0.01)
        withdraw_consent(consent=consent, actor=SYSTEM)
        withdrawn.set()
        asked += [pool.submit(ask, number) for number in range(20)]
        for one in asked:
            one.result()
    early = [name for late, name in answers if not late]
    late = [name for late, name in answers if late]
    assert len(answers) == 120
    assert early.count("Ada") >= 30
    assert len(late) >= 20
    assert set(late) == {None}


@pytest.mark.django_db(transaction=True)
def test_withdrawal_waits_for_an_image_that_is_being_added(
    fake_pipeline: FakePipeline, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An enrollment that read the person before a withdrawal leaves nothing to be found."""
    from recognition.services import enrollment

    gallery = GalleryFactory.create()
    ada = person(gallery, "Ada", 1, images=1)
    consent = record_consent(identity=ada, purpose="Entry", given_on=TODAY, actor=SYSTEM)
    inside, go_on = threading.Event(), threading.Event()
    store: Any = vars(enrollment)["store_face"]

    def slow_store(**arguments: Any) -> FaceImage:
        stored = store(**arguments)
        inside.set()
        go_on.wait(20)
        return stored

    monkeypatch.setattr(enrollment, "store_face", slow_store)

    def enroll() -> None:
        data = face_photo(1, variant=40)
        enroll_photo(gallery=gallery, identity=ada, data=data, path="a.png", actor=SYSTEM)
        connection.close()

    def withdraw() -> None:
        withdraw_consent(consent=consent, actor=SYSTEM)
        connection.close()

    with ThreadPoolExecutor(2) as pool:
        adding = pool.submit(enroll)
        assert inside.wait(20)
        taking_back = pool.submit(withdraw)
        go_on.set()
        adding.result()
        taking_back.result()
    assert not FaceTemplate.objects.filter(searchable=True).exists()


# export


@pytest.mark.django_db
def test_everything_about_a_person_in_one_zip(gallery: Gallery) -> None:
    ada = create_identity(gallery=gallery, name="Ada", metadata={"team": "a"}, actor=SYSTEM)
    for variant in (1, 2):
        data = face_photo(1, variant=variant)
        enroll_photo(gallery=gallery, identity=ada, data=data, path="../x.png", actor=SYSTEM)
    record_consent(identity=ada, purpose="Entry", given_on=TODAY, actor=SYSTEM)
    with export_identity(identity=ada, actor=SYSTEM) as out:
        archive = zipfile.ZipFile(io.BytesIO(out.read()))
    record = json.loads(archive.read("person.json"))
    assert (record["name"], record["metadata"]) == ("Ada", {"team": "a"})
    assert record["consents"][0]["purpose"] == "Entry"
    assert len(record["images"]) == Photo.objects.count() == 2
    assert archive.read(record["images"][0]["photo"]) == face_photo(1, variant=1)
    assert all(name.startswith("photos/") for name in archive.namelist()[1:])
    assert AuditEvent.objects.filter(action="identity.export").count() == 1
