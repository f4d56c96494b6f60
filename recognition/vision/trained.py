"""Trained versions at work: the platform's own pipelines with a head behind them."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from recognition.vision.heads import Head
from recognition.vision.pipeline import FacePipeline
from recognition.vision.types import AnalysedFace, DetectedFace, Floats, Pixels, VersionInfo


class HeadEmbedder:
    """Embeds faces with every component and maps what they say. Safe to share between threads."""

    def __init__(self, components: Sequence[FacePipeline], head: Head) -> None:
        self.dimension = head.dimension
        self._components, self._head = tuple(components), head

    def embed(self, faces: Sequence[tuple[Pixels, DetectedFace]]) -> Floats:
        """Embeddings, float32 (N, d), unit norm; see `Embedder.embed`."""
        rows = [component.embedder.embed(faces) for component in self._components]
        return self._head.apply(np.concatenate(rows, axis=1))

    def add_to(
        self, first: Sequence[Floats], work: Sequence[tuple[Pixels, DetectedFace]]
    ) -> Floats:
        """The same where the first component has embedded the faces already."""
        if not work:
            return np.empty((0, self.dimension), np.float32)
        rows = [np.stack(first)]
        rows += [component.embedder.embed(work) for component in self._components[1:]]
        return self._head.apply(np.concatenate(rows, axis=1))


class TrainedPipeline:
    """Detects as its first component does and embeds with the head. See `FacePipeline`."""

    def __init__(
        self, components: Sequence[FacePipeline], head: Head, version: VersionInfo
    ) -> None:
        self._first = components[0]
        self.detector = components[0].detector
        self.embedder = HeadEmbedder(components, head)
        self.version = version

    def analyse(
        self,
        images: Sequence[Pixels],
        max_faces: int = 100,
        *,
        main_only: bool = False,
        timings: dict[str, float] | None = None,
    ) -> list[list[AnalysedFace]]:
        """All faces of each picture with their embeddings; see `FacePipeline.analyse`."""
        found = self._first.analyse(images, max_faces, main_only=main_only, timings=timings)
        work, first = [], []
        for image, faces in zip(images, found, strict=True):
            for face in faces:
                if face.embedding is not None:
                    work.append((image, face.face))
                    first.append(face.embedding)
        rows = iter(self.embedder.add_to(first, work))
        return [
            [
                face if face.embedding is None else replace(face, embedding=next(rows))
                for face in faces
            ]
            for faces in found
        ]
