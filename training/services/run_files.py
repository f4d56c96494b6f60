"""The folder of a training run: checkpoints, figures of every epoch, what it was made with."""

import json
import re
import shutil
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings

NAMES = re.compile(r"\A[a-z0-9][a-z0-9.-]{0,63}\Z")


def folder_of(run_id: UUID) -> Path:
    """Return where a run's files lie; the folder may not be there yet."""
    return Path(settings.VAR) / "training" / str(run_id)


def write_json(run_id: UUID, name: str, values: dict[str, Any]) -> None:
    """Store a JSON file in a run's folder. Raises TrainingError `disk_full`."""
    from training.engine.checkpoints import write_bytes

    text = json.dumps(values, indent=1, sort_keys=True, allow_nan=False) + "\n"
    write_bytes(folder_of(run_id) / name, text.encode())


def list_files(run_id: UUID) -> list[tuple[str, int]]:
    """Return names and sizes in bytes of a run's files, by name."""
    folder = folder_of(run_id)
    if not folder.is_dir():
        return []
    files = (path for path in folder.iterdir() if path.is_file() and NAMES.match(path.name))
    return sorted((path.name, path.stat().st_size) for path in files)


def find_file(run_id: UUID, name: str) -> Path | None:
    """Return one of a run's files, None for a name that is none."""
    path = folder_of(run_id) / name
    return path if NAMES.match(name) and path.is_file() else None


def remove_files(run_id: UUID) -> None:
    """Delete a run's folder; call it after the commit that removed the row."""
    shutil.rmtree(folder_of(run_id), ignore_errors=True)
