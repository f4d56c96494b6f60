"""Whether the networks that galleries need are ready to run."""

from dataclasses import dataclass

from django.conf import settings

from recognition.models import ModelVersion
from recognition.vision import store
from recognition.vision.errors import VisionError
from recognition.vision.prepare import DETECTOR


@dataclass(frozen=True, slots=True)
class ModelState:
    """One network: whether its files are finished, and a few words."""

    name: str
    ready: bool
    detail: str


def model_states() -> list[ModelState]:
    """Return the state of the detector and of every backbone that a gallery uses, or new ones will.

    Reads manifests only: checksums are verified when a network is loaded.
    """
    used = ModelVersion.objects.filter(galleries__isnull=False).values_list("backbone", flat=True)
    names = [DETECTOR, *sorted({settings.DEFAULT_BACKBONE, *used})]
    return [_state_of(name) for name in names]


def _state_of(name: str) -> ModelState:
    try:
        manifest = store.read_manifest(settings.MODELS_DIR / name)
    except VisionError as error:
        return ModelState(name, False, error.detail)
    return ModelState(name, True, f"{len(manifest.files)} files")
