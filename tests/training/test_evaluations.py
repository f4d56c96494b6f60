"""An evaluation from its start to the answers that rest on it."""

import numpy as np
import pytest

from faceplatform.core.actors import SYSTEM
from faceplatform.core.errors import Conflict, DomainError
from recognition.models import FaceTemplate, Gallery, GalleryThreshold
from recognition.selectors.embeddings import templates_of_faces
from recognition.selectors.evaluated import evidence_of
from recognition.selectors.thresholds import stranger_sentence, threshold_of
from recognition.services.thresholds import reset_threshold
from tests.factories import GalleryFactory, IdentityFactory
from tests.training.conftest import Run
from tests.training.people import QuietContext, make_gallery
from training.evaluation.report import Report
from training.models import Evaluation
from training.services.applying import apply_evaluation
from training.services.evaluations import Source, delete_evaluation, start_evaluation
from training.services.runs import run_evaluation

pytestmark = pytest.mark.django_db


def scores(gallery: Gallery) -> tuple[np.ndarray, np.ndarray]:
    """Return all scores of the gallery with itself, naively, and whether of one person."""
    faces = list(gallery.faces.order_by("pk").values_list("pk", flat=True))
    found = templates_of_faces(faces, gallery.model_version)
    owners = np.array([str(owner) for owner in found.owners])
    return found.embeddings @ found.embeddings.T, owners[:, None] == owners[None, :]


def test_the_report_counts_what_a_naive_loop_counts(gallery: Gallery, run: Run) -> None:
    stored = run(gallery).report
    report = Report.from_dict(stored["report"])
    matrix, same = scores(gallery)
    upper = np.triu(np.ones_like(same), 1)
    assert (report.subject.images, report.subject.identities) == (180, 60)
    assert report.verification.mated == int((same & upper).sum())
    assert report.verification.nonmated == int((~same & upper).sum())
    others = np.where(same, -1, matrix).max(axis=1)
    own = np.where(same & ~np.eye(180, dtype=bool), matrix, -1).max(axis=1)
    choice = next(c for c in stored["choices"] if (c["target"], c["rate"]) == ("fpir", 0.05))
    assert choice["fpir"] == pytest.approx((others >= choice["threshold"]).mean())
    hits = (own > others) & (own >= choice["threshold"])
    assert choice["misses"] == pytest.approx((~hits).mean())
    assert sum(stored["strangers"]["counts"]) == 180


def test_the_hardest_pairs_are_the_hardest(gallery: Gallery, run: Run) -> None:
    report = Report.from_dict(run(gallery).report["report"])
    matrix, same = scores(gallery)
    upper = np.triu(np.ones_like(same, bool), 1)
    worst = matrix[~same & upper].max(), matrix[same & upper].min()
    assert report.hardest_nonmated[0].score == pytest.approx(worst[0], abs=1e-4)
    assert report.hardest_mated[0].score == pytest.approx(worst[1], abs=1e-4)


def test_the_report_holds_no_name_and_no_path(gallery: Gallery, run: Run) -> None:
    assert "Person" not in str(run(gallery).report)


def test_an_applied_threshold_is_what_the_gallery_decides_by(gallery: Gallery, run: Run) -> None:
    evaluation = run(gallery)
    row = apply_evaluation(evaluation=evaluation, target="fpir", rate=0.05, actor=SYSTEM)
    info = threshold_of(gallery)
    assert (info.value, info.source, info.threshold_id) == (row.value, "evaluation", str(row.pk))
    assert "from the evaluation of" in info.text
    assert evidence_of(gallery).warnings == ()
    others = np.where(scores(gallery)[1], -1, scores(gallery)[0]).max(axis=1)
    share = float((others >= row.value).mean())
    assert stranger_sentence(gallery, row.value, info) in {
        f"about 1 in {n} strangers score this high" for n in (int(1 / share), round(1 / share), 20)
    }
    assert stranger_sentence(gallery, 1.0, info) == "fewer than 1 in 60 strangers score this high"


def test_answers_keep_the_evidence_they_were_given_with(gallery: Gallery, run: Run) -> None:
    evaluation = run(gallery)
    first = apply_evaluation(evaluation=evaluation, target="fpir", rate=0.05, actor=SYSTEM)
    before = threshold_of(gallery)
    apply_evaluation(evaluation=evaluation, target="fpir", rate=0.1, actor=SYSTEM)
    assert GalleryThreshold.objects.filter(gallery=gallery, active=True).count() == 1
    assert GalleryThreshold.objects.filter(pk=first.pk).exists()
    assert threshold_of(gallery).value < before.value
    assert "strangers score this high" in stranger_sentence(gallery, 0.5, before)


def test_the_gallery_says_when_it_has_changed_since(gallery: Gallery, run: Run) -> None:
    apply_evaluation(evaluation=run(gallery), target="fpir", rate=0.05, actor=SYSTEM)
    template = FaceTemplate.objects.filter(gallery=gallery).first()
    FaceTemplate.objects.filter(pk=template.pk).update(searchable=False)
    assert "180 searchable images then and has 179 now" in evidence_of(gallery).warnings[0]
    FaceTemplate.objects.filter(pk=template.pk).update(searchable=True)
    assert evidence_of(gallery).warnings == ()
    template.face.identity = IdentityFactory.create(gallery=gallery)
    template.face.save()
    assert "have changed since" in evidence_of(gallery).warnings[0]


def test_the_default_comes_back(gallery: Gallery, run: Run) -> None:
    apply_evaluation(evaluation=run(gallery), target="fpir", rate=0.05, actor=SYSTEM)
    reset_threshold(gallery=gallery, actor=SYSTEM)
    assert threshold_of(gallery).source == "default"
    with pytest.raises(Conflict, match="threshold_default"):
        reset_threshold(gallery=gallery, actor=SYSTEM)


def test_a_rate_that_was_not_measured_is_refused(gallery: Gallery, run: Run) -> None:
    evaluation = run(gallery)
    with pytest.raises(DomainError, match="target_invalid"):
        apply_evaluation(evaluation=evaluation, target="fpir", rate=1e-4, actor=SYSTEM)
    assert not GalleryThreshold.objects.exists()


def test_one_person_cannot_be_measured() -> None:
    gallery = make_gallery(people=1, images=3)
    with pytest.raises(DomainError, match="too_few_people"):
        start_evaluation(source=Source(gallery), protocol="all_pairs", actor=SYSTEM, ring=False)
    assert not Evaluation.objects.exists()


def test_people_with_one_image_each_give_a_clear_refusal() -> None:
    gallery = make_gallery(people=5, images=1)
    made = start_evaluation(source=Source(gallery), protocol="all_pairs", actor=SYSTEM, ring=False)
    with pytest.raises(DomainError, match="one_kind"):
        run_evaluation(QuietContext(made))


def test_the_same_work_does_not_run_twice(gallery: Gallery) -> None:
    start_evaluation(source=Source(gallery), protocol="all_pairs", actor=SYSTEM, ring=False)
    with pytest.raises(Conflict, match="already_running"):
        start_evaluation(source=Source(gallery), protocol="all_pairs", actor=SYSTEM, ring=False)


def test_an_evaluation_stays_while_a_gallery_decides_by_it(gallery: Gallery, run: Run) -> None:
    evaluation = run(gallery)
    apply_evaluation(evaluation=evaluation, target="fpir", rate=0.05, actor=SYSTEM)
    with pytest.raises(Conflict, match="evaluation_in_use"):
        delete_evaluation(evaluation=evaluation, actor=SYSTEM)
    reset_threshold(gallery=gallery, actor=SYSTEM)
    delete_evaluation(evaluation=evaluation, actor=SYSTEM)
    assert not Evaluation.objects.exists()


def test_protocol_and_seed_are_checked() -> None:
    gallery = GalleryFactory.create()
    with pytest.raises(DomainError, match="protocol_unknown"):
        start_evaluation(source=Source(gallery), protocol="guess", actor=SYSTEM)
    with pytest.raises(DomainError, match="seed_invalid"):
        start_evaluation(source=Source(gallery), protocol="all_pairs", seed=-1, actor=SYSTEM)


def test_a_gallery_of_another_kind_of_score_takes_no_raw_threshold(
    gallery: Gallery, run: Run
) -> None:
    evaluation = run(gallery)
    Gallery.objects.filter(pk=gallery.pk).update(score_kind="normalised")
    with pytest.raises(Conflict, match="score_kind_differs"):
        apply_evaluation(evaluation=evaluation, target="fpir", rate=0.05, actor=SYSTEM)
    assert not GalleryThreshold.objects.exists()
