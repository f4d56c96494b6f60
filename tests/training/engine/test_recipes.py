"""Recipes learn what they promise; bad data and bad settings are refused with a reason."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from recognition.vision.errors import ModelDamaged
from recognition.vision.heads import Head
from tests.training.engine.people import embeddings, pictures
from tests.training.engine.test_loop import run, work
from training.engine import baseline, configs, recipes
from training.engine.data import Data, Part, check, held_out
from training.engine.errors import TrainingError
from training.engine.figures import unit, verification
from training.engine.losses import MarginHead, contrastive_loss, triplet_loss
from training.engine.recipes.stacking import weights_of
from training.engine.samplers import balanced, class_weights, people_in_batches


def test_the_classifier_names_people_better_than_the_floor(tmp_path: Path) -> None:
    options: dict[str, Any] = {"epochs": 12, "batch": 8, "features": 8, "learning_rate": 0.01}
    result = run(work(tmp_path, data=embeddings(), **options))
    assert result.classification is not None
    assert result.figures["accuracy"] == result.classification.accuracy.value >= 0.9
    assert result.figures["accuracy"] >= result.baseline["accuracy"]
    assert result.head is not None
    assert result.head.dimension == 8


def test_a_network_learns_from_pictures(tmp_path: Path) -> None:
    data = pictures()
    result = run(
        work(tmp_path, "siamese", data, epochs=4, batch=16, size=32, validation=0.5), "siamese"
    )
    assert result.figures["eer"] < 0.2
    assert 0.3 < result.baseline["pair_accuracy"] <= 1.0


def test_twins_learn_in_stages_and_go_on_to_the_next(tmp_path: Path) -> None:
    options = {
        "network": "small-cnn", "size": 32, "epochs": 2, "stages": 3, "batch": 8,
        "learning_rate": 0.01, "validation": 0.5, "augment": "none",
    }  # fmt: skip
    result = run(work(tmp_path, "twin-l1", pictures(), **options), "twin-l1")
    assert result.state is not None
    rates = [row["learning_rate"] for row in result.state.history]
    assert rates == pytest.approx([0.01, 0.01, 0.001, 0.001, 0.0001, 0.0001])
    assert result.state.history[-1]["train_loss"] < result.state.history[0]["train_loss"]
    assert result.figures.keys() == {"pair_accuracy", "eer"}
    assert all(0 <= value <= 1 for value in result.figures.values())


@pytest.mark.parametrize("loss", ["arcface", "cosface", "softmax", "triplet", "contrastive"])
def test_every_loss_pulls_people_apart(tmp_path: Path, loss: str) -> None:
    data = embeddings(people=12, noise=0.9)
    options = {"loss": loss, "features": 8, "epochs": 6, "batch": 16, "learning_rate": 0.01}
    result = run(work(tmp_path, "metric", data, **options), "metric")
    assert result.state is not None
    first, last = (result.state.history[row]["train_loss"] for row in (0, -1))
    assert last < first
    assert set(result.figures) >= {"eer", "component_1_eer"}


def test_stacking_weighs_the_better_model_more(tmp_path: Path) -> None:
    good, poor = embeddings(20, 8, noise=0.6), embeddings(20, 8, noise=2.5)
    parts = {
        name: Part(np.hstack([good.parts[name].inputs, poor.parts[name].inputs]), part.labels)
        for name, part in good.parts.items()
    }
    data = Data(good.people, parts, (16, 16))
    result = run(work(tmp_path, "stacking", data, pairs=2000), "stacking")
    assert result.head is not None
    assert result.head.scales[0] > result.head.scales[1]
    assert result.figures["eer"] <= result.figures["component_2_eer"]
    assert result.figures["out_of_fold_accuracy"] > 0.9
    rows = parts["test"].inputs[:2]
    squares = np.square(result.head.scales)
    expected = squares[0] * rows[0, :16] @ rows[1, :16] + squares[1] * rows[0, 16:] @ rows[1, 16:]
    mapped = result.head.apply(rows)
    assert mapped[0] @ mapped[1] == pytest.approx(expected, abs=1e-5)


def test_the_logistic_weights_are_scikit_learns() -> None:
    linear = pytest.importorskip("sklearn.linear_model")
    rng = np.random.default_rng(3)
    mated = rng.random(400) < 0.5
    scores = rng.standard_normal((400, 2)) * 0.4 + mated[:, None] * [0.6, 0.3]
    ours = weights_of(scores, mated, l2=1.0)
    theirs = linear.LogisticRegression(C=1.0, tol=1e-10).fit(scores, mated)
    assert ours == pytest.approx([*theirs.coef_[0], theirs.intercept_[0]], abs=1e-4)
    assert weights_of(scores * [1, -1], mated, l2=1.0)[1] == 0


def test_the_floor_is_scikit_learns() -> None:
    bayes = pytest.importorskip("sklearn.naive_bayes")
    data = embeddings(noise=1.5)
    theirs = bayes.GaussianNB().fit(data.train.inputs, data.train.labels)
    ours = baseline.GaussianNaiveBayes(baseline.flat(data.train), data.train.labels)
    test = data.parts["test"]
    assert ours.answers(baseline.flat(test)).tolist() == theirs.predict(test.inputs).tolist()


def test_margins_are_those_of_the_papers() -> None:
    torch.manual_seed(1)
    features, labels = torch.randn(5, 6), torch.tensor([0, 1, 2, 0, 1])
    for kind, moved in (
        ("softmax", lambda c: c),
        ("cosface", lambda c: c - 0.4),
        ("arcface", lambda c: torch.cos(torch.acos(c) + 0.4)),
    ):
        head = MarginHead(6, 3, kind=kind, margin=0.4, scale=10.0)
        cosines = (
            torch.nn.functional.normalize(features)
            @ torch.nn.functional.normalize(head.weight).T.detach()
        )
        expected = cosines.clone()
        own = cosines[torch.arange(5), labels]
        expected[torch.arange(5), labels] = moved(own)
        wanted = torch.nn.functional.cross_entropy(10 * expected, labels)
        found, plain = head.loss(features, labels)
        assert found.item() == pytest.approx(wanted.item(), abs=1e-5)
        assert torch.allclose(plain, cosines, atol=1e-6)


def test_sampled_classes_always_hold_the_true_ones() -> None:
    torch.manual_seed(1)
    head = MarginHead(6, 100, sampled=0.1, centres=2)
    labels = torch.tensor([99, 3, 50])
    loss, cosines = head.loss(torch.randn(3, 6), labels)
    assert cosines.shape == (3, 10)
    assert loss.isfinite()


def test_pair_losses_by_hand() -> None:
    points = torch.tensor([[0.0, 0.0], [0.6, 0.0], [0.0, 0.8]])
    labels = torch.tensor([0, 0, 1])
    pushed = ((1 - 0.8) ** 2 + 0.0) / 2
    assert contrastive_loss(points, labels).item() == pytest.approx(0.36 + pushed, abs=1e-4)
    # anchors 0 and 1 have a mate at 0.6; strangers at 0.8 and 1.0; anchor 2 has none
    assert triplet_loss(points, labels).item() == pytest.approx(0.1 / 2, abs=1e-4)


def test_figures_of_perfect_and_of_useless_embeddings() -> None:
    labels = np.repeat(np.arange(20), 5)
    perfect = verification(np.eye(20, dtype=np.float32)[labels], labels)
    assert perfect["tar_at_fmr"] == 1.0
    assert perfect["val_eer"] == pytest.approx(0.0, abs=1e-3)
    noise = unit(np.random.default_rng(1).standard_normal((100, 64)).astype(np.float32))
    assert verification(noise, labels)["val_eer"] == pytest.approx(0.5, abs=0.1)
    assert verification(noise[:2], np.array([0, 0])) == {}


def test_samplers_give_everybody_a_turn() -> None:
    labels = np.array([0] * 90 + [1] * 10)
    drawn = labels[balanced(labels, 0, 1)]
    assert 35 <= (drawn == 1).sum() <= 65
    weights = class_weights(labels, 2)
    assert weights[1] / weights[0] == pytest.approx(9)
    assert weights[labels].mean() == pytest.approx(1)
    rows = people_in_batches(np.repeat(np.arange(10), 4), 8, 4, 0, 1)
    for start in range(0, len(rows), 8):
        assert len(set((rows[start : start + 8] // 4).tolist())) == 2


def test_what_is_watched_is_not_learned_from() -> None:
    labels = np.repeat(np.arange(10), 4)
    for people in (True, False):
        kept, away = held_out(labels, 0.2, seed=1, people=people)
        assert set(kept.tolist()).isdisjoint(away.tolist())
        assert len(kept) + len(away) == 40
        assert set(labels[kept]).isdisjoint(labels[away]) is people


def part(people: int, images: int) -> Part:
    labels = np.repeat(np.arange(people), images)
    return Part(np.random.default_rng(1).random((len(labels), 4)).astype(np.float32), labels)


@pytest.mark.parametrize(
    ("parts", "code"),
    [
        ({"test": part(3, 3)}, "no_faces"),
        ({"train": part(1, 5)}, "too_few_people"),
        ({"train": part(5, 1)}, "too_few_images"),
        ({"train": Part(np.ones((6, 4), np.float32), np.arange(6) // 2)}, "images_identical"),
        ({"train": part(3, 3), "test": part(3, 3)}, "leak"),
    ],
)
def test_bad_data_is_refused_with_a_reason(parts: dict[str, Part], code: str) -> None:
    with pytest.raises(TrainingError) as refused:
        check(Data(("a", "b", "c", "d", "e"), parts, (4,)))
    assert refused.value.code == code


def test_a_classifier_wants_people_it_has_seen(tmp_path: Path) -> None:
    data = embeddings()
    away = Part(data.parts["test"].inputs, np.full(len(data.parts["test"]), 5))
    kept = data.train.rows(np.flatnonzero(data.train.labels < 5))
    with pytest.raises(TrainingError) as refused:
        run(work(tmp_path, data=Data(data.people, {"train": kept, "test": away}, data.widths)))
    assert refused.value.code == "split_unsuitable"


def test_one_model_cannot_be_stacked(tmp_path: Path) -> None:
    with pytest.raises(TrainingError) as refused:
        run(work(tmp_path, "stacking", pairs=200), "stacking")
    assert refused.value.code == "too_few_models"


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"epoch": 3}, "setting_unknown"),
        ({"epochs": "many"}, "setting_invalid"),
        ({"epochs": "0"}, "setting_invalid"),
        ({"epochs": 2.5}, "setting_invalid"),
        ({"learning_rate": "nan"}, "setting_invalid"),
        ({"learning_rate": 10**400}, "setting_invalid"),
        ({"epochs": []}, "setting_invalid"),
        ({"network": "hal9000"}, "setting_invalid"),
        ({"bf16": "perhaps"}, "setting_invalid"),
    ],
)
def test_bad_settings_are_refused(settings: dict[str, Any], code: str) -> None:
    with pytest.raises(TrainingError) as refused:
        configs.parse(recipes.get("classifier").config, settings)
    assert refused.value.code == code


@pytest.mark.parametrize("recipe", recipes.recipes(), ids=lambda recipe: recipe.name)
def test_defaults_are_valid_and_have_an_estimate(recipe: recipes.Recipe) -> None:
    known = configs.options(recipe.config)
    config = configs.parse(recipe.config, {one.name: str(one.default) for one in known})
    assert config == recipe.config()
    assert configs.changes(config) == {}
    estimate = recipe.estimate(config, recipes.Sizes(3000, 62, 512))
    assert 0 < estimate.seconds < 1e7
    assert recipe.inputs(config) in {"embeddings", "crops"}


def test_a_head_is_read_back_as_it_was() -> None:
    rng = np.random.default_rng(1)
    weight, bias = rng.random((3, 5)).astype(np.float32), rng.random(3).astype(np.float32)
    head = Head((1.0, 0.5), (3, 2), weight, bias)
    again = Head.from_bytes(head.to_bytes())
    rows = rng.random((4, 5)).astype(np.float32)
    assert np.array_equal(head.apply(rows), again.apply(rows))
    assert head.to_bytes() == again.to_bytes()
    assert np.linalg.norm(head.apply(rows), axis=1) == pytest.approx(np.ones(4))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no safetensors at all",
        b"\x80\x04cposix\nsystem\n",
        Head((1.0,), (3, 2)).to_bytes(),
        Head((float("nan"),), (3,)).to_bytes(),
        Head((1.0,), (3,), np.ones((2, 4), np.float32), np.ones(2, np.float32)).to_bytes(),
    ],
)
def test_a_poisoned_head_is_refused(content: bytes) -> None:
    with pytest.raises(ModelDamaged):
        Head.from_bytes(content)
