"""Errors by quality, by group, by size of the gallery, and of naming images."""

import numpy as np
import pytest
from django.test import Client

from faceplatform.core.actors import SYSTEM
from faceplatform.core.errors import DomainError
from recognition.models import FaceImage, Gallery, Identity
from recognition.selectors.embeddings import templates_of_faces
from tests.training.conftest import Run
from tests.training.test_protocols import freeze
from training.evaluation.report import Report
from training.evaluation.uncertainty import NotSupported, Rate
from training.models import SplitKind
from training.services.evaluations import Source, start_evaluation
from training.services.exports import named_report
from training.services.slices import MOST_PAIRS, mated_pairs

pytestmark = pytest.mark.django_db


def test_errors_against_discarded_images_of_each_measure(gallery: Gallery, run: Run) -> None:
    faces = list(gallery.faces.order_by("pk"))
    for number, face in enumerate(faces):
        face.quality = (number % 10) / 10
        face.quality_parts = {"sharpness": 0.5, "yaw": number - 90.0}
    FaceImage.objects.bulk_update(faces, ["quality", "quality_parts"])
    report = Report.from_dict(run(gallery).report["report"])
    curves = {curve.measure: curve for curve in report.discards}
    assert set(curves) == {"overall", "frontal (yaw)"}, "sharpness is the same everywhere"
    assert {curve.comparisons for curve in curves.values()} == {180}
    scores, same = scores_of(gallery)
    threshold = curves["overall"].threshold
    upper = np.triu(same, 1)
    assert curves["overall"].fnmr[0] == pytest.approx((scores[upper] < threshold).mean())
    quality = np.array([face.quality for face in faces])
    lower = np.minimum(quality[:, None], quality[None, :])[upper]
    share, left = curves["overall"].discarded[-1], curves["overall"].fnmr[-1]
    kept = np.argsort(lower, kind="stable")[round(share * 180) :]
    assert left == pytest.approx((scores[upper] < threshold)[kept].mean())


def scores_of(gallery: Gallery) -> tuple[np.ndarray, np.ndarray]:
    faces = list(gallery.faces.order_by("pk").values_list("pk", flat=True))
    found = templates_of_faces(faces, gallery.model_version)
    owners = np.array([str(owner) for owner in found.owners])
    return found.embeddings @ found.embeddings.T, owners[:, None] == owners[None, :]


def test_mated_pairs_are_all_pairs_of_each_person() -> None:
    first, second = mated_pairs(np.array([2, 0, 2, 1, 2, 0]), seed=0)
    assert set(zip(first.tolist(), second.tolist(), strict=True)) == {
        (0, 2),
        (0, 4),
        (2, 4),
        (1, 5),
    }
    many, _ = mated_pairs(np.zeros(1000, np.int64), seed=0)
    assert len(many) == MOST_PAIRS


def test_groups_have_figures_from_thirty_people_on(gallery: Gallery, run: Run) -> None:
    people = list(gallery.identities.order_by("pk"))
    for number, person in enumerate(people):
        person.metadata = {"sex": "f" if number < 40 else "m", "badge": number}
        person.tags = ["staff"] if number < 35 else []
    Identity.objects.bulk_update(people, ["metadata", "tags"])
    report = Report.from_dict(run(gallery).report["report"])
    groups = {group.group: group for group in report.groups}
    assert set(groups) == {"sex: f", "sex: m", "tag staff"}, "a badge describes one person"
    assert (groups["sex: f"].people, groups["tag staff"].people) == (40, 35)
    assert isinstance(groups["sex: m"].fnmr, NotSupported)
    assert groups["sex: m"].people == 20
    assert isinstance(groups["sex: f"].fnmr, Rate)
    assert groups["sex: f"].fnmr.trials == 40 * 3


def test_open_set_by_gallery_size(gallery: Gallery, run: Run) -> None:
    report = Report.from_dict(run(gallery, protocol="open_set").report["report"])
    assert report.identification is not None
    assert [size.people for size in report.identification.sizes] == [10, 30]


def test_naming_test_images_against_a_naive_loop(
    gallery: Gallery, run: Run, operator: Client
) -> None:
    dataset = freeze(gallery, SplitKind.STRATIFIED)
    evaluation = run(dataset=dataset, protocol="classification")
    found = Report.from_dict(evaluation.report["report"]).classification
    part = dict(dataset.items.values_list("face_id", "part"))
    faces = list(gallery.faces.order_by("pk").values_list("pk", flat=True))
    stored = templates_of_faces(faces, gallery.model_version)
    known = [row for row, face in enumerate(stored.faces) if part[face] == "train"]
    asked = [row for row, face in enumerate(stored.faces) if part[face] == "test"]
    right = sum(
        stored.owners[known[int(np.argmax(stored.embeddings[known] @ stored.embeddings[row]))]]
        == stored.owners[row]
        for row in asked
    )
    assert found is not None
    assert found.images == len(asked)
    assert found.accuracy.value == pytest.approx(right / len(asked))
    assert found.top_5 is not None
    assert found.top_5.value >= found.accuracy.value
    assert found.timing is None, "the photos have no files, so nothing could be timed"
    page = operator.get(f"/evaluations/{evaluation.pk}/").content.decode()
    assert "Naming test images" in page
    assert 'data-plot="confusion"' in page


def test_classes_are_stored_as_ids_and_shown_as_names(gallery: Gallery, run: Run) -> None:
    evaluation = run(dataset=freeze(gallery, SplitKind.STRATIFIED), protocol="classification")
    assert "Person" not in str(evaluation.report)
    names = {one.name for one in named_report(evaluation).classification.classes}
    assert names == set(gallery.identities.values_list("name", flat=True))
    gallery.identities.order_by("pk").first().delete()
    assert "erased" in {one.name for one in named_report(evaluation).classification.classes}


def test_naming_needs_a_split_with_everybody_in_every_part(gallery: Gallery) -> None:
    sources = [
        Source(gallery),
        Source(dataset=freeze(gallery, name="one")),
        Source(dataset=freeze(gallery, SplitKind.DISJOINT, name="two")),
    ]
    for source in sources:
        with pytest.raises(DomainError, match="split_missing"):
            start_evaluation(source=source, protocol="classification", actor=SYSTEM, ring=False)
