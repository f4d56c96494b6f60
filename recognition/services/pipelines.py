"""One prepared pipeline per process and backbone, built once, by a thread of its own.

Converting and exporting a network takes a minute or two on a new machine. Jobs wait for that. A web
process begins with it when it starts; until it is done, requests that need a network are told to
come back.
"""

import logging
import threading
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings

from faceplatform.core.errors import DomainError
from recognition.refusals import refusals

if TYPE_CHECKING:
    from recognition.vision.pipeline import FacePipeline

logger = logging.getLogger(__name__)

REQUEST_PATIENCE = 10.0
"""Seconds a request waits for a network that is being prepared."""


class Pipelines:
    """The pipelines of this process by backbone. Safe to use from several threads."""

    def __init__(self) -> None:
        self.ready: dict[str, FacePipeline] = {}
        self.patience: float | None = None  # seconds; None: as long as it takes
        self._building: dict[str, Future[FacePipeline]] = {}
        self._lock = threading.Lock()

    def get(self, backbone: str) -> "FacePipeline":
        """Return the pipeline, building it on first use.

        Raises DomainError 503: `model_preparing` when it takes longer than our patience, another
        code when the files are missing, damaged or refused; the next call tries again.
        """
        found = self.ready.get(backbone)
        if found is not None:
            return found
        try:
            return self.begin(backbone).result(self.patience)
        except TimeoutError:
            raise DomainError(
                "model_preparing", "The network is being prepared; come back soon.", status=503
            ) from None

    def begin(self, backbone: str) -> "Future[FacePipeline]":
        """Start building unless that is done or going on; return what it will be."""
        with self._lock:
            building = self._building.get(backbone)
            if building is None:
                building = self._building[backbone] = Future()
                name = f"prepare-{backbone}"
                work = threading.Thread(
                    target=self._build, args=(backbone, building), name=name, daemon=True
                )
                work.start()
            return building

    @property
    def preparing(self) -> frozenset[str]:
        """The backbones that are being prepared now."""
        with self._lock:
            return frozenset(self._building)

    def _build(self, backbone: str, building: "Future[FacePipeline]") -> None:
        problem: Exception | None = None
        try:
            self.ready[backbone] = build(backbone)
        except DomainError as refusal:
            logger.warning("%s cannot be used: %s", backbone, refusal)
            problem = refusal
        except Exception as error:
            logger.exception("%s cannot be used", backbone)
            problem = error
        with self._lock:  # before anybody is told: who was refused may try again at once
            del self._building[backbone]
        if problem is not None:
            building.set_exception(problem)
        else:
            building.set_result(self.ready[backbone])


def prepare(backbone: str) -> None:
    """Convert and export the backbone's files once; quick when that was done before."""
    from recognition.vision.pipeline import FacePipeline

    weights = settings.MODEL_WEIGHTS_FILE if backbone == settings.DEFAULT_BACKBONE else ""
    with refusals():
        FacePipeline.prepare(
            settings.MODELS_DIR,
            backbone=backbone,
            weights_file=Path(weights) if weights else None,
            allow_download=settings.MODEL_DOWNLOADS,
        )


def build(backbone: str) -> "FacePipeline":
    """Prepare the files and load them. Raises DomainError 503."""
    from recognition.vision.detection import DetectorSettings
    from recognition.vision.pipeline import FacePipeline

    prepare(backbone)
    detector = DetectorSettings(
        min_face=settings.DETECTOR_MIN_FACE, long_side=settings.DETECTOR_LONG_SIDE
    )
    with refusals():
        return FacePipeline.build(
            settings.MODELS_DIR,
            backbone=backbone,
            engine=settings.INFERENCE_ENGINE,
            threads=settings.INFERENCE_THREADS,
            detector=detector,
        )


pipelines = Pipelines()


def serve_requests() -> None:
    """Prepare for answering requests: called once when a web process starts.

    The default network is prepared in the background, unless `PREPARE_MODELS` is off.
    """
    pipelines.patience = REQUEST_PATIENCE
    if settings.PREPARE_MODELS:
        pipelines.begin(settings.DEFAULT_BACKBONE)
