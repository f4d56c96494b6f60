"""Turning candidates found by cosine into candidates scored as the gallery scores."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import cast
from uuid import UUID

import numpy as np

from recognition.models import Gallery
from recognition.refusals import refusals
from recognition.selectors import templates
from recognition.selectors.score_kinds import Scoring, scoring_of
from recognition.selectors.templates import Described, Match
from recognition.services.cohorts import statistics
from recognition.vision.calibration import Calibration
from recognition.vision.scoring import CohortStatistics, Mix, ScoreKind, normalised
from recognition.vision.types import AnalysedFace, Floats


@dataclass(frozen=True, slots=True)
class ProbeScores:
    """One probe in one gallery: scores any of the gallery's faces against it.

    The probe's own cohort statistics are computed once, when this is made.
    """

    gallery: Gallery
    scoring: Scoring
    embeddings: tuple[Floats | None, ...]
    norms: tuple[CohortStatistics | None, ...]
    yaw: float

    def rescore(self, found: Iterable[Match]) -> list[Match]:
        """Return the faces with the gallery's kind of score, best first."""
        matches = list(found)
        if self.scoring.plain or not matches:
            return matches
        faces = [match.face_id for match in matches]
        scored = self._mixed(faces)
        rows = [
            Match(face_id=face, score=float(score))
            for face, score in zip(faces, scored, strict=True)
        ]
        return sorted(rows, key=lambda match: -match.score)

    def components(self, faces: Sequence[UUID]) -> dict[UUID, list[float]]:
        """Return the cosine of each of these faces under every network, the first one first.

        Empty where one network alone looks. A face without a template of a network has 0 there.
        """
        if len(self.scoring.versions) < 2:
            return {}
        found = {face: [0.0] * len(self.scoring.versions) for face in faces}
        pairs = zip(self.scoring.versions, self.embeddings, strict=True)
        for place, (version, embedding) in enumerate(pairs):
            if embedding is not None:
                for row in templates.describe(self.gallery, version, embedding, faces, None):
                    found[row.face_id][place] = round(row.score, 4)
        return found

    def _mixed(self, faces: Sequence[UUID]) -> Floats:
        raw: list[Floats] = []
        cohort: list[Floats | None] = []
        turned = np.full(len(faces), self.yaw, np.float32)
        place = {face: index for index, face in enumerate(faces)}
        parts = zip(
            self.scoring.versions, self.scoring.cohorts, self.embeddings, self.norms, strict=True
        )
        for version, active, embedding, own in parts:
            rows: list[Described] = []
            if embedding is not None:
                cohort_id = active.id if active else None
                rows = templates.describe(self.gallery, version, embedding, faces, cohort_id)
            columns = np.full((3, len(faces)), np.nan, np.float32)
            for row in rows:
                index = place[row.face_id]
                columns[:, index] = (row.score, row.mean, row.deviation)
                turned[index] = max(turned[index], row.yaw)
            raw.append(columns[0])
            if own is None:
                cohort.append(np.full(len(faces), np.nan, np.float32))
            else:
                theirs = CohortStatistics(columns[1], columns[2])
                cohort.append(normalised(columns[0], own.rows([0] * len(faces)), theirs))
        return _mix_of(self.scoring).scores(raw, cohort, turned)


def probe_scores(gallery: Gallery, face: AnalysedFace, scoring: Scoring) -> ProbeScores:
    """Prepare to score the gallery's faces against one face of a probe."""
    embeddings = (face.embedding, *face.more)[: len(scoring.versions)]
    embeddings += (None,) * (len(scoring.versions) - len(embeddings))
    norms = tuple(
        None if embedding is None else statistics(cohort, embedding[None])
        for cohort, embedding in zip(scoring.cohorts, embeddings, strict=True)
    )
    yaw = abs(float(face.face.quality.yaw))
    return ProbeScores(gallery, scoring, embeddings, norms, yaw)


def current_scoring(gallery: Gallery) -> Scoring:
    """Return how the gallery scores now. Raises DomainError without a calibration of that kind."""
    scoring = scoring_of(gallery)
    if not scoring.plain:
        _mix_of(scoring)
    return scoring


def _mix_of(scoring: Scoring) -> Mix:
    with refusals():
        mix = Calibration.load(scoring.calibration, kind=cast(ScoreKind, scoring.kind.value)).mix
    if mix is None:
        raise AssertionError("a mixed kind's calibration file has no mix")
    return mix
