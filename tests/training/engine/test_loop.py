"""The loop: the same again, resumed anywhere, stopped for a reason, never half a file."""

import csv
import errno
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.training.engine.people import embeddings, pictures
from training.engine import checkpoints, configs, recipes
from training.engine.errors import Cancelled, TrainingError
from training.engine.loop import BEST, LAST, Step
from training.engine.recipes.registry import Result, Work

ROUNDS: dict[str, Any] = {"epochs": 4, "batch": 8, "features": 8, "dropout": 0.2, "patience": 0}
ROUNDS["learning_rate"] = 0.01


def work(folder: Path, name: str = "classifier", data: Any = None, **more: Any) -> Work:
    settings = {k: more.pop(k) for k in list(more) if k not in Work.__slots__}
    config = configs.parse(recipes.get(name).config, settings or ROUNDS)
    given: dict[str, Any] = {"listener": lambda step: None, "should_stop": lambda: False}
    return Work(data or embeddings(), config, folder, **(given | more))


def run(given: Work, name: str = "classifier") -> Result:
    return recipes.get(name).train(given)


def weights(folder: Path, name: str = LAST) -> dict[str, torch.Tensor]:
    return checkpoints.read(folder / name).tensors


def stop_after(steps: int) -> Any:
    asked = iter(range(10_000))
    return lambda: next(asked) >= steps


@pytest.mark.parametrize("steps", [1, 5, 6, 13])
def test_a_run_that_was_stopped_anywhere_ends_with_the_same_weights(
    tmp_path: Path, steps: int
) -> None:
    run(work(tmp_path / "whole"))
    with pytest.raises(Cancelled):
        run(work(tmp_path / "parts", should_stop=stop_after(steps)))
    run(work(tmp_path / "parts", resume=True))
    whole, parts = weights(tmp_path / "whole"), weights(tmp_path / "parts")
    assert whole.keys() == parts.keys()
    for name, value in whole.items():
        assert torch.equal(value, parts[name]), name


def test_pictures_with_variation_resume_as_exactly(tmp_path: Path) -> None:
    options = {"network": "small-cnn", "size": 32, "epochs": 2, "batch": 8, "augment": "strong"}
    given: dict[str, Any] = {"name": "siamese", "data": pictures(), **options}
    run(work(tmp_path / "whole", **given), "siamese")
    with pytest.raises(Cancelled):
        run(work(tmp_path / "parts", should_stop=stop_after(3), **given), "siamese")
    run(work(tmp_path / "parts", resume=True, **given), "siamese")
    whole, parts = weights(tmp_path / "whole"), weights(tmp_path / "parts")
    assert all(torch.equal(value, parts[name]) for name, value in whole.items())


def test_another_seed_is_another_run(tmp_path: Path) -> None:
    run(work(tmp_path / "one"))
    run(work(tmp_path / "two", **(ROUNDS | {"seed": 2})))
    assert not torch.equal(
        weights(tmp_path / "one")["module.body.weight"],
        weights(tmp_path / "two")["module.body.weight"],
    )


def test_every_epoch_has_a_line_and_a_checkpoint(tmp_path: Path) -> None:
    heard: list[Step] = []
    run(work(tmp_path, listener=heard.append))
    with (tmp_path / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["epoch"]) for row in rows] == [1, 2, 3, 4]
    assert {"train_loss", "val_loss", "train_accuracy", "val_accuracy", "seconds"} <= rows[0].keys()
    assert float(rows[-1]["train_loss"]) < float(rows[0]["train_loss"])
    assert sorted(path.name for path in tmp_path.glob("epoch-*")) == [
        f"epoch-{number:03d}.safetensors" for number in (1, 2, 3, 4)
    ]
    assert [step.epoch for step in heard if step.row] == [0, 1, 2, 3]
    assert not list(tmp_path.glob(".*"))


def test_the_best_epoch_is_kept_and_served(tmp_path: Path) -> None:
    result = run(work(tmp_path))
    best = weights(tmp_path, BEST)
    assert result.head is not None
    assert result.head.weight is not None
    assert np.array_equal(result.head.weight, best["module.body.weight"].numpy())
    state = checkpoints.read(tmp_path / BEST).state["loop"]
    # One image of each person is watched, which makes no mated pairs: the loss decides.
    assert state["best_value"] == min(row["val_loss"] for row in state["history"])
    assert result.state is not None
    assert result.state.reason.startswith("all epochs done: val_loss was best in epoch")


def test_it_stops_when_nothing_gets_better(tmp_path: Path) -> None:
    options = ROUNDS | {"epochs": 50, "patience": 2, "learning_rate": 1e-7, "validation": 0.4}
    result = run(work(tmp_path, **options))
    assert result.state is not None
    assert result.state.epoch < 50
    assert result.state.reason.startswith("stopped early: ")


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_loss_that_is_no_number_ends_the_run(tmp_path: Path) -> None:
    data = embeddings()
    data.train.inputs[3] = np.inf
    with pytest.raises(TrainingError, match="lower learning rate") as refused:
        run(work(tmp_path, data=data))
    assert refused.value.code == "diverged"


def test_a_full_disk_leaves_the_checkpoint_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.safetensors"
    checkpoints.write(path, {"x": torch.ones(3)}, {"n": 1})

    def full(*args: Any) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(TrainingError, match="disk is full") as refused:
        checkpoints.write(path, {"x": torch.zeros(3)}, {"n": 2})
    monkeypatch.undo()
    assert refused.value.code == "disk_full"
    assert checkpoints.read(path).state["n"] == 1
    assert [found.name for found in tmp_path.iterdir()] == ["a.safetensors"]


@pytest.mark.parametrize("content", [b"", b"\x00" * 64, b"\x80\x04cposix\nsystem\n"])
def test_a_checkpoint_that_is_none_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / LAST).write_bytes(content)
    with pytest.raises(TrainingError) as refused:
        run(work(tmp_path, resume=True))
    assert refused.value.code == "checkpoint_damaged"


def test_a_checkpoint_of_other_settings_is_not_continued(tmp_path: Path) -> None:
    run(work(tmp_path))
    with pytest.raises(TrainingError) as refused:
        run(work(tmp_path, resume=True, **(ROUNDS | {"batch": 4})))
    assert refused.value.code == "settings_changed"
