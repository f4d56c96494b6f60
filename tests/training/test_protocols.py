"""Protocols beside all-pairs, datasets with their splits and leaks, files of pairs, the command."""

import io
import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from django.core.management import call_command

from faceplatform.core.actors import SYSTEM
from faceplatform.core.errors import DomainError
from recognition.models import Gallery
from tests.fakes import FakePipeline, face_photo
from tests.training.conftest import Run
from tests.training.people import QuietContext, make_gallery
from training.evaluation.report import Report
from training.models import Dataset, SplitKind
from training.selectors.manifests import digest_of, manifest_parquet, manifest_rows
from training.services.datasets import Filters, Split, freeze_dataset
from training.services.evaluations import PairsFile
from training.services.leaks import run_check
from training.services.pair_files import parse_pairs

pytestmark = pytest.mark.django_db


def freeze(gallery: Gallery, kind: SplitKind = SplitKind.NONE, **more: Any) -> Dataset:
    options: dict[str, Any] = {
        "name": "Frozen",
        "galleries": [gallery],
        "filters": Filters(),
        "split": Split(kind, {"train": 1, "test": 1}, 3),
        "actor": SYSTEM,
        "ring": False,
    }
    return freeze_dataset(**(options | more))


def test_open_set_asks_five_rules(gallery: Gallery, run: Run) -> None:
    report = Report.from_dict(run(gallery, protocol="open_set").report["report"])
    assert len(report.identification.rules) == 5
    assert report.identification.gallery_people == 30
    assert report.identification.nonmated_searches == 30


def test_balanced_pairs_are_the_same_for_the_same_seed(gallery: Gallery, run: Run) -> None:
    first, again, other = (
        run(gallery, protocol="balanced", seed=seed).report["report"] for seed in (1, 1, 2)
    )
    assert first["verification"]["mated"] == first["verification"]["nonmated"] == 180
    assert first["verification"] == again["verification"]
    assert first["verification"] != other["verification"]


def test_pairs_of_a_file_by_path_and_id(gallery: Gallery, run: Run) -> None:
    faces = list(gallery.faces.order_by("path"))
    lines = ["first,second,mated"]
    lines += [f"{faces[i].path},{faces[i + 1].pk},mated" for i in range(0, 30, 3)]
    lines += [f"{faces[i].path},{faces[i + 3].path},0" for i in range(0, 30, 3)]
    pairs = PairsFile("pairs.csv", "\n".join(lines).encode())
    report = Report.from_dict(run(gallery, protocol="pairs", pairs=pairs).report["report"])
    assert (report.verification.mated, report.verification.nonmated) == (10, 10)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b"", "pairs_unreadable"),
        (b"\xff\xfe", "pairs_unreadable"),
        (b"a,b,maybe\nc,d,maybe\n", "pairs_unreadable"),
        (b"a,b\nc,d\n", "pairs_unreadable"),
        (b"a,b,mated\nc,d,nonmated\n", "pairs_unknown"),
    ],
)
def test_bad_files_of_pairs_are_refused(gallery: Gallery, run: Run, text: bytes, code: str) -> None:
    with pytest.raises(DomainError, match=code):
        run(gallery, protocol="pairs", pairs=PairsFile("pairs.csv", text))


def test_a_head_and_empty_lines_are_no_pairs() -> None:
    lines = parse_pairs(b"\xef\xbb\xbffirst,second,mated\n\n a , b ,YES\nc,d,different\n")
    assert [(line.first, line.second, line.mated) for line in lines] == [
        ("a", "b", True),
        ("c", "d", False),
    ]


def test_a_disjoint_split_has_every_person_in_one_part(gallery: Gallery, run: Run) -> None:
    dataset = freeze(gallery, SplitKind.DISJOINT)
    parts: dict[str, set[str]] = {"train": set(), "test": set()}
    for row in manifest_rows(dataset):
        parts[row.part].add(row.identity_id)
    assert len(parts["train"]) == len(parts["test"]) == 30
    assert parts["train"].isdisjoint(parts["test"])
    evaluation = run(dataset=dataset, part="test")
    assert evaluation.report["report"]["subject"]["images"] == 90


def test_the_digest_tells_datasets_apart(gallery: Gallery) -> None:
    first = freeze(gallery, name="one")
    same = freeze(gallery, name="two")
    other = freeze(gallery, SplitKind.STRATIFIED, name="three")
    assert first.digest == same.digest == digest_of(first)
    assert first.digest != other.digest


def test_the_parquet_manifest_holds_what_the_rows_hold(gallery: Gallery) -> None:
    dataset = freeze(gallery)
    table = pq.read_table(io.BytesIO(b"".join(manifest_parquet(dataset))))
    assert table.num_rows == 180
    assert set(table.column("identity_id").to_pylist()) == {
        row.identity_id for row in manifest_rows(dataset)
    }


def test_leaks_between_parts_are_found(gallery: Gallery) -> None:
    twin = make_gallery(people=2, images=2, seed=1)
    twin.organization_id = gallery.organization_id
    dataset = freeze(gallery, SplitKind.STRATIFIED)
    run_check(QuietContext(dataset))
    dataset.refresh_from_db()
    assert dataset.leaks is not None
    assert dataset.leaks["bytes"] == 0
    assert len(dataset.leaks["people"]) == 60


def test_erased_images_leave_the_dataset(gallery: Gallery) -> None:
    dataset = freeze(gallery)
    gallery.identities.first().delete()
    assert dataset.items.count() == 177


def test_impossible_datasets_are_refused(gallery: Gallery) -> None:
    with pytest.raises(DomainError, match="dataset_empty"):
        freeze(gallery, filters=Filters(min_images=4))
    with pytest.raises(DomainError, match="galleries_missing"):
        freeze(gallery, galleries=[])
    with pytest.raises(DomainError, match="split_invalid"):
        freeze(gallery, split=Split(SplitKind.DISJOINT, {"holdout": 1}))
    assert not Dataset.objects.exists()


def test_the_command_prints_json_alone_for_lfw(
    tmp_path: Path,
    settings: Any,
    capsys: pytest.CaptureFixture[str],
    fake_pipeline: FakePipeline,
) -> None:
    settings.VAR = tmp_path / "var"
    people = ("Ada", "Bob", "Cy", "Dee")
    for number, name in enumerate(people):
        folder = tmp_path / "lfw-deepfunneled" / name
        folder.mkdir(parents=True)
        for image in (1, 2):
            data = face_photo(number + 1, variant=image)
            (folder / f"{name}_{image:04d}.jpg").write_bytes(data)
    lines = ["2\t2"]
    for pair in (people[:2], people[2:]):
        lines += [f"{name}\t1\t2" for name in pair]
        lines += [f"{pair[0]}\t{image}\t{pair[1]}\t{image}" for image in (1, 2)]
    (tmp_path / "pairs.txt").write_text("\n".join(lines), encoding="utf-8")
    call_command("evaluate", "lfw", data=tmp_path, json=True)
    record = json.loads(capsys.readouterr().out)
    photo = record["results"]["photo"]
    assert photo["accuracy"]["value"] == 1.0
    assert (photo["images"], photo["pairs"], photo["failures_to_enroll"]) == (8, 8, 0)
    assert record["results"]["crop"]["pairs"] == 8
    embedded = fake_pipeline.images
    call_command("evaluate", "lfw", data=tmp_path, json=True)
    assert json.loads(capsys.readouterr().out) == record
    assert fake_pipeline.images == embedded, "templates of the same bytes are kept"
    (tmp_path / "lfw-deepfunneled" / "Ada" / "Ada_0001.jpg").write_bytes(face_photo(9, variant=1))
    call_command("evaluate", "lfw", data=tmp_path, json=True)
    changed = json.loads(capsys.readouterr().out)["results"]["photo"]
    assert fake_pipeline.images == embedded + 2, "other bytes under a name are embedded again"
    assert changed["accuracy"]["value"] < 1.0
