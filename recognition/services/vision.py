"""The vision engine as services use it: one prepared pipeline per process, typed refusals.

Nothing here loads a network at import. The first call builds the pipeline; later calls share it,
at most `INFERENCE_CONCURRENCY` at a time.
"""

import hashlib
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from django.conf import settings

from faceplatform.core.errors import DomainError
from recognition import metrics
from recognition.models import ModelVersion
from recognition.refusals import refusals
from recognition.services.pipelines import pipelines
from recognition.services.trained_pipelines import trained_pipeline
from recognition.vision import sandbox
from recognition.vision.types import AnalysedFace, DecodedImage, DetectedFace, Floats, Pixels

if TYPE_CHECKING:
    from recognition.vision.pipeline import FacePipeline
    from recognition.vision.trained import TrainedPipeline

_slots = threading.BoundedSemaphore(settings.INFERENCE_CONCURRENCY)


@dataclass(frozen=True, slots=True)
class AnalysedPhoto:
    """One photo with all its faces, largest first. `timings` are milliseconds per step."""

    sha256: str
    size: int
    media_type: str
    image: DecodedImage
    faces: tuple[AnalysedFace, ...]
    timings: dict[str, float]

    @property
    def width(self) -> int:
        """Pixels of the upright photo."""
        return self.image.width

    @property
    def height(self) -> int:
        """Pixels of the upright photo."""
        return self.image.height


def get_pipeline(version: ModelVersion) -> "FacePipeline | TrainedPipeline":
    """Return this process's pipeline for a version, building it on first use.

    Raises DomainError 503 when the model's files are being prepared, missing, damaged or refused,
    or when the installed backbone is another one than the version was registered with.
    """
    if version.is_trained:
        return trained_pipeline(version)
    found = pipelines.get(version.backbone)
    if found.version.digest != version.digest:
        raise DomainError(
            "model_mismatch",
            f"This gallery was made with another version of {version.backbone}.",
            status=503,
        )
    return found


def read_photo(data: bytes) -> DecodedImage:
    """Decode untrusted bytes within the limits, in a process of its own.

    Raises DomainError with the engine's code.
    """
    with refusals():
        return sandbox.decode_image(data)


def analyse_photo(
    data: bytes, *, version: ModelVersion, further: Sequence[ModelVersion] = ()
) -> AnalysedPhoto:
    """Find and embed every face of one photo, also under the `further` versions if any."""
    started = time.perf_counter()
    image = read_photo(data)
    decoded = time.perf_counter()
    timings = {"decode": round((decoded - started) * 1000, 1)}
    faces = analyse_images([image], version=version, further=further, timings=timings)[0]
    return photo_of(data, image, faces, timings=timings)


def analyse_images(
    images: Sequence[DecodedImage],
    *,
    version: ModelVersion,
    main_only: bool = False,
    timings: dict[str, float] | None = None,
    further: Sequence[ModelVersion] = (),
) -> list[tuple[AnalysedFace, ...]]:
    """Find and embed the faces of decoded photos in one batch.

    With `main_only` the main subject of each photo alone gets its embedding. `timings` receives
    milliseconds under `detect` and `embed`, without the wait for a free place. `further` versions
    embed the same faces: the other components of an ensemble.
    """
    pipeline = get_pipeline(version)
    others = [get_pipeline(other) for other in further]
    pixels = [image.pixels for image in images]
    with refusals(), _slots:
        answers = pipeline.analyse(pixels, main_only=main_only, timings=timings)
        found = [tuple(faces) for faces in answers]
        for other in others:
            found = _embedded_too(pixels, found, other)
    metrics.IMAGES.add(len(images), model=version.backbone)
    metrics.FACES.add(sum(len(faces) for faces in found), model=version.backbone)
    return found


def detect_faces(images: Sequence[Pixels], *, version: ModelVersion) -> list[list[DetectedFace]]:
    """Find the faces of pictures without embedding them."""
    pipeline = get_pipeline(version)
    with refusals(), _slots:
        return pipeline.detector.detect(images)


def embed_faces(faces: Sequence[tuple[Pixels, DetectedFace]], *, version: ModelVersion) -> Floats:
    """Embed faces that were found before: float32 (n, d)."""
    pipeline = get_pipeline(version)
    with refusals(), _slots:
        return pipeline.embedder.embed(faces)


def _embedded_too(
    pixels: Sequence[Pixels],
    found: list[tuple[AnalysedFace, ...]],
    pipeline: "FacePipeline | TrainedPipeline",
) -> list[tuple[AnalysedFace, ...]]:
    """Add another version's embedding to every face that has one."""
    work = [
        (image, face.face)
        for image, faces in zip(pixels, found, strict=True)
        for face in faces
        if face.embedding is not None
    ]
    rows = iter(pipeline.embedder.embed(work))
    return [
        tuple(
            face if face.embedding is None else replace(face, more=(*face.more, next(rows)))
            for face in faces
        )
        for faces in found
    ]


def photo_of(
    data: bytes,
    image: DecodedImage,
    faces: tuple[AnalysedFace, ...],
    *,
    timings: dict[str, float] | None = None,
) -> AnalysedPhoto:
    """Put a photo's bytes and what was found in it together."""
    return AnalysedPhoto(
        sha256=hashlib.sha256(data).hexdigest(),
        size=len(data),
        media_type=f"image/{image.format.lower()}",
        image=image,
        faces=faces,
        timings=timings or {},
    )


def main_face(faces: Sequence[AnalysedFace], width: int, height: int) -> AnalysedFace:
    """Return the main subject: large and near the centre, by the detector's rule."""
    from recognition.vision.detection import main_face as main_of

    chosen = main_of([face.face for face in faces], width, height)
    return next(face for face in faces if face.face is chosen)
