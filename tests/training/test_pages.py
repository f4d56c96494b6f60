"""Pages of evaluations and datasets: what they offer, refuse and lead to."""

import io
import zipfile
from typing import Any

import pytest
from django.test import Client

from faceplatform.accounts.roles import Role
from recognition.models import FaceImage, FaceState, Gallery, GalleryThreshold
from tests.factories import make_member
from tests.training.conftest import Run
from tests.training.people import make_gallery
from training.models import Dataset, Evaluation

pytestmark = pytest.mark.django_db


def text(response: object) -> str:
    return response.content.decode()  # type: ignore[attr-defined]


def test_an_evaluation_is_started_from_the_gallery(operator: Client, gallery: Gallery) -> None:
    assert f"/evaluations/new/?gallery={gallery.pk}" in text(
        operator.get(f"/galleries/{gallery.pk}/")
    )
    page = operator.get(f"/evaluations/new/?gallery={gallery.pk}")
    assert f'value="gallery:{gallery.pk}" selected' in text(page)
    response = operator.post(
        "/evaluations/new/", {"source": f"gallery:{gallery.pk}", "protocol": "all_pairs"}
    )
    evaluation = Evaluation.objects.get()
    assert response["Location"] == f"/evaluations/{evaluation.pk}/"
    assert "Waiting for a worker" in text(operator.get(response["Location"]))


def test_the_report_page_has_words_plots_pairs_and_rates(
    operator: Client, gallery: Gallery, run: Run
) -> None:
    evaluation = run(gallery)
    page = operator.get(f"/evaluations/{evaluation.pk}/")
    content = text(page)
    assert evaluation.report["headline"] in content
    for name in ("scores", "det", "roc", "cmc", "open_set"):
        assert f'data-plot="{name}"' in content
    assert content.count('class="pair"') == 72
    assert "1 stranger in 20" in content
    assert "unsafe-inline" in page.headers["Content-Security-Policy"]
    assert "unsafe-inline" not in operator.get("/evaluations/").headers["Content-Security-Policy"]


def test_a_threshold_is_applied_shown_and_taken_back(
    operator: Client, gallery: Gallery, run: Run
) -> None:
    evaluation = run(gallery)
    response = operator.post(f"/evaluations/{evaluation.pk}/apply/", {"choice": "fpir:0.05"})
    assert response["Location"] == f"/galleries/{gallery.pk}/#trust"
    page = text(operator.get(f"/galleries/{gallery.pk}/"))
    assert "From the evaluation of" in page
    assert f"/evaluations/{evaluation.pk}/" in page
    assert "is-chosen" in text(operator.get(f"/evaluations/{evaluation.pk}/"))
    refused = operator.post(f"/evaluations/{evaluation.pk}/delete/")
    assert refused.status_code == 409
    operator.post(f"/galleries/{gallery.pk}/threshold/reset/")
    assert "Default, not evaluated" in text(operator.get(f"/galleries/{gallery.pk}/"))


@pytest.mark.parametrize("choice", ["", "fpir:1e-9", "fpir:x", "far:0.01", "fpir:...."])
def test_rates_that_nobody_offered_are_refused(
    operator: Client, gallery: Gallery, run: Run, choice: str
) -> None:
    evaluation = run(gallery)
    response = operator.post(f"/evaluations/{evaluation.pk}/apply/", {"choice": choice})
    assert response.status_code == 400
    assert "target_invalid" in text(response)
    assert not GalleryThreshold.objects.exists()


def test_a_wrong_label_goes_to_review(operator: Client, gallery: Gallery, run: Run) -> None:
    evaluation = run(gallery)
    face = FaceImage.objects.filter(gallery=gallery).first()
    address = f"/evaluations/{evaluation.pk}/label/"
    assert operator.post(address, {"face": str(face.pk)}).status_code == 302
    face.refresh_from_db()
    assert (face.state, face.reason) == (FaceState.QUARANTINED, "label_doubted")
    assert not face.templates.filter(searchable=True).exists()
    assert operator.post(address, {"face": str(face.pk)}).status_code == 409
    foreign = FaceImage.objects.filter(gallery=make_gallery(people=2, images=1, seed=2)).first()
    assert operator.post(address, {"face": str(foreign.pk)}).status_code == 404


def test_reports_leave_as_files(operator: Client, gallery: Gallery, run: Run) -> None:
    evaluation = run(gallery)
    base = f"/evaluations/{evaluation.pk}"
    assert operator.get(f"{base}/report.pdf").content.startswith(b"%PDF")
    assert operator.get(f"{base}/report.json").json()["evaluation"] == str(evaluation.pk)
    for path, endings in (("report.csv.zip", {"csv"}), ("figures.zip", {"svg", "png"})):
        archive = zipfile.ZipFile(io.BytesIO(operator.get(f"{base}/{path}").content))
        assert {name.rpartition(".")[2] for name in archive.namelist()} == endings


def test_files_of_an_unfinished_evaluation_are_refused(operator: Client, gallery: Gallery) -> None:
    operator.post("/evaluations/new/", {"source": f"gallery:{gallery.pk}", "protocol": "all_pairs"})
    evaluation = Evaluation.objects.get()
    response = operator.get(f"/evaluations/{evaluation.pk}/report.pdf")
    assert response.status_code == 409
    assert "evaluation_unfinished" in text(response)


def test_viewers_read_and_change_nothing(gallery: Gallery, run: Run) -> None:
    evaluation = run(gallery)
    viewer = Client()
    viewer.force_login(make_member(gallery.organization, Role.VIEWER))
    page = text(viewer.get(f"/evaluations/{evaluation.pk}/"))
    assert "Apply to" not in page
    assert "is wrong" not in page
    assert (
        viewer.post(f"/evaluations/{evaluation.pk}/apply/", {"choice": "fpir:0.05"}).status_code
        == 403
    )


def test_a_dataset_is_frozen_and_shown(operator: Client, gallery: Gallery) -> None:
    response = operator.post(
        "/datasets/new/",
        {"name": "Half", "galleries": [str(gallery.pk)], "min_images": 1, "input_kind": "photo",
         "split_kind": "disjoint", "train": 50, "val": 0, "test": 50, "seed": 1},
    )  # fmt: skip
    dataset = Dataset.objects.get()
    assert response["Location"] == f"/datasets/{dataset.pk}/"
    page = text(operator.get(response["Location"]))
    assert "180" in page
    assert "every person in one part only" in page
    streamed: Any = operator.get(f"/datasets/{dataset.pk}/manifest.csv")
    lines = b"".join(streamed.streaming_content)
    assert len(lines.splitlines()) == 181
    taken = {"name": "Half", "galleries": [str(gallery.pk)], "min_images": 1,
             "input_kind": "photo", "split_kind": "none"}  # fmt: skip
    again = operator.post("/datasets/new/", taken)
    assert again.status_code == 422
    assert "dataset_exists" in text(again)
