"""LFW's View 2 under a model of the platform: as photographed, and as pre-cropped faces."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from faceplatform.core.errors import DomainError
from recognition.models import ModelVersion
from training.evaluation.arrays import EvaluationError
from training.evaluation.protocols import PairProtocol, lfw_view2
from training.evaluation.verification import Verification, verify_pairs
from training.models import InputKind
from training.services.lfw_templates import Listener, Vectors, templates_of_files

FOLDER = "lfw-deepfunneled"


@dataclass(frozen=True, slots=True)
class LfwResult:
    """Figures of one kind of input. `failures` of `images` had no face that could be embedded."""

    input_kind: InputKind
    images: int
    failures: int
    verification: Verification


def evaluate_lfw(
    data: Path, *, version: ModelVersion, cache: Path, listener: Listener
) -> tuple[LfwResult, ...]:
    """Return the figures of View 2 for both kinds of input.

    Only the images of the pairs are embedded; their templates are kept in `cache`. Raises
    DomainError `data_missing` where the folder is not LFW's, and what embedding raises.
    """
    try:
        protocol = lfw_view2((data / "pairs.txt").read_text(encoding="utf-8"))
    except (OSError, EvaluationError) as error:
        raise DomainError("data_missing", f"{data} has no usable pairs.txt: {error}") from error
    found = templates_of_files(
        data / FOLDER, protocol.images, version=version, cache=cache, listener=listener
    )
    return tuple(_result(kind, protocol, vectors) for kind, vectors in found.items())


def _result(kind: InputKind, protocol: PairProtocol, vectors: Vectors) -> LfwResult:
    scores = np.full(len(protocol), -np.inf)
    for number, names in enumerate(zip(protocol.first, protocol.second, strict=True)):
        first, second = (vectors[name] for name in names)
        if first is not None and second is not None:
            scores[number] = float(first @ second)
    verification = verify_pairs(
        scores,
        protocol.mated,
        protocol.first_identity,
        protocol.second_identity,
        folds=protocol.folds,
    )
    failures = sum(vector is None for vector in vectors.values())
    return LfwResult(kind, len(vectors), failures, verification)
