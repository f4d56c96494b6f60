"""Checkpoints: tensors as safetensors, everything else as JSON, both under one name or not at all.

    <folder>/<name>.safetensors   tensors; the JSON state is in the file's own metadata

One file is written under a temporary name, synced and renamed, so a reader sees all of a checkpoint
or the one before it. Nothing here can execute code.
"""

import errno
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from recognition.vision.store import replacing
from training.engine.errors import TrainingError

FORMAT = 1


@dataclass(frozen=True, slots=True, eq=False)
class Checkpoint:
    """Tensors by name, and the state that numbers and words describe."""

    tensors: dict[str, torch.Tensor]
    state: dict[str, Any]


def write(path: Path, tensors: Mapping[str, torch.Tensor], state: Mapping[str, Any]) -> None:
    """Store a checkpoint. Raises TrainingError `disk_full`; what was there before stays."""
    record = json.dumps({"format": FORMAT, **state}, allow_nan=False)
    plain = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    write_bytes(path, save(plain, metadata={"state": record}))


def write_bytes(path: Path, content: bytes) -> None:
    """Store a file as a whole. Raises TrainingError `disk_full`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with replacing(path) as draft:
            draft.write_bytes(content)
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
            raise
        raise TrainingError(
            "disk_full",
            f"The disk is full: {path.name} takes {len(content) / 1e6:.0f} MB. "
            "What was stored before is still there; free some space and resume.",
        ) from error


def read(path: Path) -> Checkpoint:
    """Return a checkpoint. Raises TrainingError `checkpoint_damaged`, FileNotFoundError."""
    if not path.is_file():
        raise FileNotFoundError(path)
    try:
        with safe_open(path, "pt") as file:
            state = json.loads((file.metadata() or {})["state"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, LookupError, ValueError) as error:
        raise TrainingError("checkpoint_damaged", f"{path.name} cannot be read: {error}") from error
    if state.get("format") != FORMAT:
        raise TrainingError("checkpoint_damaged", f"{path.name} is of another version.")
    return Checkpoint(tensors, state)


def free_bytes(folder: Path) -> int:
    """Return how much may still be written below a folder."""
    while not folder.exists():
        folder = folder.parent
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    """Return what an optimizer remembers of every parameter, by name."""
    return {
        f"optimizer.{number}.{name}": torch.as_tensor(value)
        for number, slots in optimizer.state_dict()["state"].items()
        for name, value in slots.items()
    }


def restore_optimizer(
    optimizer: torch.optim.Optimizer, tensors: Mapping[str, torch.Tensor]
) -> None:
    """Give an optimizer back what `optimizer_tensors` returned; groups stay as they are."""
    found: dict[int, dict[str, torch.Tensor]] = {}
    for name, value in tensors.items():
        if name.startswith("optimizer."):
            _, number, slot = name.split(".", 2)
            found.setdefault(int(number), {})[slot] = value
    record = optimizer.state_dict()
    optimizer.load_state_dict({"state": found, "param_groups": record["param_groups"]})
