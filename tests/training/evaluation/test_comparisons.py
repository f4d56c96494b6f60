"""All-vs-all in blocks against counting one by one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.training.evaluation.people import templates
from training.evaluation import comparisons
from training.evaluation.arrays import EvaluationError, Floats, Ints
from training.evaluation.comparisons import BINS, Comparisons, compare_all, compare_sets, edges

Pair = tuple[int, int, float, bool]


def one_by_one(rows: Floats, identities: Ints) -> list[Pair]:
    return [
        (i, j, float(np.dot(rows[i].astype(np.float64), rows[j])), identities[i] == identities[j])
        for i in range(len(rows))
        for j in range(i + 1, len(rows))
    ]


def counts_at_or_above(counts: Ints, threshold: float) -> int:
    return int(counts[np.searchsorted(edges(), threshold) :].sum())


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many blocks, some of them cut off, from few rows."""
    monkeypatch.setattr(comparisons, "_ROWS", 16)
    monkeypatch.setattr(comparisons, "_COLUMNS", 40)


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("threads", [1, 3])
def test_counts_and_hardest_pairs_are_those_of_the_naive_way(threads: int) -> None:
    rows, identities = templates(23, 5, seed=1)
    found = compare_all(rows, identities, keep=20, threads=threads)
    every = one_by_one(rows, identities)
    for threshold in np.arange(-1, 1, 1 / 16) + 1e-9:
        edge = float(edges()[np.searchsorted(edges(), threshold)])
        for mated, counts in ((True, found.mated), (False, found.nonmated)):
            wanted = sum(s >= edge for *_, s, same in every if same == mated)
            assert counts_at_or_above(counts, edge) == wanted
    highest = sorted((-s, i, j) for i, j, s, same in every if not same)[:20]
    lowest = sorted((s, i, j) for i, j, s, same in every if same)[:20]
    hard = found.hardest_nonmated
    assert list(zip(hard.first, hard.second, strict=True)) == [(i, j) for _, i, j in highest]
    np.testing.assert_allclose(hard.scores, [-s for s, *_ in highest], atol=1e-6)
    low = found.hardest_mated
    assert list(zip(low.first, low.second, strict=True)) == [(i, j) for _, i, j in lowest]


@pytest.mark.usefixtures("small_blocks")
def test_gallery_against_probes() -> None:
    rows, identities = templates(12, 6, seed=2)
    probes, gallery = slice(0, 30), slice(30, None)
    found = compare_sets(
        rows[probes], identities[probes], rows[gallery], identities[gallery], keep=5
    )
    matrix = rows[probes].astype(np.float64) @ rows[gallery].T
    same = identities[probes][:, None] == identities[gallery][None, :]
    assert found.mated.sum() == same.sum()
    assert found.nonmated.sum() == (~same).sum()
    assert counts_at_or_above(found.nonmated, 0.25) == ((matrix >= 0.25) & ~same).sum()
    best = np.sort(matrix[~same])[-5:][::-1]
    np.testing.assert_allclose(found.hardest_nonmated.scores, best, atol=1e-6)
    first, second = found.hardest_nonmated.first[0], found.hardest_nonmated.second[0]
    assert matrix[first, second] == pytest.approx(best[0], abs=1e-6)


def same_result(one: Comparisons, two: Comparisons) -> bool:
    return (
        bool((one.mated == two.mated).all())
        and bool((one.nonmated == two.nonmated).all())
        and one.hardest_mated.first.tolist() == two.hardest_mated.first.tolist()
        and one.hardest_nonmated.second.tolist() == two.hardest_nonmated.second.tolist()
    )


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("shares", [2, 3, 7, 100])
def test_parts_add_up_to_the_whole_in_any_order(shares: int) -> None:
    rows, identities = templates(20, 4, seed=3)
    whole = compare_all(rows, identities, keep=15)
    parts = [compare_all(rows, identities, keep=15, part=(k, shares)) for k in range(shares)]
    forward = backward = Comparisons.empty(15)
    for part in parts:
        forward = forward.plus(part)
    for part in reversed(parts):
        backward = part.plus(backward)
    assert same_result(forward, whole)
    assert same_result(backward, whole)


# A score may fall to the other side of a bin's edge when BLAS sums it in another order: templates
# whose products are exact in float32 leave no doubt.
exact = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 7), st.sampled_from([-1.0, 1.0])),
    min_size=2,
    max_size=40,
)


@settings(max_examples=60, deadline=None)
@given(items=exact, seed=st.integers(0, 2**16))
def test_the_order_of_the_images_does_not_matter(
    items: list[tuple[int, int, float]], seed: int
) -> None:
    rows = np.zeros((len(items), 8), np.float32)
    for number, (_, axis, sign) in enumerate(items):
        rows[number, axis] = sign
    identities = np.array([person for person, _, _ in items])
    found = compare_all(rows, identities, keep=len(items) ** 2)
    order = np.random.default_rng(seed).permutation(len(items))
    again = compare_all(rows[order], identities[order], keep=len(items) ** 2)
    assert (found.mated == again.mated).all()
    assert (found.nonmated == again.nonmated).all()
    assert found.total == len(items) * (len(items) - 1) // 2
    pairs = zip(again.hardest_mated.first, again.hardest_mated.second, strict=True)
    moved = {tuple(sorted((int(order[i]), int(order[j])))) for i, j in pairs}
    pairs = zip(found.hardest_mated.first, found.hardest_mated.second, strict=True)
    assert moved == {(int(i), int(j)) for i, j in pairs}


def test_scores_of_one_and_minus_one_are_counted_in_the_outer_bins() -> None:
    rows = np.array([[1, 0], [1, 0], [-1, 0]], np.float32)
    found = compare_all(rows, ["a", "a", "b"])
    assert found.mated[BINS - 1] == 1
    assert found.nonmated[0] == 2
    assert found.total == 3


def test_one_identity_has_no_nonmated_and_single_images_no_mated_pairs() -> None:
    rows, _ = templates(6, 1)
    assert compare_all(rows, np.zeros(6, int)).nonmated.sum() == 0
    assert compare_all(rows, np.arange(6)).mated.sum() == 0
    assert compare_all(rows[:1], ["only"]).total == 0


@pytest.mark.parametrize("bad", [np.nan, np.inf, 3.0])
def test_bad_templates_are_refused(bad: float) -> None:
    rows, identities = templates(4, 2)
    rows[3, 1] = bad
    with pytest.raises(EvaluationError) as error:
        compare_all(rows, identities)
    assert error.value.code == "bad_templates"


def test_labels_of_another_length_are_refused() -> None:
    rows, identities = templates(4, 2)
    with pytest.raises(EvaluationError) as error:
        compare_all(rows, identities[:-1])
    assert error.value.code == "bad_labels"


def test_half_precision_templates_are_made_unit_again() -> None:
    rows, identities = templates(9, 3, dimension=512)
    stored = rows.astype(np.float16).astype(np.float32) * np.float32(1.0005)
    found = compare_all(stored, identities)
    assert found.total == 27 * 26 // 2
    assert abs(found.hardest_nonmated.scores[0]) <= 1.0001


class Stop(Exception):
    """Raised by a caller who wants no more."""


@pytest.mark.usefixtures("small_blocks")
def test_progress_reaches_the_end_and_can_stop_the_work() -> None:
    rows, identities = templates(20, 4)
    seen: list[tuple[int, int]] = []
    compare_all(rows, identities, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1][0] == seen[-1][1]
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)

    def stop(done: int, total: int) -> None:
        raise Stop

    with pytest.raises(Stop):
        compare_all(rows, identities, progress=stop)
