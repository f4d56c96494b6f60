"""Changing how a gallery scores, and answers under every kind of score."""

from pathlib import Path

import numpy as np
import pytest

from faceplatform.core.actors import SYSTEM
from faceplatform.core.errors import Conflict, DomainError
from faceplatform.core.jobs import run_here
from faceplatform.core.models import AuditEvent, Job, JobState
from recognition.models import (
    Cohort,
    FaceTemplate,
    Gallery,
    Identity,
    ScoreKind,
    TemplateNorm,
)
from recognition.selectors.answers import answer_of
from recognition.selectors.decisions import decision_of
from recognition.selectors.score_kinds import scoring_of
from recognition.selectors.verification_thresholds import nearest_threshold
from recognition.selectors.verifications import verification_answer
from recognition.services.enrollment import enroll_photo
from recognition.services.identification import identify
from recognition.services.identities import create_identity, erase_identity
from recognition.services.pipelines import pipelines
from recognition.services.scoring import keep_current, start_scoring
from recognition.services.verification import PhotoInput, verify_identity
from recognition.vision.scoring import COHORT_LEAST, cohort_statistics
from recognition.vision.types import DetectedFace, Floats, Pixels
from tests.fakes import FakePipeline, face_photo
from tests.recognition.crowd import crowded_gallery, vector

pytestmark = pytest.mark.django_db(transaction=True)
PEOPLE = COHORT_LEAST + 5


class ConePipeline(FakePipeline):
    """The stand-in whose strangers score about 0.3 with each other, like crowd.vector."""

    @staticmethod
    def _face(number: int, low: int, high: int, variant: int):
        face = FakePipeline._face(number, low, high, variant)
        return type(face)(face.face, vector(low + 256 * high, variant))


class SecondEmbedder:
    """Embeds the faces of fake photos under another version, 128 numbers each."""

    def embed(self, faces: list[tuple[Pixels, DetectedFace]]) -> Floats:
        rows = []
        for pixels, face in faces:
            number = round((face.box.x1 - 20) / 70) + 1
            low, high, _ = (int(value) for value in pixels[0, number])
            own = np.random.default_rng(low + 256 * high).standard_normal(128)
            rows.append(own / np.linalg.norm(own))
        return np.array(rows, np.float32).reshape(len(faces), 128)


@pytest.fixture
def crowd(fake_pipeline: FakePipeline, files: Path, monkeypatch: pytest.MonkeyPatch) -> Gallery:
    cone = ConePipeline(digest=fake_pipeline.version.digest)
    monkeypatch.setitem(pipelines.ready, fake_pipeline.version.backbone, cone)
    return crowded_gallery(PEOPLE)


def change(gallery: Gallery, kind: ScoreKind) -> Job:
    job = start_scoring(gallery=gallery, kind=kind, actor=SYSTEM, ring=False)
    run_here(job.pk)
    job.refresh_from_db()
    gallery.refresh_from_db()
    return job


def test_normalised_scores_from_asking_to_answer(crowd: Gallery) -> None:
    before = scoring_of(crowd)
    job = change(crowd, ScoreKind.NORMALISED)
    assert job.state == JobState.SUCCEEDED, job.error_detail
    assert before.kind == "raw" and scoring_of(crowd).kind == "normalised"
    cohort = Cohort.objects.get(gallery=crowd)
    assert cohort.active and cohort.people == PEOPLE and cohort.members.count() == PEOPLE
    # What is stored is what the formula says.
    norm = TemplateNorm.objects.select_related("template").order_by("template_id")[7]
    members = np.stack(
        [
            np.asarray(t.embedding.to_numpy() if hasattr(t.embedding, "to_numpy") else t.embedding)
            for t in FaceTemplate.objects.filter(gallery=crowd).order_by("pk")
        ]
    ).astype(np.float32)
    expected = cohort_statistics(members[7:8], members)
    assert norm.mean == pytest.approx(float(expected.mean[0]), abs=1e-4)
    assert norm.deviation == pytest.approx(float(expected.deviation[0]), abs=1e-4)
    # A known person, a stranger, and somebody who is added afterwards.
    known = answer_of(
        identify(gallery=crowd, data=face_photo(5, variant=3), name="a", actor=SYSTEM)
    )
    assert known.sentence == "1 face: 1 identified."
    assert known.faces[0].identity and known.faces[0].identity.name == "Person 5"
    assert known.threshold.kind == "normalised"
    stranger = face_photo(9000)
    assert (
        "1 not in the database"
        in answer_of(identify(gallery=crowd, data=stranger, name="b", actor=SYSTEM)).sentence
    )
    new = create_identity(gallery=crowd, name="New", actor=SYSTEM)
    face = enroll_photo(gallery=crowd, identity=new, data=stranger, path="n.png", actor=SYSTEM)
    assert TemplateNorm.objects.filter(template__face=face, cohort=cohort).exists()
    again = answer_of(
        identify(gallery=crowd, data=face_photo(9000, variant=4), name="c", actor=SYSTEM)
    )
    assert again.faces[0].identity == new
    assert AuditEvent.objects.filter(action="scoring.change").count() == 1
    # Back to plain: kind and threshold change together again.
    normalised = crowd.default_threshold
    assert change(crowd, ScoreKind.RAW).state == JobState.SUCCEEDED
    assert crowd.score_kind == "raw" and crowd.default_threshold != normalised
    assert not Cohort.objects.filter(gallery=crowd).exists()


def test_a_gallery_that_shrinks_scores_plainly_and_says_so(crowd: Gallery) -> None:
    change(crowd, ScoreKind.NORMALISED)
    for identity in Identity.objects.filter(gallery=crowd)[: PEOPLE - COHORT_LEAST + 1]:
        erase_identity(identity=identity, actor=SYSTEM)
    scoring = scoring_of(crowd)
    assert scoring.kind == "raw"
    assert f"{COHORT_LEAST - 1} are left" in scoring.reason
    answer = answer_of(identify(gallery=crowd, data=face_photo(200), name="a", actor=SYSTEM))
    assert answer.threshold.kind == "raw"
    assert answer.faces[0].identity and answer.faces[0].identity.name == "Person 200"


def test_a_gallery_that_doubles_gets_a_new_cohort_by_job(crowd: Gallery) -> None:
    change(crowd, ScoreKind.NORMALISED)
    assert keep_current() == 0
    crowded_gallery(PEOPLE, first=PEOPLE, gallery=crowd)
    assert keep_current() == 1
    assert keep_current() == 0  # it waits already
    job = Job.objects.get(kind="recognition.scoring", state=JobState.QUEUED)
    run_here(job.pk)
    cohort = Cohort.objects.get(gallery=crowd)
    assert cohort.active and cohort.people == 2 * PEOPLE
    assert cohort.norms.count() == 2 * PEOPLE


def test_small_galleries_and_unknown_kinds_are_refused(
    fake_pipeline: FakePipeline, files: Path
) -> None:
    gallery = crowded_gallery(3)
    with pytest.raises(Conflict) as refusal:
        start_scoring(gallery=gallery, kind="normalised", actor=SYSTEM)
    assert refusal.value.code == "gallery_too_small"
    with pytest.raises(DomainError) as invalid:
        start_scoring(gallery=gallery, kind="magic", actor=SYSTEM)
    assert invalid.value.code == "score_kind_invalid"
    gallery.refresh_from_db()
    assert gallery.score_kind == "raw"


def test_an_ensemble_embeds_what_is_stored_and_what_comes(
    fake_pipeline: FakePipeline, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from recognition.services.galleries import create_gallery
    from recognition.services.model_versions import builtin_version
    from tests.factories import OrganizationFactory

    second = builtin_version("dlib-resnet")
    other = FakePipeline(digest=second.digest)
    other.embedder = SecondEmbedder()  # type: ignore[attr-defined]
    monkeypatch.setitem(pipelines.ready, "dlib-resnet", other)
    organization = OrganizationFactory.create()
    gallery = create_gallery(organization_id=organization.pk, name="Both", actor=SYSTEM)
    for person, name in ((1, "Ann"), (2, "Bob")):
        identity = create_identity(gallery=gallery, name=name, actor=SYSTEM)
        enroll_photo(
            gallery=gallery, identity=identity, data=face_photo(person), path=name, actor=SYSTEM
        )
    assert FaceTemplate.objects.filter(gallery=gallery).count() == 2
    job = change(gallery, ScoreKind.FUSED)
    assert job.state == JobState.SUCCEEDED, job.error_detail
    assert FaceTemplate.objects.filter(gallery=gallery, model_version=second).count() == 2
    identity = create_identity(gallery=gallery, name="Eve", actor=SYSTEM)
    enroll_photo(gallery=gallery, identity=identity, data=face_photo(3), path="e", actor=SYSTEM)
    assert FaceTemplate.objects.filter(gallery=gallery).count() == 6
    probe = identify(gallery=gallery, data=face_photo(3, variant=2), name="p", actor=SYSTEM)
    answer = answer_of(probe)
    assert answer.threshold.kind == "fused"
    made = decision_of(probe.faces.get())
    assert [network.version for network in made.networks] == [gallery.model_version, second]
    parts = made.candidates[0].components
    assert [part.model for part in parts] == [gallery.model_version.name, second.name]
    assert all(0.3 < part.score <= 1.0 for part in parts)
    assert answer.faces[0].identity == identity
    assert (
        "1 not in the database"
        in answer_of(
            identify(gallery=gallery, data=face_photo(4000), name="q", actor=SYSTEM)
        ).sentence
    )


def test_a_person_is_verified_by_the_gallery_s_kind_of_score(crowd: Gallery) -> None:
    change(crowd, ScoreKind.NORMALISED)
    person = Identity.objects.get(gallery=crowd, name="Person 7")
    data = face_photo(7, variant=2)
    made = verify_identity(identity=person, photo=PhotoInput(data, "gate.png"), actor=SYSTEM)
    answer = verification_answer(made)
    assert answer.threshold == nearest_threshold(scoring_of(crowd), anchors=1)
    assert (answer.threshold.kind, answer.threshold.rule) == ("normalised", "max")
    assert "of cohort-normalised scores" in answer.threshold.text
    probe = identify(gallery=crowd, data=data, name="gate.png", actor=SYSTEM)
    searched = answer_of(probe).faces[0]
    assert answer.faces[0].score == pytest.approx(searched.score, abs=1e-4)
    assert answer.faces[0].verdict == "same"
    plain = verify_identity(
        identity=person, photo=PhotoInput(data, "gate.png"), rule="mean", actor=SYSTEM
    )
    assert plain.threshold["kind"] == "raw"
    assert verification_answer(plain).faces[0].score == pytest.approx(
        float(vector(7) @ vector(7, 2)), abs=1e-3
    )


def test_more_images_need_a_higher_score(crowd: Gallery) -> None:
    change(crowd, ScoreKind.NORMALISED)
    scoring = scoring_of(crowd)
    values = [nearest_threshold(scoring, anchors=count).value for count in (1, 3, 10)]
    assert values == sorted(values) and values[0] < values[2]
