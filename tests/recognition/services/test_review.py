"""What is held back at enrollment, and what a person decides about it."""

from pathlib import Path

import pytest

from faceplatform.core.actors import SYSTEM
from faceplatform.core.errors import DomainError
from faceplatform.core.jobs import run_here
from faceplatform.core.models import AuditEvent
from recognition.models import (
    FaceImage,
    FaceState,
    FaceTemplate,
    Gallery,
    Identity,
    ReviewAction,
    ReviewDecision,
)
from recognition.selectors.answers import answer_of
from recognition.selectors.review import case_of, review_queue
from recognition.services.enrollment import enroll_photo
from recognition.services.identification import identify
from recognition.services.identities import delete_face, erase_identity
from recognition.services.imports import counts_of, start_import
from recognition.services.review import decide, undo
from tests.factories import GalleryFactory, IdentityFactory
from tests.fakes import FakePipeline, face_photo

pytestmark = pytest.mark.django_db(transaction=True)

ANN, BOB, EVE = 1, 2, 3


@pytest.fixture
def gallery(fake_pipeline: FakePipeline, files: Path) -> Gallery:
    made: Gallery = GalleryFactory.create(name="Staff")
    return made


def enroll(gallery: Gallery, name: str, person: int, variant: int = 0) -> FaceImage:
    identity = Identity.objects.filter(gallery=gallery, name=name).first()
    return enroll_photo(
        gallery=gallery,
        identity=identity or IdentityFactory.create(gallery=gallery, name=name),
        data=face_photo(person, variant=variant),
        path=f"{name}/{variant}.png",
        actor=SYSTEM,
    )


def named(gallery: Gallery, person: int) -> str | None:
    probe = identify(gallery=gallery, data=face_photo(person, variant=77), name="", actor=SYSTEM)
    identity = answer_of(probe).faces[0].identity
    return identity.name if identity else None


def searchable(face: FaceImage) -> bool:
    return FaceTemplate.objects.get(face=face).searchable


def test_an_image_of_a_stranger_is_held_back_and_not_searched(gallery: Gallery) -> None:
    enroll(gallery, "Ann", ANN)
    wrong = enroll(gallery, "Ann", EVE, 1)
    assert (wrong.state, wrong.reason) == (FaceState.QUARANTINED, "unlike_own")
    assert wrong.evidence["own"] < wrong.evidence["low_match"] <= wrong.evidence["threshold"]
    assert wrong.evidence["own_images"] == 1
    assert not searchable(wrong)
    assert named(gallery, EVE) is None


def test_somebody_without_a_consent_is_protected_as_well(gallery: Gallery) -> None:
    Gallery.objects.update(consent_required=True)
    gallery.refresh_from_db()
    right = enroll(gallery, "Ann", ANN)
    assert not searchable(right)
    assert enroll(gallery, "Ann", ANN, 1).state == FaceState.ENROLLED
    wrong = enroll(gallery, "Ann", EVE, 2)
    assert (wrong.state, wrong.reason) == (FaceState.QUARANTINED, "unlike_own")
    assert named(gallery, ANN) is None


def test_an_image_of_somebody_else_names_whom_it_looks_like(gallery: Gallery) -> None:
    bob = enroll(gallery, "Bob", BOB)
    enroll(gallery, "Ann", ANN)
    wrong = enroll(gallery, "Ann", BOB, 1)
    assert (wrong.state, wrong.reason) == (FaceState.QUARANTINED, "like_another")
    case = case_of(wrong)
    assert case.claimed is not None
    assert case.other is not None
    assert (case.claimed.identity.name, case.other.identity) == ("Ann", bob.identity)
    assert case.other.faces == (bob,)
    assert case.other.score is not None
    assert case.other.score > 0.8


def test_the_first_image_of_somebody_who_is_there_already_is_searched_and_asked_about(
    gallery: Gallery,
) -> None:
    enroll(gallery, "Bob", BOB)
    again = enroll(gallery, "Robert", BOB, 1)
    assert (again.state, again.reason) == (FaceState.ENROLLED, "possible_duplicate")
    assert searchable(again)
    owner = gallery.organization
    queue = review_queue(type("Asks", (), {"organization_id": owner.pk})())
    assert list(queue) == [again]
    decide(face=again, action=ReviewAction.ACCEPT, actor=SYSTEM)
    assert not queue.all()


def test_images_in_quarantine_vouch_for_nobody(gallery: Gallery) -> None:
    enroll(gallery, "Ann", ANN)
    enroll(gallery, "Ann", EVE, 1)
    second = enroll(gallery, "Ann", EVE, 2)
    assert second.reason == "unlike_own"


def test_nearly_the_same_image_is_remarked_on(gallery: Gallery) -> None:
    enroll(gallery, "Ann", ANN)
    # another file, the same face to the network
    twin = enroll_photo(
        gallery=gallery,
        identity=Identity.objects.get(name="Ann"),
        data=face_photo(ANN, width=700),
        path="twin.png",
        actor=SYSTEM,
    )
    assert (twin.state, twin.reason) == (FaceState.ENROLLED, "near_duplicate")


def test_an_accepted_image_is_found_and_undo_hides_it_again(gallery: Gallery) -> None:
    enroll(gallery, "Ann", ANN)
    wrong = enroll(gallery, "Ann", EVE, 1)
    decision = decide(face=wrong, action=ReviewAction.ACCEPT, actor=SYSTEM)
    assert named(gallery, EVE) == "Ann"
    undo(decision=decision, actor=SYSTEM)
    assert named(gallery, EVE) is None
    wrong.refresh_from_db()
    assert (wrong.state, wrong.reason) == (FaceState.QUARANTINED, "unlike_own")
    actions = AuditEvent.objects.values_list("action", flat=True)
    assert {"image.accept", "image.undo"} <= set(actions)


def test_an_image_is_moved_to_somebody_known_or_new(gallery: Gallery) -> None:
    enroll(gallery, "Ann", ANN)
    bob = enroll(gallery, "Bob", BOB).identity
    wrong = enroll(gallery, "Ann", BOB, 1)
    first = decide(face=wrong, action=ReviewAction.MOVE, identity=bob, actor=SYSTEM)
    wrong.refresh_from_db()
    assert (wrong.identity, wrong.state, wrong.reason) == (bob, FaceState.ENROLLED, "")
    undo(decision=first, actor=SYSTEM)
    wrong.refresh_from_db()
    assert wrong.identity is not None
    assert wrong.identity.name == "Ann"
    decide(face=wrong, action=ReviewAction.MOVE, name="  Zoe ", actor=SYSTEM)
    decide(face=wrong, action=ReviewAction.MOVE, name="Bob", actor=SYSTEM)
    wrong.refresh_from_db()
    assert wrong.identity == bob
    assert Identity.objects.filter(name="Zoe").exists()


def test_a_rejected_image_is_kept_and_not_searched(gallery: Gallery) -> None:
    face = enroll(gallery, "Ann", ANN)
    decision = decide(face=face, action=ReviewAction.REJECT, actor=SYSTEM)
    face.refresh_from_db()
    assert (face.state, face.reason) == (FaceState.REJECTED, "not_this_person")
    assert named(gallery, ANN) is None
    undo(decision=decision, actor=SYSTEM)
    assert named(gallery, ANN) == "Ann"


def test_what_cannot_be_decided_or_undone_is_refused(gallery: Gallery) -> None:
    face = enroll(gallery, "Ann", ANN)
    elsewhere = IdentityFactory.create()
    for code, arguments in {
        "identity_missing": {"action": ReviewAction.MOVE, "name": " "},
        "other_gallery": {"action": ReviewAction.MOVE, "identity": elsewhere},
    }.items():
        with pytest.raises(DomainError) as refused:
            decide(face=face, actor=SYSTEM, **arguments)  # type: ignore[arg-type]
        assert refused.value.code == code
    assert not ReviewDecision.objects.exists()

    first = decide(face=face, action=ReviewAction.REJECT, actor=SYSTEM)
    second = decide(face=face, action=ReviewAction.ACCEPT, actor=SYSTEM)
    with pytest.raises(DomainError) as refused:
        undo(decision=first, actor=SYSTEM)
    assert refused.value.code == "changed_meanwhile"
    undo(decision=second, actor=SYSTEM)
    with pytest.raises(DomainError) as refused:
        undo(decision=second, actor=SYSTEM)
    assert refused.value.code == "already_undone"
    delete_face(face=face, actor=SYSTEM)
    with pytest.raises(DomainError) as refused:
        decide(face=face, action=ReviewAction.ACCEPT, actor=SYSTEM)
    assert refused.value.code == "image_gone"


def test_erasing_a_person_leaves_no_trace_in_decisions(gallery: Gallery) -> None:
    enroll(gallery, "Ann", ANN)
    bob = enroll(gallery, "Bob", BOB).identity
    assert bob is not None
    wrong = enroll(gallery, "Ann", BOB, 1)
    decide(face=wrong, action=ReviewAction.MOVE, identity=bob, actor=SYSTEM)
    erase_identity(identity=bob, actor=SYSTEM)
    assert not ReviewDecision.objects.exists()
    assert not FaceImage.objects.filter(pk=wrong.pk).exists()


def test_an_import_holds_images_back_with_their_reason(gallery: Gallery, tmp_path: Path) -> None:
    pictures = {
        "ann/1.png": face_photo(ANN),
        "ann/2.png": face_photo(ANN, variant=1),
        "ann/3.png": face_photo(EVE),
        "bob/1.png": face_photo(BOB),
        "bob/2.png": face_photo(ANN, variant=3),
    }
    for path, data in pictures.items():
        (tmp_path / "people" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "people" / path).write_bytes(data)
    run = start_import(gallery=gallery, name="people", folder=tmp_path / "people", actor=SYSTEM)
    assert run.job is not None
    run_here(run.job.pk)
    results = {item.path: (item.status, item.code) for item in run.items.all()}
    assert results["ann/3.png"] == ("quarantined", "unlike_own")
    assert results["bob/2.png"] == ("quarantined", "like_another")
    assert counts_of(run) == {
        "enrolled": 3,
        "quarantined": 2,
        "skipped": 0,
        "failed": 0,
        "unnamed": 0,
    }
    run.job.refresh_from_db()
    assert run.job.result["sentence"].startswith("3 images enrolled in Staff, 2 to review")
