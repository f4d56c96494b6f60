"""Whether the networks that galleries need are ready to run."""

import logging
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from django.conf import settings

from recognition.models import ModelVersion
from recognition.vision import store
from recognition.vision.errors import VisionError
from recognition.vision.prepare import DETECTOR

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ModelState:
    """One network: whether its files are finished, and a few words."""

    name: str
    ready: bool
    detail: str


def model_states() -> list[ModelState]:
    """Return the state of the detector and of every backbone that a gallery uses, or new ones will.

    Checksums are computed once for each state of the files on disk: again when one was changed.
    """
    used = ModelVersion.objects.filter(galleries__isnull=False).distinct()
    networks = {name for version in used for name in networks_of(version)}
    names = [DETECTOR, *sorted({settings.DEFAULT_BACKBONE, *networks})]
    return [_state_of(name) for name in names]


def networks_of(version: ModelVersion) -> tuple[str, ...]:
    """Return the backbones whose files a version needs."""
    if not version.is_trained:
        return (version.backbone,)
    return tuple(str(name) for name in version.specification["components"])


def _state_of(name: str) -> ModelState:
    folder = settings.MODELS_DIR / name
    try:
        manifest = store.read_manifest(folder)
        marks = tuple(_mark(folder / file) for file in manifest.files)
        damage = _damage(folder, manifest.recipe, marks)
    except VisionError as error:
        return ModelState(name, False, error.detail)
    if damage:
        return ModelState(name, False, damage)
    return ModelState(name, True, f"{len(manifest.files)} files")


def _mark(path: Path) -> tuple[int, int, int]:
    """Return what changes whenever somebody writes or replaces a file; zeros for none."""
    try:
        facts = path.stat()
    except FileNotFoundError:
        return 0, 0, 0
    return facts.st_ino, facts.st_size, facts.st_mtime_ns


@lru_cache(maxsize=16)
def _damage(folder: Path, recipe: str, marks: tuple[tuple[int, int, int], ...]) -> str:
    """Return what is wrong with the files of a network, "" if nothing is."""
    manifest = store.read_manifest(folder)
    try:
        store.check_files(folder, manifest, tuple(manifest.files))
    except VisionError as error:
        logger.warning("%s: %s", folder.name, error.detail)
        return error.detail
    return ""
