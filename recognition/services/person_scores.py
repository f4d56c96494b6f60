"""Scores of images become scores of people, by the gallery's rule."""

from collections import defaultdict
from dataclasses import dataclass
from uuid import UUID

import numpy as np

from faceplatform.core.errors import Conflict
from recognition.models import ScoreKind
from recognition.selectors import templates
from recognition.selectors.templates import Match
from recognition.services.scores import ProbeScores
from recognition.vision.fusion import RULES, fuse
from recognition.vision.types import Floats

NEAREST_IMAGE = "max"


@dataclass(frozen=True, slots=True)
class Candidate:
    """One of the nearest people: the best image with its own score, and the person's score."""

    face_id: UUID
    score: float
    image_score: float


def check_rule(rule: str, kind: str) -> None:
    """Refuse a rule that a kind of score has no meaning for: Conflict `rule_not_for_kind`.

    The cosine with the mean of images exists for cosines alone.
    """
    if rule == "centroid" and kind != ScoreKind.RAW:
        raise Conflict(
            "rule_not_for_kind", "The mean face exists for plain scores; choose another rule."
        )


def people_scores(
    scores: ProbeScores, embedding: Floats, best: dict[UUID, Match], *, most: int
) -> dict[UUID, Candidate]:
    """Return the nearest people, best first, by the gallery's rule over all their images.

    `best` is the nearest image of each person, best first; the first `most` are looked at. An empty
    rule is that of the nearest image, for which no other image is needed.
    """
    gallery = scores.gallery
    rule = gallery.fusion_rule or NEAREST_IMAGE
    if rule == NEAREST_IMAGE:
        return {
            person: Candidate(match.face_id, match.score, match.score)
            for person, match in best.items()
        }
    check_rule(rule, scores.scoring.kind)
    wanted = list(best)[:most]
    owners, found = templates.of_identities(gallery, wanted, embedding)
    own: dict[UUID, list[float]] = defaultdict(list)
    for match in scores.rescore(found):
        own[owners[match.face_id]].append(match.score)
    lengths = templates.centroid_lengths(gallery, wanted) if rule == "centroid" else {}
    known = next(name for name in RULES if name == rule)
    fused = {
        person: fuse(known, np.array(values, np.float32), centroid_length=lengths.get(person, 1.0))
        for person, values in own.items()
    }
    return {
        person: Candidate(best[person].face_id, fused[person], best[person].score)
        for person in sorted(fused, key=lambda person: -fused[person])
    }
