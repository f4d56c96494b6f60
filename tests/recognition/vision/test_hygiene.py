"""Rules that hold wrong images back."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recognition.vision import hygiene
from recognition.vision.hygiene import QUARANTINING, Flags, Report, Rows, inspect, judge
from recognition.vision.types import Floats

LOW, THRESHOLD = 0.34, 0.60
SCORES = st.floats(-1, 1)


@pytest.mark.parametrize(
    ("own", "other", "verdict"),
    [
        (None, None, ""),
        (None, 0.59, ""),
        (None, 0.60, "possible_duplicate"),
        (0.33, None, "unlike_own"),
        (0.34, None, ""),
        (0.5, 0.61, "like_another"),
        (0.5, 0.59, ""),
        (0.7, 0.69, ""),
        (0.1, 0.9, "like_another"),
        (0.98, 0.1, "near_duplicate"),
        (0.98, 0.99, "like_another"),
    ],
)
def test_verdicts(own: float | None, other: float | None, verdict: str) -> None:
    assert judge(own, other, low_match=LOW, threshold=THRESHOLD) == verdict


def test_a_low_match_score_above_the_threshold_asks_for_no_more_than_the_threshold() -> None:
    assert judge(0.42, None, low_match=0.5, threshold=0.4) == ""


@given(own=SCORES, other=SCORES)
def test_only_an_image_that_is_nearest_to_its_own_person_passes(own: float, other: float) -> None:
    held = judge(own, other, low_match=LOW, threshold=THRESHOLD) in QUARANTINING
    assert held == (own < LOW or (other >= THRESHOLD and other > own))


def unit(rows: Any) -> Floats:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def gallery(people: int = 12, images: int = 4, seed: int = 3) -> tuple[Floats, Rows]:
    """People whose images score about 0.8 with each other and about 0 with everybody else's."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(people), images)
    own = rng.standard_normal((people, 256))
    return unit(own[labels] + 0.5 * rng.standard_normal((len(labels), 256))), labels


def look(embeddings: Floats, labels: Rows, held: Flags | None = None, **options: Any) -> Report:
    nobody = np.zeros(len(labels), bool)
    return inspect(
        embeddings,
        labels,
        nobody if held is None else held,
        threshold=THRESHOLD,
        low_match=lambda images: LOW,
        **options,
    )


def rows_of(report: Report) -> list[list[int]]:
    pairs = (*report.look_alikes, *report.duplicates)
    return [
        [suspect.row for suspect in report.suspects],
        [row for pair in pairs for row in (pair.first, pair.second)],
    ]


def test_a_clean_gallery_has_no_findings() -> None:
    assert look(*gallery()) == Report((), (), ())


def test_a_stranger_is_an_outlier_and_a_known_face_mislabelled() -> None:
    embeddings, labels = gallery()
    stranger = unit(np.random.default_rng(9).standard_normal((1, 256)))
    embeddings = np.vstack([embeddings, stranger])
    filed = np.append(labels, 0)
    filed[5] = 7  # an image of person 1
    found = look(embeddings, filed).suspects
    assert [(suspect.row, suspect.kind) for suspect in found[:2]] == [
        (5, "mislabelled"),
        (48, "outlier"),
    ], "the one that is further on the wrong side comes first"
    assert labels[found[0].other_row] == 1
    assert found[0].own < LOW < THRESHOLD < found[0].other


def test_two_images_in_each_other_s_place_are_swapped() -> None:
    embeddings, labels = gallery()
    labels = labels.copy()
    labels[[0, 20]] = labels[[20, 0]]
    found = look(embeddings, labels).suspects
    assert {suspect.row for suspect in found[:2]} == {0, 20}
    assert [suspect.kind for suspect in found[:2]] == ["swapped"] * 2


def test_images_in_quarantine_speak_against_a_wrong_first_image() -> None:
    embeddings, labels = gallery()
    filed = labels.copy()
    filed[0] = 5  # came first and is enrolled
    held = filed == 5
    held[0] = False  # the right ones wait
    found = look(embeddings, filed, held).suspects
    assert [(found[0].row, labels[found[0].other_row])] == [(0, 0)]


def test_one_person_under_two_names_and_the_same_image_twice() -> None:
    embeddings, labels = gallery()
    labels = labels.copy()
    labels[2:4] = 40
    embeddings[9] = embeddings[8]
    report = look(embeddings, labels)
    assert [(labels[pair.first], labels[pair.second]) for pair in report.look_alikes] == [(0, 40)]
    scores = embeddings[:2] @ embeddings[2:4].T
    assert report.look_alikes[0].score == pytest.approx(float(scores.max()), abs=1e-5)
    assert [(pair.first, pair.second) for pair in report.duplicates] == [(8, 9)]


@pytest.mark.parametrize("block", [1, 7, 48, 1000])
def test_blocks_do_not_change_what_is_found(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    embeddings, labels = gallery()
    filed = labels.copy()
    filed[[3, 17, 30]] = [9, 2, 2]
    whole = look(embeddings, filed)
    monkeypatch.setattr(hygiene, "COLUMNS", max(1, block // 2))
    done: list[tuple[int, int]] = []
    parts = look(embeddings, filed, block=block, on_progress=lambda a, b: done.append((a, b)))
    assert rows_of(parts) == rows_of(whole)
    assert done[-1] == (48, 48)


def test_an_empty_gallery() -> None:
    assert look(np.zeros((0, 256), np.float32), np.zeros(0, np.int64)) == Report((), (), ())
