"""Two models on the same pairs, two evaluations on one page, and the file of pairs."""

import gzip
import io
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from django.test import Client

from faceplatform.accounts.roles import Role, Scope
from faceplatform.core.errors import DomainError
from recognition.models import FaceTemplate, Gallery, GalleryThreshold, ModelVersion
from tests.api.caller import Caller, refused
from tests.factories import ModelVersionFactory, make_key, make_member
from tests.training.conftest import Run
from tests.training.people import make_gallery, vectors
from training.evaluation.export import Selection
from training.evaluation.report import Report
from training.models import Evaluation
from training.services import pair_export

pytestmark = pytest.mark.django_db


@pytest.fixture
def second(gallery: Gallery) -> ModelVersion:
    """A model under which the people of the gallery are told apart a little worse."""
    version = ModelVersionFactory.create(organization=gallery.organization, name="Second model")
    rows = vectors(60, 3, noise=1.5)
    FaceTemplate.objects.bulk_create(
        FaceTemplate(
            organization=gallery.organization,
            gallery=gallery,
            face=face,
            model_version=version,
            dimension=rows.shape[1],
            embedding=row,
        )
        for face, row in zip(gallery.faces.order_by("pk"), rows, strict=True)
    )
    return version


def text(response: Any) -> str:
    content: str = response.content.decode()
    return content


def test_two_models_on_the_same_pairs(
    operator: Client, gallery: Gallery, run: Run, second: ModelVersion
) -> None:
    evaluation = run(gallery, protocol="models", other_version=second)
    report = Report.from_dict(evaluation.report["report"])
    found = report.models
    assert found is not None
    assert report.other_model == "Second model"
    assert found.second_eer > found.first_eer
    assert found.changed_total == found.mcnemar.only_first_right + found.mcnemar.only_second_right
    page = text(operator.get(f"/evaluations/{evaluation.pk}/"))
    assert "Pairs that Second model alone decides rightly" in page
    assert page.count('class="pair"') == sum(
        min(24, count)
        for count in (found.mcnemar.only_first_right, found.mcnemar.only_second_right)
    )
    assert "Two models on the same pairs" in page
    assert "McNemar" in page


def test_two_evaluations_side_by_side(
    operator: Client, gallery: Gallery, run: Run, second: ModelVersion
) -> None:
    one, two = run(gallery), run(gallery, model_version=second)
    report = text(operator.get(f"/evaluations/{one.pk}/"))
    assert f'<option value="{two.pk}">' in report
    page = operator.get("/evaluations/compare/", {"first": str(one.pk), "second": str(two.pk)})
    content = text(page)
    for name in ("scores", "det", "roc", "cmc", "open_set"):
        assert f'data-plot="{name}"' in content
    assert "Equal error rate" in content
    asked = f"?gallery={gallery.pk}&amp;protocol=models&amp;model={one.model_version_id}"
    assert asked in content
    form = text(operator.get(f"/evaluations/new/{asked.replace('&amp;', '&')}&other={second.pk}"))
    assert f'value="{second.pk}" selected' in form


def test_only_finished_evaluations_of_ones_own_are_compared(
    operator: Client, gallery: Gallery, run: Run
) -> None:
    own, foreign = run(gallery), run(make_gallery(people=30, images=3, seed=5))
    for query in (
        {"first": str(own.pk), "second": str(foreign.pk)},
        {"first": str(own.pk)},
        {"first": str(own.pk), "second": "nonsense"},
    ):
        assert operator.get("/evaluations/compare/", query).status_code == 404
    Evaluation.objects.filter(pk=own.pk).update(report=None)
    both = {"first": str(own.pk), "second": str(own.pk)}
    assert operator.get("/evaluations/compare/", both).status_code == 404


def test_the_file_of_pairs_holds_what_its_size_said(
    operator: Client, gallery: Gallery, run: Run
) -> None:
    evaluation = run(gallery)
    base = f"/evaluations/{evaluation.pk}/pairs/"
    assert "How large?" in text(operator.get(base))
    query = {"kind": "mated", "low": "-1", "high": "1", "file_format": "csv.gz"}
    page = text(operator.get(base, query))
    assert "180 pairs" in page
    sent: Any = operator.get(f"{base}file", query)
    lines = gzip.decompress(b"".join(sent.streaming_content)).decode().splitlines()
    assert lines[0] == "path1,path2,score,mated"
    assert len(lines) == 181
    first, other, score, mated = lines[1].split(",")
    assert (first.split("/")[0], mated) == (other.split("/")[0], "1")
    assert -1 <= float(score) <= 1
    assert operator.get(f"{base}file", {"kind": "x"}).status_code == 400


def test_pairs_through_the_api_and_into_a_file(
    gallery: Gallery, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluation = run(gallery)
    reader = Caller.key(make_key(gallery.organization, Scope.READ).secret)
    base = f"/api/v1/evaluations/{evaluation.pk}/pairs"
    size = reader.get(f"{base}/size?score_from=0.5").json()
    sent = reader.get(f"{base}?score_from=0.5&file_format=parquet")
    table = pq.read_table(io.BytesIO(b"".join(sent.streaming_content)))
    assert size["exact"]
    assert table.num_rows == size["pairs"] > 0
    assert min(table.column("score").to_pylist()) >= 0.5
    assert reader.get(f"{base}?pairs=some").status_code == 400
    monkeypatch.setattr(pair_export, "MOST_STREAMED", 10)
    refused(reader.get(base), 422, "export_too_large")
    path, what = tmp_path / "scores.parquet", pair_export.compared(evaluation)
    assert pair_export.write_file(path, what, Selection(), "parquet") == 180 * 179 // 2
    assert pq.read_table(path).num_rows == 180 * 179 // 2
    with pytest.raises(DomainError, match="file_unwritable"):
        pair_export.write_file(tmp_path / "no" / "where.csv.gz", what, Selection(), "csv.gz")


def test_sizes_of_large_galleries_are_estimated(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = vectors(100, 3)
    people = tuple(str(row // 3) for row in range(300))
    what = pair_export.Compared(rows, people, tuple(f"{row}.png" for row in range(300)))
    whole = pair_export.told_size(what, Selection(), "csv.gz")
    monkeypatch.setattr(pair_export, "_SAMPLE", 150)
    drawn = pair_export.told_size(what, Selection(), "csv.gz")
    assert (whole.exact, drawn.exact) == (True, False)
    assert whole.pairs == drawn.pairs == 300 * 299 // 2
    assert np.isclose(drawn.bytes, whole.bytes, rtol=0.2)


def test_a_key_that_evaluates_starts_stops_and_applies(gallery: Gallery, run: Run) -> None:
    done = run(gallery)
    caller = Caller.key(make_key(gallery.organization, Scope.EVALUATE, Scope.READ).secret)
    body = {"gallery_id": str(gallery.pk), "protocol": "open_set"}
    started = caller.post("/api/v1/evaluations", body)
    assert started.status_code == 202
    base = f"/api/v1/evaluations/{started.json()['id']}"
    stopped = caller.post(f"{base}/cancel")
    assert (stopped.status_code, stopped.json()["job"]["state"]) == (202, "cancelled")
    refused(caller.post(f"{base}/cancel"), 409, "evaluation_over")
    threshold = {"evaluation_id": str(done.pk), "target": "fpir", "rate": 0.05}
    address = f"/api/v1/galleries/{gallery.pk}/threshold"
    applied = caller.client.put(address, threshold, content_type="application/json")
    assert applied.status_code == 200
    assert GalleryThreshold.objects.get(gallery=gallery, active=True).evaluation == done.pk
    refused(caller.delete(base), 403, "not_allowed")
    reader = Caller.key(make_key(gallery.organization, Scope.READ).secret)
    refused(reader.post("/api/v1/evaluations", body), 403, "not_allowed")


def test_viewers_see_the_pairs_and_start_nothing(gallery: Gallery, run: Run) -> None:
    viewer = Client()
    viewer.force_login(make_member(gallery.organization, Role.VIEWER))
    evaluation = run(gallery)
    assert viewer.get(f"/evaluations/{evaluation.pk}/pairs/").status_code == 200
    assert viewer.get("/evaluations/new/").status_code == 403
