"""Two processes under torchrun take the steps of one with the doubled batch."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.training.engine.people import embeddings
from training.engine import checkpoints
from training.engine.data import load, save
from training.engine.errors import TrainingError

ROOT = Path(__file__).resolve().parents[3]
STEPS = {"epochs": 2, "features": 8, "optimizer": "sgd", "schedule": "constant", "validation": 0.4}


def train(data: Path, folder: Path, *, batch: int, processes: int) -> None:
    settings: dict[str, Any] = STEPS | {"batch": batch, "learning_rate": 0.01, "dropout": 0.0}
    given = [f"--set={name}={value}" for name, value in settings.items()]
    run = ["-m", "training.engine", "classifier", str(data), str(folder), *given]
    start = [sys.executable]
    if processes > 1:
        start += ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    done = subprocess.run(
        [*start, *run],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.count("figures") == 1


@pytest.mark.slow
def test_two_processes_equal_one_with_the_doubled_batch(tmp_path: Path) -> None:
    path = tmp_path / "data.npz"
    save(path, embeddings())
    train(path, tmp_path / "one", batch=8, processes=1)
    train(path, tmp_path / "two", batch=4, processes=2)
    one, two = (
        checkpoints.read(tmp_path / name / "last.safetensors").tensors for name in ("one", "two")
    )
    for name, value in one.items():
        assert torch.allclose(value, two[name], atol=1e-5), name
    begun = checkpoints.read(tmp_path / "one" / "epoch-001.safetensors").tensors
    assert not torch.allclose(begun["module.body.weight"], one["module.body.weight"], atol=1e-5)


def test_exported_data_is_read_back_and_a_broken_file_refused(tmp_path: Path) -> None:
    data, path = embeddings(), tmp_path / "data.npz"
    save(path, data)
    again = load(path)
    assert (again.people, again.widths, set(again.parts)) == (data.people, (16,), set(data.parts))
    assert np.array_equal(again.train.inputs, data.train.inputs)
    for content in (b"", b"PK", np.random.default_rng(1).bytes(99)):
        path.write_bytes(content)
        with pytest.raises(TrainingError, match="cannot be read"):
            load(path)
