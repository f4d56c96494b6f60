"""One report: every figure and every curve point of an evaluation, as JSON and back.

Pages, static figures, tables and the PDF are all made from a `Report`, so they cannot differ.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from training.evaluation import codec
from training.evaluation.arrays import EvaluationError
from training.evaluation.classification import Classification
from training.evaluation.groups import GroupResult
from training.evaluation.identification import Identification
from training.evaluation.paired import ModelComparison
from training.evaluation.quality import DiscardCurve
from training.evaluation.suspects import Suspect
from training.evaluation.uncertainty import Estimate, Measured, measured
from training.evaluation.verification import Verification

VERSION = 1


@dataclass(frozen=True, slots=True)
class Subject:
    """What was evaluated on what.

    `score_kind` names the kind of score ("cosine", "cohort-normalised", "fused"); `protocol` is the
    manifest of the protocol (`protocols.*.manifest()`), `data` a short name of the images.
    """

    model: str
    model_digest: str
    data: str
    protocol: Mapping[str, Any]
    images: int
    identities: int
    failures: int
    score_kind: str = "cosine"
    input_kind: str = "photograph"

    @property
    def failure_to_enroll(self) -> Measured:
        """Share of images without a template."""
        return measured(self.failures, self.images)


@dataclass(frozen=True, slots=True)
class HardPair:
    """A comparison worth looking at. `first` and `second` name images as the caller does."""

    first: str
    second: str
    score: float
    mated: bool


@dataclass(frozen=True, slots=True)
class NamedSuspect:
    """A doubtful label, with the names of the images instead of row numbers; see `Suspect`."""

    image: str
    own: str | None
    own_score: float
    other: str
    other_score: float
    evidence: float


@dataclass(frozen=True, slots=True)
class Headline:
    """The result in words for somebody who knows no error rates, and the figure behind them."""

    title: str
    sentences: tuple[str, ...]
    figure: Estimate | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """All figures of one evaluation. Sections that were not asked for are None or empty."""

    title: str
    created: str
    subject: Subject
    headline: Headline
    verification: Verification | None = None
    identification: Identification | None = None
    classification: Classification | None = None
    discards: tuple[DiscardCurve, ...] = ()
    groups: tuple[GroupResult, ...] = ()
    models: ModelComparison | None = None
    hardest_mated: tuple[HardPair, ...] = ()
    hardest_nonmated: tuple[HardPair, ...] = ()
    suspects: tuple[NamedSuspect, ...] = ()
    notes: tuple[str, ...] = ()
    version: int = VERSION
    other_model: str = ""
    """Name of the second model of `models`."""

    def to_dict(self) -> dict[str, Any]:
        """JSON values; `from_dict` makes the same report of them."""
        content: dict[str, Any] = codec.encode(self)
        return content

    def to_json(self) -> str:
        """One line of JSON without NaN."""
        return json.dumps(self.to_dict(), allow_nan=False, separators=(",", ":"))

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> "Report":
        """Raises `EvaluationError` `bad_report`, or `other_version` for another format."""
        if content.get("version") != VERSION:
            raise EvaluationError("other_version", f"report of version {content.get('version')!r}")
        report: Report = codec.decode(cls, dict(content))
        return report


def named_suspects(found: tuple[Suspect, ...], names: list[str]) -> tuple[NamedSuspect, ...]:
    """Suspects with the names of the rows."""
    return tuple(
        NamedSuspect(
            names[one.row],
            names[one.own] if one.own >= 0 else None,
            one.own_score,
            names[one.other],
            one.other_score,
            one.evidence,
        )
        for one in found
    )
