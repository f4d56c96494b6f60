"""Pipelines of trained versions in this process: put together from their components'."""

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

from faceplatform.core.errors import DomainError
from recognition.models import EnsembleComponent, ModelVersion, TrainedHead
from recognition.refusals import refusals
from recognition.services.pipelines import pipelines
from recognition.vision.heads import Head
from recognition.vision.types import VersionInfo

if TYPE_CHECKING:
    from recognition.vision.trained import TrainedPipeline

_KEPT = 16  # pipelines in memory; their components are shared

_made: "OrderedDict[tuple[str, int], TrainedPipeline]" = OrderedDict()
_lock = threading.Lock()


def trained_pipeline(version: ModelVersion) -> "TrainedPipeline":
    """Return the pipeline of a trained version, made on first use.

    Raises DomainError 503 where a component cannot be used, or `model_damaged`.
    """
    from recognition.vision.trained import TrainedPipeline

    rows = EnsembleComponent.objects.filter(ensemble=version).select_related("version")
    components = [pipelines.get(row.version.backbone) for row in rows.order_by("number")]
    if not components:
        raise DomainError("model_damaged", f"{version.name} has no components.", status=503)
    key = (version.digest, id(components[0]))
    with _lock:
        if key in _made:
            _made.move_to_end(key)
            return _made[key]
    row = TrainedHead.objects.get(version=version)
    with refusals():
        head = Head.from_bytes(bytes(row.content))
    base = components[0].version
    info = VersionInfo(
        backbone=version.backbone,
        digest=version.digest,
        dimension=version.dimension,
        weights_sha256=version.specification["head_sha256"],
        numeric_class=version.numeric_class,
        detector=base.detector,
        engine=base.engine,
        precision=base.precision,
    )
    made = TrainedPipeline(components, head, info)
    with _lock:
        _made[key] = made
        while len(_made) > _KEPT:
            _made.popitem(last=False)
    return made
