"""A look through a gallery: what it finds, what stays dismissed, what is settled by a decision."""

import re
from pathlib import Path

import pytest

from faceplatform.accounts.roles import Role
from faceplatform.core.actors import SYSTEM
from faceplatform.core.errors import DomainError
from faceplatform.core.jobs import run_here
from faceplatform.core.models import JobState
from recognition.models import FaceImage, FaceTemplate, FindingKind, Gallery, ReviewAction
from recognition.selectors.hygiene import finding_counts, findings_of
from recognition.selectors.people import people_with_one_image
from recognition.selectors.templates import stored_vectors
from recognition.services.enrollment import enroll_photo
from recognition.services.galleries import change_gallery
from recognition.services.hygiene import dismiss, start_hygiene
from recognition.services.review import decide
from tests.api.caller import Caller
from tests.factories import (
    FaceTemplateFactory,
    GalleryFactory,
    IdentityFactory,
    make_member,
)
from tests.fakes import FakePipeline, embedding_of, face_photo

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def gallery(fake_pipeline: FakePipeline, files: Path) -> Gallery:
    """Five people with three images each; one of person 2 lies under person 1."""
    made: Gallery = GalleryFactory.create(name="Staff")
    for person in range(5):
        identity = IdentityFactory.create(gallery=made, name=f"Person {person}")
        for variant in range(3):
            FaceTemplateFactory.create(face__identity=identity, person=person, variant=variant)
    return made


def misfile(gallery: Gallery) -> FaceImage:
    person = gallery.identities.get(name="Person 1")
    face: FaceImage = FaceTemplateFactory.create(face__identity=person, person=2, variant=8).face
    return face


def look_through(gallery: Gallery) -> dict[str, int]:
    run = start_hygiene(gallery=gallery, actor=SYSTEM)
    assert run.job is not None
    run_here(run.job.pk)
    run.job.refresh_from_db()
    assert run.job.state == JobState.SUCCEEDED, run.job.error_detail
    return {one.kind: one.count for one in finding_counts(gallery) if one.count}


def test_a_misfiled_image_is_found_with_whom_it_looks_like(gallery: Gallery) -> None:
    assert look_through(gallery) == {}
    wrong = misfile(gallery)
    look_through(gallery)
    first = findings_of(gallery, kind=FindingKind.MISLABELLED)[0]
    assert first.face == wrong
    assert first.other is not None
    assert first.other.identity is not None
    assert first.other.identity.name == "Person 2"
    assert first.own < 0.3
    assert first.score > 0.8
    decide(face=wrong, action=ReviewAction.MOVE, identity=first.other.identity, actor=SYSTEM)
    assert wrong.pk not in [one.face_id for one in findings_of(gallery)]


def test_a_dismissed_finding_does_not_come_back(gallery: Gallery) -> None:
    misfile(gallery)
    look_through(gallery)
    first = findings_of(gallery, kind=FindingKind.MISLABELLED)[0]
    dismiss(finding=first, actor=SYSTEM)
    look_through(gallery)
    assert first.face_id not in [
        one.face_id for one in findings_of(gallery, kind=FindingKind.MISLABELLED)
    ]
    assert findings_of(gallery, dismissed=True).get() == first
    dismiss(finding=first, actor=SYSTEM, back=True)
    assert first in findings_of(gallery)


def test_one_person_under_two_names_doubles_and_single_images(gallery: Gallery) -> None:
    twice = IdentityFactory.create(gallery=gallery, name="Also person 3")
    FaceTemplateFactory.create(face__identity=twice, person=3, variant=9)
    own = gallery.identities.get(name="Person 4")
    FaceTemplateFactory.create(face__identity=own, person=4, variant=0)
    counts = look_through(gallery)
    assert counts == {FindingKind.LOOK_ALIKE: 1, FindingKind.DUPLICATE: 1}
    pair = findings_of(gallery, kind=FindingKind.LOOK_ALIKE).get()
    assert pair.other is not None
    assert pair.other.identity is not None
    assert {pair.face.identity, pair.other.identity} == {
        twice, gallery.identities.get(name="Person 3"),
    }  # fmt: skip
    assert list(people_with_one_image(gallery)) == [twice]


def test_raising_a_limit_lists_what_is_below_it(gallery: Gallery) -> None:
    parts = {
        "eye_distance": 20.0, "sharpness": 0.3, "brightness": 0.5, "contrast": 0.2, "yaw": 1.0,
        "roll": 0.0,
    }  # fmt: skip
    face = FaceImage.objects.filter(gallery=gallery).latest("pk")
    FaceImage.objects.filter(pk=face.pk).update(quality_parts=parts)
    assert look_through(gallery) == {}
    change_gallery(gallery=gallery, quality_limits={"eye_distance": 24}, actor=SYSTEM)
    assert look_through(gallery) == {FindingKind.LOW_QUALITY: 1}
    assert findings_of(gallery).get().reasons == "too_small"


def test_limits_hold_for_enrollment_and_wrong_ones_are_refused(gallery: Gallery) -> None:
    person = gallery.identities.get(name="Person 0")
    for given in ({"eyes": 3}, {"eye_distance": "many"}, {"score": 1.5}, {"yaw": True},
                  {"brightness_low": 0.9, "brightness_high": 0.2}):  # fmt: skip
        with pytest.raises(DomainError) as refused:
            change_gallery(gallery=gallery, quality_limits=given, actor=SYSTEM)
        assert refused.value.code == "quality_limits_invalid"
    change_gallery(gallery=gallery, quality_limits={"eye_distance": 40}, actor=SYSTEM)
    with pytest.raises(DomainError) as refused:
        enroll_photo(
            gallery=gallery, identity=person, data=face_photo(0, variant=7), path="", actor=SYSTEM
        )
    assert refused.value.code == "low_quality"
    assert "too small" in refused.value.detail
    change_gallery(gallery=gallery, quality_limits={}, actor=SYSTEM)
    assert gallery.quality_limits == {}


def test_two_looks_at_once_are_one(gallery: Gallery) -> None:
    start_hygiene(gallery=gallery, actor=SYSTEM)
    with pytest.raises(DomainError) as refused:
        start_hygiene(gallery=gallery, actor=SYSTEM)
    assert refused.value.code == "already_running"


def test_vectors_are_read_as_they_were_stored(gallery: Gallery) -> None:
    ids, vectors = stored_vectors(gallery)
    faces = list(FaceTemplate.objects.filter(gallery=gallery).order_by("pk"))
    assert ids == [template.face_id for template in faces]
    assert vectors.shape == (15, 512)
    assert float(abs(vectors[4] - embedding_of(1, 1)).max()) < 2e-4


def test_look_alikes_are_merged_with_one_click_and_undone(gallery: Gallery) -> None:
    for name, variants in (("Ada", (1, 2)), ("A. Lovelace", (3,))):
        identity = IdentityFactory.create(gallery=gallery, name=name)
        for variant in variants:
            FaceTemplateFactory.create(face__identity=identity, person=31, variant=variant)
    look_through(gallery)

    def images() -> list[int]:
        people = gallery.identities.filter(name__in=["Ada", "A. Lovelace"])
        return sorted(one.faces.count() for one in people)

    operator = Caller.person(make_member(gallery.organization, Role.OPERATOR))
    here = f"/galleries/{gallery.pk}/hygiene/?kind=look_alike"
    page = operator.get(here).content.decode()
    [finding] = findings_of(gallery, kind="look_alike")
    assert finding.face.identity is not None
    assert finding.other is not None
    merge = f"/identities/{finding.face.identity_id}/merge/"
    assert f'action="{merge}"' in page
    form = {"source": str(finding.other.identity_id), "next": here}
    response = operator.client.post(merge, form)
    assert (response.status_code, response["Location"]) == (302, here)
    assert images() == [3]
    again = operator.get(here).content.decode()
    assert "Undo: merge of" in again
    assert not findings_of(gallery, kind="look_alike")
    undo = re.findall(r'action="(/merges/[^"]+/undo/)"', again)
    assert operator.client.post(undo[0], {"next": here})["Location"] == here
    assert images() == [1, 2]
    assert len(findings_of(gallery, kind="look_alike")) == 1
