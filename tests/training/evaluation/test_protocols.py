"""Protocols, splits, leaks, and the file of pairs."""

import csv
import gzip
import io
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.training.evaluation.people import templates
from training.evaluation.arrays import EvaluationError
from training.evaluation.export import FileFormat, Selection, export_pairs, export_size
from training.evaluation.protocols import (
    generate_pairs,
    lfw_view2,
    read_pairs_csv,
    split_search,
)
from training.evaluation.splits import (
    difference_hash,
    find_leaks,
    identity_disjoint_split,
    stratified_split,
)

PAIRS_TXT = "2\t1\nA_B\t1\t2\nA_B\t3\tC\t4\nC\t1\t4\nA_B\t1\tC\t10\n"
labelled = st.lists(st.integers(0, 12), min_size=3, max_size=80)


def test_lfw_pairs() -> None:
    found = lfw_view2(PAIRS_TXT)
    assert found.first[:3] == ("A_B/A_B_0001.jpg", "A_B/A_B_0003.jpg", "C/C_0001.jpg")
    assert found.second[3] == "C/C_0010.jpg"
    assert found.mated.tolist() == [True, False, True, False]
    assert found.fold.tolist() == [0, 0, 1, 1]
    assert found.second_identity == ("A_B", "C", "C", "C")
    assert found.manifest()["folds"] == 2


@pytest.mark.parametrize(
    "text",
    ["", "10\n", "a\tb\n", "1\t1\nA\t1\n", "1\t1\nA\tx\t2\nA\t1\tB\t1\n", "1\t1\nA\t1\t2\n"],
)
def test_a_bad_pairs_file_is_refused(text: str) -> None:
    with pytest.raises(EvaluationError) as error:
        lfw_view2(text)
    assert error.value.code == "bad_pairs"


@pytest.mark.faces
def test_the_real_pairs_file(shared_data: Path) -> None:
    found = lfw_view2((shared_data / "lfw" / "pairs.txt").read_text(encoding="utf-8"))
    assert (len(found), int(found.mated.sum()), len(found.images)) == (6000, 3000, 7701)


def test_pairs_csv_there_and_back() -> None:
    found = lfw_view2(PAIRS_TXT)
    again = read_pairs_csv(found.to_csv(), name="LFW View 2")
    assert again.manifest() == found.manifest()
    loose = read_pairs_csv("mated,path2,path1\nYES,b.jpg,a.jpg\nno,c.jpg,a.jpg\n")
    assert loose.first == ("a.jpg", "a.jpg")
    assert loose.mated.tolist() == [True, False]
    assert loose.folds is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "path1,path2\na,b\n",
        "path1,path2,mated\n",
        "path1,path2,mated\na,b,maybe\n",
        "path1,path2,mated\n,b,1\n",
        "path1,path2,mated,fold\na,b,1,x\n",
        "path1,path2,mated\na\n",
    ],
)
def test_a_bad_pairs_csv_is_refused(text: str) -> None:
    with pytest.raises(EvaluationError) as error:
        read_pairs_csv(text)
    assert error.value.code == "bad_pairs"


@settings(max_examples=80, deadline=None)
@given(people=labelled, wanted=st.integers(2, 200), seed=st.integers(0, 99))
def test_generated_pairs_are_true_balanced_and_none_twice(
    people: list[int], wanted: int, seed: int
) -> None:
    counts = Counter(people)
    images = [f"{number}.jpg" for number in range(len(people))]
    names = [str(person) for person in people]
    own = dict(zip(images, names, strict=True))
    if len(counts) < 2 or max(counts.values()) < 2:
        with pytest.raises(EvaluationError):
            generate_pairs(images, names, wanted, seed=seed)
        return
    found = generate_pairs(images, names, wanted, seed=seed)
    pairs = list(zip(found.first, found.second, strict=True))
    assert len({frozenset(pair) for pair in pairs}) == len(pairs)
    assert all(a != b for a, b in pairs)
    assert [own[a] == own[b] for a, b in pairs] == found.mated.tolist()
    possible = sum(count * (count - 1) // 2 for count in counts.values())
    assert int(found.mated.sum()) == min(wanted // 2, possible)
    nonmated = len(people) * (len(people) - 1) // 2 - possible
    assert int((~found.mated).sum()) == min(int(found.mated.sum()), nonmated)
    assert generate_pairs(images, names, wanted, seed=seed).manifest() == found.manifest()


def test_another_seed_draws_other_pairs() -> None:
    images, names = [str(n) for n in range(60)], [str(n // 3) for n in range(60)]
    one, two = (generate_pairs(images, names, 40, seed=seed) for seed in (1, 2))
    assert one.manifest()["sha256"] != two.manifest()["sha256"]


@settings(max_examples=60, deadline=None)
@given(people=labelled, seed=st.integers(0, 99))
def test_search_split(people: list[int], seed: int) -> None:
    if len(set(people)) < 2:
        with pytest.raises(EvaluationError):
            split_search(people, seed=seed)
        return
    found = split_search(people, enrolled=0.5, seed=seed)
    label = np.array(people)
    parts = [found.gallery, found.probes, found.strangers]
    assert len(set(np.concatenate(parts).tolist())) == sum(map(len, parts))
    enrolled = set(label[found.gallery].tolist())
    assert set(label[found.probes].tolist()) <= enrolled
    assert enrolled.isdisjoint(label[found.strangers].tolist())
    assert len(set(label[found.strangers].tolist())) == len(found.strangers)
    counts = Counter(people)
    assert len(found.probes) == sum(counts[person] > 1 for person in enrolled)


@settings(max_examples=60, deadline=None)
@given(people=labelled, seed=st.integers(0, 99))
def test_splits_take_every_image_once(people: list[int], seed: int) -> None:
    label = np.array(people)
    shares = {"train": 0.7, "validation": 0.2, "test": 0.1}
    mixed = stratified_split(people, shares, seed=seed)
    assert sorted(np.concatenate(list(mixed.values())).tolist()) == list(range(len(people)))
    for name, share in shares.items():
        assert abs(len(mixed[name]) - share * len(people)) < 2
    if len(set(people)) < 3:
        with pytest.raises(EvaluationError):
            identity_disjoint_split(people, shares, seed=seed)
        return
    apart = identity_disjoint_split(people, shares, seed=seed)
    assert sorted(np.concatenate(list(apart.values())).tolist()) == list(range(len(people)))
    owners = [set(label[rows].tolist()) for rows in apart.values()]
    assert all(owners)
    assert sum(map(len, owners)) == len(set(people))


def test_a_stratified_split_keeps_each_person_in_proportion() -> None:
    people = np.repeat(np.arange(20), 10)
    found = stratified_split(people, {"train": 0.8, "test": 0.2}, seed=1)
    assert Counter(people[found["test"]].tolist()) == dict.fromkeys(range(20), 2)


@pytest.mark.parametrize("shares", [{}, {"a": 0.5}, {"a": 1.5, "b": -0.5}])
def test_shares_that_make_no_whole_are_refused(shares: dict[str, float]) -> None:
    with pytest.raises(EvaluationError) as error:
        stratified_split([1, 2, 3], shares)
    assert error.value.code == "bad_shares"


def test_leaks_of_every_kind_are_found() -> None:
    rows, _ = templates(6, 1)
    rows[4] = rows[1]
    found = find_leaks(
        [0, 1, 2],
        [3, 4, 5],
        identities=["Ann Lee", "Bo", "Cy", "ann_lee ", "Di", "Ed"],
        sha256=["x", "y", "z", "u", "v", "z"],
        hashes=[0, 2**60, 5, 7, 2**50 - 1, 2**63 + 2**62],
        templates=rows,
    )
    assert found.people == ("Ann Lee",)
    assert found.same_bytes == ((2, 5),)
    # 0 and 7 are three bits apart, 5 and 7 one, 2**60 and 7 four, 2**60 and 2**63 + 2**62 three
    assert found.near_duplicates == ((0, 3), (0, 5), (1, 3), (1, 4), (1, 5), (2, 3))
    assert not found.clean
    assert find_leaks([0], [1], identities=["a", "b"]).clean


def test_the_hash_of_a_brighter_smaller_copy_is_near() -> None:
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 200, (8, 9))
    brighter = np.clip(picture * 1.1 + 10, 0, 255).astype(np.uint8)
    apart = (difference_hash(picture) ^ difference_hash(brighter)).bit_count()
    other = (difference_hash(picture) ^ difference_hash(rng.integers(0, 200, (8, 9)))).bit_count()
    assert apart <= 4 < other
    with pytest.raises(EvaluationError):
        difference_hash(np.zeros((9, 8)))


def read_rows(path: Path, file_format: FileFormat) -> list[tuple[str, str, float, int]]:
    if file_format == "parquet":
        import pandas as pd

        table = pd.read_parquet(path)
        return list(table.itertuples(index=False, name=None))
    text = gzip.decompress(path.read_bytes()).decode()
    rows = list(csv.DictReader(io.StringIO(text)))
    return [(r["path1"], r["path2"], float(r["score"]), int(r["mated"])) for r in rows]


@pytest.mark.parametrize("file_format", ["csv.gz", "parquet"])
def test_export_holds_exactly_the_selected_pairs(file_format: FileFormat, tmp_path: Path) -> None:
    rows, identities = templates(100, 3)
    names = [f"{number}.jpg" for number in range(300)]
    selection = Selection("nonmated", low=0.2, high=0.5)
    size = export_size(rows, identities, names, selection, file_format)
    path = tmp_path / "pairs"
    count = export_pairs(path, rows, identities, names, selection, file_format)
    scores = rows @ rows.T
    wanted = {
        (names[i], names[j]): scores[i, j]
        for i in range(300)
        for j in range(i + 1, 300)
        if identities[i] != identities[j] and 0.2 <= scores[i, j] <= 0.5
    }
    read = read_rows(path, file_format)
    assert count == size.pairs == len(wanted) == len(read)
    assert {(a, b) for a, b, _, _ in read} == set(wanted)
    assert all(score == pytest.approx(wanted[a, b], abs=1e-6) for a, b, score, _ in read)
    assert not any(mated for *_, mated in read)
    assert size.bytes == pytest.approx(path.stat().st_size, rel=0.3)


def test_a_stopped_export_leaves_no_file(tmp_path: Path) -> None:
    rows, identities = templates(100, 3)

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export_pairs(
            tmp_path / "x", rows, identities, ["n"] * 300, Selection(), "csv.gz", progress=stop
        )
    assert list(tmp_path.iterdir()) == []


def test_an_empty_selection_and_a_name_that_is_a_formula(tmp_path: Path) -> None:
    rows, identities = templates(2, 2, noise=0.1)
    names = ["=1+1", "b", "c", "d"]
    none = Selection("nonmated", low=0.999, high=1.0)
    assert export_size(rows, identities, names, none, "csv.gz").pairs == 0
    assert export_size(rows[:0], [], [], Selection(), "csv.gz").pairs == 0
    export_pairs(tmp_path / "x", rows, identities, names, Selection(), "csv.gz")
    read = read_rows(tmp_path / "x", "csv.gz")
    assert read[0][0] == "'=1+1"
