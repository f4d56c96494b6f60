"""Open-set identification on LFW by kind of score: what `open_set --scoring` runs.

The people are split in three by a seed. The second third gives the centring vectors and every
constant of the mixes. The first third is enrolled but for one image of each person with two or
more, the mated probes; the gallery itself, one image per person, is the cohort. The last third are
strangers, one image each. As in the product the two hundred nearest by the first component's cosine
are scored. FNIR at FPIR x: the share of mated probes whose person is not first, or scores below the
score that x of the strangers reach. Averages over several splits.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks import lfw, mixes
from benchmarks.calibration import first_of_each
from benchmarks.open_set import Rows, enroll, split
from recognition.vision import registry
from recognition.vision.embedding import centred
from recognition.vision.scoring import Mix, ScoreKind
from recognition.vision.types import Floats

CANDIDATES = 200
FPIRS = (0.01, 0.003)


@dataclass(frozen=True, slots=True)
class Scheme:
    """A way of scoring: backbones and kind."""

    title: str
    backbones: tuple[str, ...]
    kind: ScoreKind


SCHEMES = {
    "plain": (
        Scheme("FaceNet, cosine", ("facenet-casia",), "raw"),
        Scheme("dlib, cosine", ("dlib-resnet",), "raw"),
    ),
    "normalised": (
        Scheme("FaceNet, cohort-normalised", ("facenet-casia",), "normalised"),
        Scheme("dlib, cohort-normalised", ("dlib-resnet",), "normalised"),
    ),
    "ensemble": (
        Scheme("both, cosines fused", ("facenet-casia", "dlib-resnet"), "fused"),
        Scheme(
            "both, fused and cohort-normalised",
            ("facenet-casia", "dlib-resnet"),
            "fused_normalised",
        ),
    ),
}


@dataclass(frozen=True, slots=True)
class SchemeResult:
    """Means over the splits; `spread` is the standard deviation of FNIR at FPIR 1 % over them."""

    title: str
    kind: str
    fnir: dict[str, float]
    spread: float
    rank_1: float
    mated_probes: int
    strangers: int
    templates: int
    splits: int


def compare(
    sets: dict[str, lfw.LfwEmbeddings], yaw: Floats, schemes: Sequence[Scheme], seeds: Sequence[int]
) -> list[SchemeResult]:
    """Every scheme on the same splits."""
    found = np.logical_and.reduce([faces.found for faces in sets.values()])
    usable = np.flatnonzero(found)
    people = next(iter(sets.values())).people[usable]
    raw = {name: faces.raw[usable] for name, faces in sets.items()}
    outcomes: dict[str, list[_Outcome]] = {scheme.title: [] for scheme in schemes}
    for seed in seeds:
        for scheme in schemes:
            parts = [raw[name] for name in scheme.backbones]
            outcomes[scheme.title].append(_one_split(scheme, parts, people, yaw[usable], seed))
    return [_result(scheme, outcomes[scheme.title]) for scheme in schemes]


@dataclass(frozen=True, slots=True)
class _Outcome:
    fnir: tuple[float, ...]
    rank_1: float
    probes: int
    strangers: int
    templates: int


def _one_split(
    scheme: Scheme, raw: Sequence[Floats], people: Rows, yaw: Floats, seed: int
) -> _Outcome:
    rng = np.random.default_rng(seed)
    gallery, calibrating, unknown = split(people, seed)
    calibrating = calibrating[first_of_each(people[calibrating], 20)]
    stored = []
    for name, part in zip(scheme.backbones, raw, strict=True):
        mean = part[calibrating].mean(axis=0) if registry.get(name).centres else None
        # What is stored is a halfvec: scores are taken between rounded vectors.
        stored.append(centred(part, mean).astype(np.float16).astype(np.float32))
    mix = None
    if scheme.kind != "raw":
        cohort = mixes.draw_cohort(people, calibrating, rng)
        learning = mixes.describe(stored, cohort, yaw).rows(calibrating)
        poses = [mixes.POSES.get(name, (180.0, 180.0)) for name in scheme.backbones]
        mix = mixes.fit(scheme.kind, learning, people[calibrating], rng, poses)
    enrolled, probes = enroll(people, gallery, rng)
    strangers = mixes.draw_one_each(people, unknown, rng)
    faces = mixes.describe(stored, mixes.draw_cohort(people, enrolled, rng), yaw)
    templates = faces.rows(enrolled)
    known = _searched(mix, faces.rows(probes), templates)
    best = known.argmax(axis=1)
    right = people[enrolled[best]] == people[probes]
    highest = _searched(mix, faces.rows(strangers), templates).max(axis=1)
    fnirs = []
    for fpir in FPIRS:
        threshold = np.quantile(highest, 1 - fpir, method="higher")
        fnirs.append(1.0 - float((right & (known.max(axis=1) > threshold)).mean()))
    return _Outcome(tuple(fnirs), float(right.mean()), len(probes), len(strangers), len(enrolled))


def _searched(mix: Mix | None, probes: mixes.Faces, templates: mixes.Faces) -> Floats:
    """Scores of the candidates, minus infinity for all other templates."""
    cosines = mixes.matrix(None, probes, templates)
    if mix is None:
        return cosines
    last = np.partition(-cosines, CANDIDATES - 1, axis=1)[:, CANDIDATES - 1 : CANDIDATES]
    return np.where(-cosines <= last, mixes.matrix(mix, probes, templates), -np.inf)


def _result(scheme: Scheme, outcomes: Sequence[_Outcome]) -> SchemeResult:
    fnir = np.array([outcome.fnir for outcome in outcomes])
    return SchemeResult(
        title=scheme.title,
        kind=scheme.kind,
        fnir={f"{fpir:g}": float(fnir[:, i].mean()) for i, fpir in enumerate(FPIRS)},
        spread=float(fnir[:, 0].std(ddof=1)) if len(outcomes) > 1 else 0.0,
        rank_1=float(np.mean([outcome.rank_1 for outcome in outcomes])),
        mated_probes=sum(outcome.probes for outcome in outcomes),
        strangers=sum(outcome.strangers for outcome in outcomes),
        templates=round(float(np.mean([outcome.templates for outcome in outcomes]))),
        splits=len(outcomes),
    )


def table(results: Sequence[SchemeResult]) -> str:
    """The results for people."""
    lines = [f"{'scoring':<36}{'FNIR at FPIR 1 %':>20}{'0.3 %':>9}{'rank-1':>9}"]
    for row in results:
        first = f"{row.fnir['0.01']:.2%} +- {row.spread:.2%}"
        lines.append(f"{row.title:<36}{first:>20}{row.fnir['0.003']:>9.2%}{row.rank_1:>9.2%}")
    one = results[0]
    lines.append(
        f"{one.splits} splits, {one.templates} templates, {one.mated_probes} mated probes and "
        f"{one.strangers} strangers in all; +- is the deviation over the splits."
    )
    return "\n".join(lines)
