"""Training runs from a dataset to a gallery that answers with what they made, and back."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.test import Client

from faceplatform.core.actors import SYSTEM
from faceplatform.core.errors import Conflict, DomainError
from faceplatform.core.jobs import JobCancelled
from faceplatform.core.models import Job, JobState
from recognition.models import FaceImage, FaceTemplate, Gallery, ModelVersion, TrainedHead
from recognition.selectors.embeddings import templates_of_faces
from recognition.selectors.thresholds import threshold_of
from recognition.selectors.verification_thresholds import person_threshold
from recognition.services.promotion import (
    clean_up,
    earlier_versions,
    run_promotion,
    start_promotion,
)
from recognition.services.vision import analyse_images, get_pipeline, read_photo
from recognition.vision.heads import Head
from tests.fakes import FakePipeline, embedding_of, face_photo
from tests.training.people import QuietContext, make_gallery
from training.models import Dataset, SplitKind, TrainingRun
from training.services import run_files
from training.services.datasets import Filters, Split, freeze_dataset
from training.services.training import Wanted, delete_run, resume_run, start_run
from training.services.training_job import run_training

SMALL = {"epochs": 2, "features": 16, "batch": 64, "validation": 0.2}
Freeze = Callable[..., Dataset]


class Context(QuietContext):
    """A job that nobody watches, of somebody."""

    def __init__(self, row: Any, *, cancel_after: int = 10**9) -> None:
        super().__init__(row)
        self.actor = SYSTEM
        self.left = cancel_after

    def check(self) -> None:
        """Be cancelled after so many steps."""
        self.left -= 1
        if self.left < 0:
            raise JobCancelled


class JobRow:
    """What `QuietContext` reads of a row, for a job without one."""

    def __init__(self, job: Job) -> None:
        self.job = job


@pytest.fixture(autouse=True)
def var(tmp_path: Path, settings: Any) -> Path:
    settings.VAR = tmp_path
    return tmp_path


@pytest.fixture
def gallery(db: None, fake_pipeline: FakePipeline) -> Gallery:
    return make_gallery(people=60, images=4)


@pytest.fixture
def freeze(gallery: Gallery) -> Freeze:
    def make(kind: SplitKind = SplitKind.DISJOINT, **filters: Any) -> Dataset:
        return freeze_dataset(
            name=f"{kind.label} {len(filters)}",
            galleries=[gallery],
            filters=Filters(**filters),
            split=Split(kind, {"train": 60, "test": 40}, 1),
            actor=SYSTEM,
            ring=False,
        )

    return make


def start(dataset: Dataset, recipe: str = "metric", **settings: Any) -> TrainingRun:
    return start_run(
        dataset=dataset, wanted=Wanted(recipe, settings or SMALL), actor=SYSTEM, ring=False
    )


def finish(run: TrainingRun) -> TrainingRun:
    outcome = run_training(Context(run))
    assert run.job_id is not None
    Job.objects.filter(pk=run.job_id).update(state=JobState.SUCCEEDED, result=outcome)
    return TrainingRun.objects.select_related("job", "version").get(pk=run.pk)


def promote(gallery: Gallery, version: ModelVersion) -> Gallery:
    job = start_promotion(gallery=gallery, version=version, actor=SYSTEM, ring=False)
    run_promotion(Context(JobRow(job)))
    Job.objects.filter(pk=job.pk).update(state=JobState.SUCCEEDED)
    return Gallery.objects.select_related("model_version").get(pk=gallery.pk)


def test_a_run_leaves_figures_files_and_a_version(freeze: Freeze) -> None:
    run = finish(start(freeze()))
    assert run.result is not None
    assert {"eer", "component_1_eer"} <= run.result["figures"].keys()
    assert [row["epoch"] for row in run.history] == [1, 2]
    names = dict(run_files.list_files(run.pk))
    assert {"best.safetensors", "config.json", "environment.json", "history.csv"} <= names.keys()
    assert run.environment["dataset_digest"] == run.dataset_digest
    assert run.version is not None
    assert run.version.dimension == 16
    card = run.version.specification
    assert card["components"] == ["facenet-casia"]
    assert card["run"] == str(run.pk)
    assert "Person" not in str(run.result) + str(card)


def test_a_classifier_names_people_and_its_strangers_are_strangers(
    gallery: Gallery, freeze: Freeze
) -> None:
    make_gallery(gallery, people=80, images=2, seed=2)
    run = finish(start(freeze(SplitKind.STRATIFIED, min_images=4), "classifier", **SMALL))
    assert run.result is not None
    assert run.result["figures"]["accuracy"] >= run.result["baseline"]["accuracy"] - 0.1
    assert len(run.result["matrix"]) == 60
    confusion = run_files.find_file(run.pk, "confusion.csv")
    assert confusion is not None
    rows = list(csv.reader(confusion.open()))
    assert sum(int(cell) for row in rows[1:] for cell in row[1:]) == run.result["images"]["test"]
    assert run.version is not None
    assert "strangers from 80 people who are not in it" in run.version.specification["calibration"]


def test_a_cancelled_run_goes_on_where_it_stopped(freeze: Freeze) -> None:
    dataset = freeze()
    whole = finish(start(dataset))
    run = start(dataset)
    with pytest.raises(JobCancelled):
        run_training(Context(run, cancel_after=3))
    assert run.job_id is not None
    Job.objects.filter(pk=run.job_id).update(state=JobState.CANCELLED)
    assert TrainingRun.objects.get(pk=run.pk).result is None
    run = finish(resume_run(run=run, actor=SYSTEM, ring=False))
    # Bit for bit the same head is the same version.
    assert run.version == whole.version
    with pytest.raises(Conflict, match="run_finished"):
        resume_run(run=run, actor=SYSTEM)


def test_a_gallery_gets_the_version_and_goes_back(gallery: Gallery, freeze: Freeze) -> None:
    run = finish(start(freeze()))
    assert run.version is not None
    before = gallery.model_version
    old = threshold_of(gallery)
    gallery = promote(gallery, run.version)
    assert gallery.model_version == run.version
    faces = list(FaceImage.objects.filter(gallery=gallery).values_list("pk", flat=True))
    first, mapped = (templates_of_faces(faces, one) for one in (before, run.version))
    head = Head.from_bytes(bytes(TrainedHead.objects.get(version=run.version).content))
    cosines = (head.apply(first.embeddings) * mapped.embeddings).sum(axis=1)
    assert len(cosines) == 240
    assert cosines.min() > 0.999
    assert threshold_of(gallery).value != old.value
    assert threshold_of(gallery).value == gallery.default_threshold
    assert earlier_versions(gallery) == [before]
    gallery = promote(gallery, before)
    assert gallery.model_version == before
    assert threshold_of(gallery).value == old.value
    assert clean_up(gallery=gallery, version=run.version, actor=SYSTEM) == 240
    with pytest.raises(Conflict, match="model_active"):
        clean_up(gallery=gallery, version=before, actor=SYSTEM)
    assert FaceTemplate.objects.filter(gallery=gallery).count() == 240


def test_a_trained_pipeline_maps_what_its_component_says(freeze: Freeze) -> None:
    run = finish(start(freeze()))
    assert run.version is not None
    image = read_photo(face_photo(7, 8))
    faces = analyse_images([image], version=run.version)[0]
    head = Head.from_bytes(bytes(run.version.head.content))
    expected = head.apply(np.stack([embedding_of(7), embedding_of(8)]))
    found = np.stack([face.embedding for face in faces if face.embedding is not None])
    assert found == pytest.approx(expected, abs=1e-5)
    assert get_pipeline(run.version).version.digest == run.version.digest


def test_a_photo_that_was_embedded_before_the_switch_is_refused_after(
    gallery: Gallery, freeze: Freeze
) -> None:
    from recognition.models import Identity
    from recognition.services.enrollment import enroll_photo

    run = finish(start(freeze()))
    assert run.version is not None
    stale = Gallery.objects.select_related("model_version").get(pk=gallery.pk)
    identity = Identity.objects.filter(gallery=gallery).first()
    promote(gallery, run.version)
    assert identity is not None
    with pytest.raises(Conflict, match="model_changed"):
        enroll_photo(
            gallery=stale, identity=identity, data=face_photo(9), path="9.png", actor=SYSTEM
        )
    assert not gallery.faces.filter(path="9.png").exists()


def test_comparing_with_several_images_is_cautious_and_says_so(freeze: Freeze) -> None:
    run = finish(start(freeze()))
    assert run.version is not None
    one, five = (person_threshold(run.version, anchors=count, fmr=0.01) for count in (1, 5))
    assert five.value > one.value
    assert not five.supported
    assert "too few comparisons to vouch for it" in five.text


def test_a_version_of_another_organization_is_not_there(freeze: Freeze) -> None:
    run = finish(start(freeze()))
    assert run.version is not None
    other = make_gallery(people=3, images=2, seed=3)
    with pytest.raises(DomainError, match="model_unknown"):
        start_promotion(gallery=other, version=run.version, actor=SYSTEM, ring=False)


def test_too_few_strangers_give_no_version(freeze: Freeze) -> None:
    run = finish(start(freeze(SplitKind.DISJOINT, max_images=2)))
    assert run.version is None
    assert run.result is not None
    assert "thresholds need 3,000" in run.result["no_version"]


@pytest.mark.parametrize(
    ("recipe", "given", "code"),
    [
        ("guess", {}, "recipe_unknown"),
        ("metric", {"epoch": 1}, "setting_unknown"),
        ("metric", {"epochs": 0}, "setting_invalid"),
        ("stacking", {}, "too_few_models"),
    ],
)
def test_bad_requests_are_refused(
    freeze: Freeze, recipe: str, given: dict[str, Any], code: str
) -> None:
    with pytest.raises(DomainError, match=code):
        start_run(dataset=freeze(), wanted=Wanted(recipe, given), actor=SYSTEM, ring=False)
    assert not TrainingRun.objects.exists()


def test_a_dataset_without_a_split_cannot_train(freeze: Freeze) -> None:
    with pytest.raises(DomainError, match="dataset_unsplit"):
        start(freeze(SplitKind.NONE))


def test_deleting_a_run_deletes_its_files(
    freeze: Freeze, django_capture_on_commit_callbacks: Any
) -> None:
    run = finish(start(freeze()))
    version = run.version
    with django_capture_on_commit_callbacks(execute=True):
        delete_run(run=run, actor=SYSTEM)
    assert not run_files.folder_of(run.pk).exists()
    assert version is not None
    assert ModelVersion.objects.filter(pk=version.pk).exists()


def test_the_pages_lead_from_the_dataset_to_the_gallery(
    operator: Client, gallery: Gallery, freeze: Freeze
) -> None:
    dataset = freeze()
    page = operator.get(f"/datasets/{dataset.pk}/").content.decode()
    assert f"/training/new/?dataset={dataset.pk}" in page
    page = operator.get(f"/training/new/?dataset={dataset.pk}&recipe=metric").content.decode()
    assert "With these settings on" in page
    refused = operator.post(
        "/training/new/?recipe=metric", {"dataset": dataset.pk, "set_epochs": "0"}
    )
    assert refused.status_code == 422
    form = operator.get(f"/training/new/?dataset={dataset.pk}&recipe=metric").context["form"]
    values = {name: form[name].value() for name in form.fields}
    given = {
        key: value for key, value in values.items() if value is not None and value is not False
    }
    given |= {f"set_{key}": value for key, value in SMALL.items()} | {"dataset": dataset.pk}
    response = operator.post("/training/new/?recipe=metric", given)
    assert response.status_code == 302, response.context["form"].errors
    run = TrainingRun.objects.get()
    assert response["Location"] == f"/training/{run.pk}/"
    waiting = operator.get(response["Location"]).content.decode()
    assert f"/training/{run.pk}/live/" in waiting
    run = finish(run)
    page = operator.get(f"/training/{run.pk}/").content.decode()
    assert "component_1_eer" in page
    assert "<polyline" in page
    assert f"/galleries/{gallery.pk}/model/" in page
    assert f"/training/{run.pk}/live/" not in page
    model = operator.get(f"/galleries/{gallery.pk}/model/").content.decode()
    assert run.name in model
    assert operator.get(f"/training/{run.pk}/curves.png").content.startswith(b"\x89PNG")
    sent = operator.get(f"/training/{run.pk}/files/history.csv")
    assert b"".join(sent).startswith(b"epoch,")
    for name in ("..%2f..%2fsecrets", ".hidden", "nothing.csv"):
        assert operator.get(f"/training/{run.pk}/files/{name}").status_code == 404
    clone = operator.get(f"/training/new/?clone={run.pk}").content.decode()
    assert 'value="16"' in clone
    both = operator.get(f"/training/compare/?run={run.pk}&run=nonsense").content.decode()
    assert "component_1_eer" in both
