"""One rule per gallery makes a person's score of those of their images."""

from pathlib import Path

import numpy as np
import pytest

from faceplatform.accounts.roles import Role
from faceplatform.core.actors import SYSTEM
from faceplatform.core.errors import DomainError
from recognition.models import Gallery, Identity, Probe
from recognition.selectors.answers import answer_of
from recognition.services.galleries import change_gallery
from recognition.services.identification import identify
from recognition.services.verification import PhotoInput, verify_identity
from recognition.vision.fusion import RULES, FusionCalibration
from tests.api.caller import Caller
from tests.factories import FaceTemplateFactory, GalleryFactory, IdentityFactory, make_member
from tests.fakes import FakePipeline, embedding_of, face_photo

pytestmark = pytest.mark.django_db

ADA, BOB, PROBE = 1, 2, 7


@pytest.fixture
def gallery(fake_pipeline: FakePipeline, files: Path) -> Gallery:
    """Ada with three images; one of Bob's four was filed under the wrong name: it is Ada's."""
    made: Gallery = GalleryFactory.create()
    ada = IdentityFactory.create(gallery=made, name="Ada")
    bob = IdentityFactory.create(gallery=made, name="Bob")
    for variant in (1, 2, 3):
        FaceTemplateFactory.create(face__identity=ada, person=ADA, variant=variant)
        FaceTemplateFactory.create(face__identity=bob, person=BOB, variant=variant)
    FaceTemplateFactory.create(face__identity=bob, person=ADA, variant=PROBE)
    return made


def asked(gallery: Gallery, rule: str) -> Probe:
    change_gallery(gallery=gallery, fusion_rule=rule, actor=SYSTEM)
    return identify(gallery=gallery, data=face_photo(ADA, variant=PROBE), name="", actor=SYSTEM)


def expected(rule: str, name: str) -> float:
    probe = embedding_of(ADA, PROBE)
    rows = {
        "Ada": [embedding_of(ADA, v) for v in (1, 2, 3)],
        "Bob": [*(embedding_of(BOB, v) for v in (1, 2, 3)), embedding_of(ADA, PROBE)],
    }[name]
    scores = sorted((float(row @ probe) for row in rows), reverse=True)
    middle = np.mean(rows, axis=0)
    return {
        "max": scores[0],
        "mean": sum(scores) / len(scores),
        "top_mean": sum(scores[:3]) / 3,
        "centroid": float(middle @ probe / np.linalg.norm(middle)),
        "vote": scores[len(scores) // 2],
    }[rule]


@pytest.mark.parametrize("rule", RULES)
def test_candidates_are_scored_by_the_rule(gallery: Gallery, rule: str) -> None:
    answer = answer_of(asked(gallery, rule)).faces[0]
    found = {row.identity.name: row for row in answer.candidates}
    for name in ("Ada", "Bob"):
        assert found[name].score == pytest.approx(expected(rule, name), abs=2e-3)
    best = "Bob" if rule == "max" else "Ada"
    assert answer.identity is not None
    assert answer.identity.name == answer.candidates[0].identity.name == best
    assert answer.score == pytest.approx(expected(rule, best), abs=2e-3)
    # Stored images keep their own scores.
    assert answer.similar[0].score == pytest.approx(1.0, abs=2e-3)


def test_no_rule_is_the_nearest_image(gallery: Gallery) -> None:
    usual = answer_of(asked(gallery, "")).faces[0]
    nearest = answer_of(asked(gallery, "max")).faces[0]
    assert [(c.identity, c.score) for c in usual.candidates] == [
        (c.identity, c.score) for c in nearest.candidates
    ]


def test_verification_uses_the_same_rule(gallery: Gallery) -> None:
    ada = Identity.objects.get(name="Ada")
    photo = PhotoInput(face_photo(ADA, variant=PROBE))

    def rule_used(rule: str = "") -> str:
        return verify_identity(identity=ada, photo=photo, actor=SYSTEM, rule=rule).rule

    assert rule_used() == "centroid"
    change_gallery(gallery=ada.gallery, fusion_rule="vote", actor=SYSTEM)
    assert rule_used() == "vote"
    assert rule_used(rule="mean") == "mean"


def test_what_is_no_rule(gallery: Gallery) -> None:
    with pytest.raises(DomainError) as refused:
        change_gallery(gallery=gallery, fusion_rule="best", actor=SYSTEM)
    assert refused.value.code == "rule_invalid"
    Gallery.objects.update(score_kind="normalised")
    gallery.refresh_from_db()
    with pytest.raises(DomainError) as refused:
        change_gallery(gallery=gallery, fusion_rule="centroid", actor=SYSTEM)
    assert refused.value.code == "rule_not_for_kind"


def test_by_api_and_page(gallery: Gallery) -> None:
    caller = Caller.person(make_member(gallery.organization, Role.ADMIN))
    path = f"/api/v1/galleries/{gallery.pk}"
    assert caller.patch(path, {"fusion_rule": "mean"}).json()["fusion_rule"] == "mean"
    assert caller.patch(path, {"fusion_rule": "best"}).status_code == 400
    page = caller.get(f"/galleries/{gallery.pk}/settings/").content.decode()
    assert 'value="mean" selected' in page
    probe = asked(gallery, "mean")
    reasons = caller.get(f"/probes/{probe.pk}/faces/1/decision/").content.decode()
    assert "mean over all images" in reasons


def test_other_rules_need_no_higher_threshold_than_the_nearest_image() -> None:
    """Why a gallery keeps its threshold when its rule changes: see docs/identification.md."""
    measured = FusionCalibration.load("facenet-casia")
    for rule in RULES:
        assert (measured.thresholds[rule] <= measured.thresholds["max"] + 0.01).all(), rule
