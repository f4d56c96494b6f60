"""The vector that is subtracted from embeddings: a part of a version, like its weights.

It was the mean of the embeddings a calibration was first made with. It stays the same when the
calibration is measured anew, because templates made with two vectors cannot be compared.
"""

from functools import lru_cache
from pathlib import Path

import numpy as np

from recognition.vision.errors import ModelDamaged
from recognition.vision.registry import BackboneSpec
from recognition.vision.types import Floats

FOLDER = Path(__file__).with_name("calibrations")


def centring_of(spec: BackboneSpec, folder: Path = FOLDER) -> Floats | None:
    """The vector of a backbone, float32 (d,), or None where it has none. Raises ModelDamaged."""
    return _load(folder / spec.centring, spec.dimension) if spec.centring else None


def save(path: Path, centring: Floats) -> None:
    """Store a vector of a version that did not exist before."""
    with path.open("wb") as stream:
        np.save(stream, centring.astype("<f4"))


@lru_cache(maxsize=16)
def _load(path: Path, dimension: int) -> Floats:
    try:
        centring: Floats = np.load(path, allow_pickle=False).astype(np.float32)
    except (OSError, ValueError, EOFError) as error:
        raise ModelDamaged(f"The centring vector {path.name} cannot be read.") from error
    if centring.shape != (dimension,) or not np.isfinite(centring).all():
        raise ModelDamaged(f"The centring vector {path.name} is none of {dimension} numbers.")
    centring.flags.writeable = False
    return centring
