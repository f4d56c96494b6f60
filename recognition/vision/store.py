"""The models folder: where converted weights and exported networks lie, and their checksums.

    <models>/<name>/manifest.json     what is here, sha256 and size of each file; written last
    <models>/<name>/weights.safetensors, network.xml, network.bin, ...

A folder without a manifest was never finished and counts as empty. Files appear by rename, so a
reader sees all of a file or none of it.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from recognition.vision.errors import ModelDamaged, ModelUnavailable

FORMAT = 1
_MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What lies in a model's folder. `files` maps a file name to its sha256.

    `recipe` identifies what made the files: a folder made by another recipe is made again.
    """

    recipe: str
    weights_sha256: str
    files: dict[str, str]
    made_with: dict[str, str] = field(default_factory=dict)
    format: int = FORMAT


def sha256_of(path: Path) -> str:
    """Checksum of a file in hex, read in pieces."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder for one process at a time. The kernel frees it when the holder dies."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """A temporary path beside `target` that becomes `target` if the block succeeds."""
    draft = target.with_name(f".{os.getpid()}.{target.name}")
    try:
        yield draft
        with draft.open("rb") as stream:
            os.fsync(stream.fileno())
        draft.chmod(0o644)  # some writers make private files; another user may serve
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)


def write_manifest(
    folder: Path,
    *,
    recipe: str,
    weights_sha256: str,
    names: Sequence[str],
    made_with: dict[str, str],
) -> Manifest:
    """Close a folder: checksums of its files, written last and atomically."""
    files = {name: sha256_of(folder / name) for name in names}
    manifest = Manifest(recipe, weights_sha256, files, made_with)
    with replacing(folder / _MANIFEST) as draft:
        draft.write_text(json.dumps(asdict(manifest), indent=1) + "\n", encoding="utf-8")
    return manifest


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a finished folder. Raises ModelUnavailable or ModelDamaged."""
    try:
        record: dict[str, Any] = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
        manifest = Manifest(**record)
    except FileNotFoundError:
        raise ModelUnavailable(
            f"The model {folder.name!r} is not prepared yet; prepare it once."
        ) from None
    except (TypeError, ValueError) as error:
        raise ModelDamaged(f"The manifest of {folder.name!r} cannot be read: {error}") from error
    if manifest.format != FORMAT:
        raise ModelUnavailable(f"The model {folder.name!r} was prepared by another version.")
    return manifest


def check_files(folder: Path, manifest: Manifest, names: Sequence[str]) -> None:
    """Compare files with the manifest. Raises ModelDamaged for a changed or missing one."""
    for name in names:
        path = folder / name
        expected = manifest.files.get(name)
        if expected is None or not path.is_file():
            raise ModelDamaged(f"{folder.name}/{name} is missing; prepare the model again.")
        if sha256_of(path) != expected:
            raise ModelDamaged(
                f"{folder.name}/{name} does not have its checksum; delete the folder "
                f"{folder.name!r} and prepare the model again."
            )
