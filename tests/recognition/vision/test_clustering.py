"""Faces gathered by person."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from recognition.vision.clustering import cluster
from recognition.vision.pipeline import FacePipeline
from recognition.vision.types import Floats


def labels_of(clusters: list[np.ndarray], count: int) -> list[int]:
    labels = [-1] * count
    for number, rows in enumerate(clusters):
        for row in rows:
            assert labels[row] == -1, "in two clusters"
            labels[row] = number
    assert -1 not in labels
    return labels


def faces(people: int, images: int, noise: float) -> tuple[Floats, np.ndarray]:
    rng = np.random.default_rng(5)
    truth = rng.permutation(np.repeat(np.arange(people), images))
    rows = rng.standard_normal((people, 128))[truth]
    rows = rows + noise * rng.standard_normal(rows.shape)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32), truth


def test_people_are_told_apart_and_the_largest_comes_first() -> None:
    embeddings, truth = faces(12, 9, 0.6)
    found = cluster(embeddings, threshold=0.45, block=50)
    assert adjusted_rand_score(truth, labels_of(found, len(truth))) > 0.97
    sizes = [len(rows) for rows in found]
    assert sizes == sorted(sizes, reverse=True)


def test_the_same_seed_gives_the_same_clusters() -> None:
    embeddings, _ = faces(8, 5, 0.9)
    first, second = (cluster(embeddings, threshold=0.4, seed=7) for _ in range(2))
    assert [list(rows) for rows in first] == [list(rows) for rows in second]


def test_strangers_stay_alone() -> None:
    assert [list(rows) for rows in cluster(np.eye(4, 128, dtype=np.float32), threshold=0.5)] == [
        [0], [1], [2], [3],
    ]  # fmt: skip
    assert cluster(np.zeros((0, 128), np.float32), threshold=0.5) == []


@pytest.mark.faces
@pytest.mark.slow
def test_real_people(pipeline: FacePipeline, shared_data: Path) -> None:
    """Eight actors with six scraped crops each."""
    from recognition.vision.images import decode_image

    folders = sorted(path for path in (shared_data / "celeb20").iterdir() if path.is_dir())[:8]
    embeddings, truth = [], []
    for person, folder in enumerate(folders):
        for path in sorted(folder.glob("*.jpg"))[:6]:
            found = pipeline.analyse([decode_image(path.read_bytes()).pixels])[0]
            if found and found[0].embedding is not None:
                embeddings.append(found[0].embedding)
                truth.append(person)
    clusters = cluster(np.stack(embeddings), threshold=0.5)
    assert adjusted_rand_score(truth, labels_of(clusters, len(truth))) > 0.7
    strangers = [rows for rows in clusters if len({truth[row] for row in rows}) > 1]
    assert not strangers, "two people in one cluster"
