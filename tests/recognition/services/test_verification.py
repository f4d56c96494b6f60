"""Two photos, and a photo with a person: verdicts, thresholds, what is kept and what goes."""

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from faceplatform.core import storage
from faceplatform.core.actors import SYSTEM
from faceplatform.core.errors import DomainError
from faceplatform.core.models import AuditEvent
from recognition.models import Gallery, Identity, Photo, Verification, VerificationAnchor
from recognition.selectors.verification_thresholds import pair_threshold, person_threshold
from recognition.selectors.verifications import verification_answer
from recognition.services.galleries import delete_gallery
from recognition.services.identities import delete_face, erase_identity
from recognition.services.model_versions import default_version
from recognition.services.verification import (
    PhotoInput,
    delete_verification,
    purge_expired_verifications,
    verify_identity,
    verify_photos,
)
from recognition.vision.fusion import RULES
from tests.factories import FaceTemplateFactory, GalleryFactory, IdentityFactory
from tests.fakes import POOR, FakePipeline, embedding_of, face_photo

pytestmark = pytest.mark.django_db


@pytest.fixture
def gallery(fake_pipeline: FakePipeline, files: Path) -> Gallery:
    return GalleryFactory.create(name="Staff")


@pytest.fixture
def ada(gallery: Gallery) -> Identity:
    """Somebody with three images, as person 1 of the fakes."""
    identity = IdentityFactory.create(gallery=gallery, name="Ada")
    for variant in (1, 2, 3):
        FaceTemplateFactory.create(face__identity=identity, person=1, variant=variant)
    return identity


def compare(gallery: Gallery, first: bytes, second: bytes, **more: Any) -> Verification:
    return verify_photos(
        organization_id=gallery.organization_id,
        first=PhotoInput(first, "one.png"),
        second=PhotoInput(second, "two.png"),
        actor=SYSTEM,
        **more,
    )


def ask(identity: Identity, data: bytes, **more: Any) -> Verification:
    return verify_identity(
        identity=identity, photo=PhotoInput(data, "gate.png"), actor=SYSTEM, **more
    )


def test_every_face_against_every_face(gallery: Gallery) -> None:
    made = compare(gallery, face_photo(1, 2), face_photo(2, 3, 1, variant=4))
    answer = verification_answer(made)
    verdicts = [[pair.verdict for pair in row] for row in answer.pairs]
    assert verdicts == [["different", "different", "same"], ["same", "different", "different"]]
    expected = float(embedding_of(1) @ embedding_of(1, 4))
    assert answer.pairs[0][2].score == pytest.approx(expected, abs=1e-3)
    assert answer.best.verdict == "same"
    assert answer.sentence == "2 of 6 pairs of faces judged the same person."
    assert AuditEvent.objects.filter(action="verify").count() == 1


def test_the_threshold_is_that_of_one_pair_and_says_so(gallery: Gallery) -> None:
    version = default_version()
    strict, usual = (pair_threshold(version, fmr=rate) for rate in (0.0001, 0.001))
    assert strict.value > usual.value
    assert "1:1 threshold from the model's calibration" in usual.text
    assert "1 stranger in 1,000" in usual.text
    answer = verification_answer(compare(gallery, face_photo(1), face_photo(1, variant=2)))
    assert answer.threshold == usual
    assert "the same answer down to 1 stranger in 100,000" in answer.best.margin
    assert answer.best.stranger_rate.startswith("fewer than 1 in ")
    assert answer.best.stranger_rate.endswith(" strangers score this high")
    with pytest.raises(DomainError) as refused:
        compare(gallery, face_photo(1), face_photo(2), fmr=0.5)
    assert refused.value.code == "rate_invalid"


def test_a_poor_face_gets_no_verdict(gallery: Gallery) -> None:
    made = compare(gallery, face_photo(1), face_photo(1, variant=POOR))
    answer = verification_answer(made)
    assert answer.best.verdict == "low_quality"
    assert answer.best.score > answer.threshold.value


def test_a_photo_without_a_face_is_refused_and_nothing_is_kept(gallery: Gallery) -> None:
    with pytest.raises(DomainError) as refused:
        compare(gallery, face_photo(1), face_photo())
    assert refused.value.code == "no_face"
    assert "two.png" in refused.value.detail
    assert not Verification.objects.exists()
    assert not Photo.objects.exists()


def test_the_same_photo_twice(gallery: Gallery) -> None:
    made = compare(gallery, face_photo(1), face_photo(1))
    assert verification_answer(made).best.score == pytest.approx(1.0, abs=1e-4)
    assert Photo.objects.count() == 1


@pytest.mark.parametrize("rule", RULES)
def test_a_person_by_every_rule_with_every_anchor(ada: Identity, rule: str) -> None:
    made = ask(ada, face_photo(1, 2, variant=7), rule=rule)
    answer = verification_answer(made)
    own, other = answer.faces
    assert (own.verdict, other.verdict) == ("same", "different")
    assert len(own.anchors) == len(other.anchors) == 3
    scores = [anchor.score for anchor in own.anchors]
    assert scores == sorted(scores, reverse=True)
    assert own.votes == 3
    assert other.votes == 0
    assert answer.threshold == person_threshold(default_version(), rule=rule, anchors=3)
    assert answer.threshold.anchors == 3
    assert "1 of 2 faces judged to be Ada" in answer.sentence


def test_the_fused_score_is_the_rules(ada: Identity) -> None:
    """Centroid from the database equals the cosine with the mean of what is stored."""
    import numpy as np

    probe = embedding_of(1, 7)
    anchors = np.stack([embedding_of(1, variant) for variant in (1, 2, 3)])
    mean = anchors.mean(axis=0)
    made = ask(ada, face_photo(1, variant=7), rule="centroid")
    face = verification_answer(made).faces[0]
    assert face.score == pytest.approx(float(probe @ mean / np.linalg.norm(mean)), abs=2e-3)
    nearest = verification_answer(ask(ada, face_photo(1, variant=7), rule="max")).faces[0]
    assert nearest.score == pytest.approx(float((anchors @ probe).max()), abs=2e-3)


def test_refusals_of_a_person(ada: Identity, gallery: Gallery) -> None:
    empty = IdentityFactory.create(gallery=gallery)
    cases = [(empty, {}, "no_images"), (ada, {"rule": "median"}, "rule_invalid")]
    for identity, more, code in cases:
        with pytest.raises(DomainError) as refused:
            ask(identity, face_photo(1), **more)
        assert refused.value.code == code
    Gallery.objects.update(searchable=False)
    ada.refresh_from_db()
    with pytest.raises(DomainError) as refused:
        ask(ada, face_photo(1))
    assert refused.value.code == "gallery_not_searchable"
    assert not Verification.objects.exists()


def test_a_gallery_that_keeps_no_photo(ada: Identity, gallery: Gallery) -> None:
    Gallery.objects.update(probe_days=0)
    ada.gallery.refresh_from_db()
    made = ask(ada, face_photo(1))
    assert made.photos.get().photo is None
    assert verification_answer(made).faces[0].verdict == "same"


def test_what_goes_with_the_person_the_image_and_the_gallery(
    ada: Identity, gallery: Gallery, django_capture_on_commit_callbacks: Any
) -> None:
    made = ask(ada, face_photo(1))
    photo = made.photos.get().photo
    delete_face(face=ada.faces.order_by("pk")[0], actor=SYSTEM)
    assert VerificationAnchor.objects.count() == 2
    with django_capture_on_commit_callbacks(execute=True):
        erase_identity(identity=ada, actor=SYSTEM)
    assert not Verification.objects.exists()
    with pytest.raises(FileNotFoundError):
        storage.open_photo(photo.organization_id, photo.sha256)
    bob = IdentityFactory.create(gallery=gallery)
    FaceTemplateFactory.create(face__identity=bob, person=2)
    ask(bob, face_photo(2))
    delete_gallery(gallery=gallery, actor=SYSTEM)
    assert not Verification.objects.exists()
    assert not Photo.objects.filter(verifications=None, faces=None, probes=None).exists()


def test_deleting_and_expiring(gallery: Gallery) -> None:
    first = compare(gallery, face_photo(1), face_photo(2))
    second = compare(gallery, face_photo(1), face_photo(3))
    delete_verification(verification=first, actor=SYSTEM)
    assert Photo.objects.count() == 2
    assert purge_expired_verifications() == 0
    Verification.objects.filter(pk=second.pk).update(
        expires_at=timezone.now() - dt.timedelta(seconds=1)
    )
    assert purge_expired_verifications() == 1
    assert not Photo.objects.exists()


def test_reading_an_answer_takes_a_fixed_number_of_queries(
    ada: Identity, gallery: Gallery, django_assert_num_queries: Any
) -> None:
    few = Verification.objects.select_related("identity", "model_version").get(
        pk=ask(ada, face_photo(1)).pk
    )
    for variant in range(10, 30):
        FaceTemplateFactory.create(face__identity=ada, person=1, variant=variant)
    many = Verification.objects.select_related("identity", "model_version").get(
        pk=ask(ada, face_photo(1, 2, 3)).pk
    )
    for stored in (few, many):
        with django_assert_num_queries(6):
            verification_answer(stored)


def test_the_command(ada: Identity, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import json

    one, two = tmp_path / "1.png", tmp_path / "2.png"
    one.write_bytes(face_photo(1))
    two.write_bytes(face_photo(1, variant=2))
    name = ada.organization.name
    call_command("verify", str(one), str(two), organization=name)
    shown = capsys.readouterr().out
    assert "Judged the same person" in shown
    assert "1:1 threshold" in shown
    call_command("verify", str(one), identity="Ada", gallery="Staff", organization=name, json=True)
    record = json.loads(capsys.readouterr().out)
    assert record["sentence"] == "Judged to be Ada."
    assert len(record["faces"][0]["anchors"]) == 3
