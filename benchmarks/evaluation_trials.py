"""Are the figures of an evaluation true? Four trials on LFW and on made-up people.

    python -m benchmarks.evaluation_trials [open_set threshold coverage labels] [--json]

open_set   half of the people of LFW enrolled, one image of each kept out as mated probe; one image
           of everybody else is a stranger. FNIR at FPIR 1 % for the five fusion rules, intervals
           over people. Centred by the mean over the strangers' people.
threshold  those strangers are halved by a seed 100 times; the threshold for FPIR 1 % is chosen on
           one half, measured on the other, and compared with the prediction interval.
coverage   200 made-up data sets of 60 people with four templates each, some people harder than
           others: how often the 95 % intervals hold the figure of 3,000 such people.
labels     300 images of LFW get the label of another person; how many of them are in the first
           1,500 doubtful pairs (an image with the comparison that speaks against its label).
"""

import argparse
import json
import statistics
from collections.abc import Callable
from dataclasses import asdict

import numpy as np

from benchmarks import environment, lfw
from benchmarks.evaluation import lfw_faces
from recognition.vision.embedding import centred
from recognition.vision.types import Floats
from training.evaluation.arrays import Ints
from training.evaluation.comparisons import compare_all
from training.evaluation.curves import ErrorCurve
from training.evaluation.headlines import percent, rate_cell
from training.evaluation.identification import Searches, choose_threshold, identify, search
from training.evaluation.protocols import split_search
from training.evaluation.resampling import IdentityCounts
from training.evaluation.suspects import suspects
from training.evaluation.uncertainty import Estimate, Interval, NotSupported
from training.evaluation.verification import verify_all

SEED = 20180408
HALVINGS = 100
DATA_SETS = 200
MISLABELLED = 300
LISTED = 1500
Figures = dict[str, object]


def searches(faces: lfw.LfwEmbeddings) -> dict[str, Searches]:
    """The five rules' searches with half of the people enrolled."""
    split = split_search(faces.people, enrolled=0.5, seed=SEED)
    enrolled = np.isin(faces.people, faces.people[split.gallery])
    templates = centred(faces.raw, faces.raw[~enrolled].mean(axis=0))
    asked = np.concatenate([split.probes, split.strangers])
    found = search(
        templates[asked],
        faces.people[asked],
        templates[split.gallery],
        faces.people[split.gallery],
    )
    return {str(rule): one for rule, one in found.items()}


def open_set(faces: lfw.LfwEmbeddings) -> Figures:
    """FNIR at FPIR 1 % per rule."""
    found = searches(faces)
    result = identify({one.rule: one for one in found.values()}, seed=SEED)
    rows = []
    for rule in result.rules:
        point = next(point for point in rule.points if point.target_fpir == 1e-2)
        rank_1 = asdict(rule.rank_1) if rule.rank_1 else None
        text = rate_cell(point.fnir)
        rows.append(asdict(point) | {"rule": rule.rule, "rank_1": rank_1, "text": text})
    return {
        "people": result.gallery_people,
        "templates": result.gallery_templates,
        "mated_searches": result.mated_searches,
        "strangers": result.nonmated_searches,
        "rules": rows,
    }


def threshold(faces: lfw.LfwEmbeddings) -> Figures:
    """Thresholds chosen on one half of the strangers, measured on the other."""
    one = searches(faces)["max"]
    strangers = one.top[~one.enrolled]
    rng = np.random.default_rng(SEED)
    shares, held = [], 0
    for _ in range(HALVINGS):
        order = rng.permutation(len(strangers))
        chosen, other = np.array_split(strangers[order], 2)
        choice = choose_threshold(chosen, 1e-2, future=len(other))
        if isinstance(choice, NotSupported):
            raise SystemExit(str(choice))
        share = float((other >= choice.threshold).mean())
        shares.append(share)
        held += choice.interval.low <= share <= choice.interval.high
    return {
        "strangers": len(strangers),
        "halvings": HALVINGS,
        "mean_fpir": statistics.mean(shares),
        "lowest_fpir": min(shares),
        "highest_fpir": max(shares),
        "within_prediction_interval": held,
    }


def made_up(people: int, rng: np.random.Generator) -> tuple[Floats, Ints]:
    """Four templates of each person; some people vary more than others."""
    spread = np.exp(rng.normal(0, 0.35, people))
    rows = rng.normal(size=(people, 1, 16))
    rows = rows + 0.7 * spread[:, None, None] * rng.normal(size=(people, 4, 16))
    rows /= np.linalg.norm(rows, axis=2, keepdims=True)
    return rows.reshape(-1, 16).astype(np.float32), np.repeat(np.arange(people), 4)


def coverage() -> Figures:
    """How often intervals hold the truth, per figure."""
    rng = np.random.default_rng(SEED)
    crowd = ErrorCurve.of_comparisons(compare_all(*made_up(3000, rng), keep=0))
    at = crowd.at(0.5)
    strict = crowd.at(crowd.threshold_at_fmr(1e-2))
    truth = {
        "eer": crowd.eer()[0],
        "auc": crowd.auc(),
        "fnmr at fmr 1e-2": strict.fnmr,
        "fmr at 0.5": at.fmr,
        "fnmr at 0.5": at.fnmr,
    }
    held = dict.fromkeys(truth, 0)
    for number in range(DATA_SETS):
        rows, people = made_up(60, rng)
        found = verify_all(
            compare_all(rows, people, keep=0),
            IdentityCounts.of_templates(rows, people),
            step=0.25,
            seed=number,
        )
        row = next(row for row in found.table if row.score == 0.5)
        point = next(point for point in found.points if point.target_fmr == 1e-2)
        spans = (found.eer, found.auc, point.fnmr, row.fmr, row.fnmr)
        for name, figure in zip(truth, spans, strict=True):
            held[name] += _holds(figure, truth[name])
    shares = {name: count / DATA_SETS for name, count in held.items()}
    return {"data_sets": DATA_SETS, "truth": truth, "coverage": shares}


def _holds(figure: object, truth: float) -> bool:
    span = figure.interval if isinstance(figure, Estimate) else getattr(figure, "interval", None)
    return isinstance(span, Interval) and span.low <= truth <= span.high


def labels(faces: lfw.LfwEmbeddings) -> Figures:
    """Wrong labels among the doubtful ones."""
    templates = centred(faces.raw, faces.raw.mean(axis=0))
    rng = np.random.default_rng(SEED)
    wrong = rng.choice(len(templates), MISLABELLED, replace=False)
    people = faces.people.copy()
    for row in wrong:
        others = np.setdiff1d(np.unique(faces.people), faces.people[row])
        people[row] = rng.choice(others)
    listed = suspects(templates, people, keep=LISTED)
    order = [one.row for one in listed]
    pairs = {row for one in listed for row in (one.row, one.own) if row >= 0}
    return {
        "images": len(templates),
        "mislabelled": MISLABELLED,
        "listed": LISTED,
        "found_as_the_doubted_image": len(set(order) & set(wrong.tolist())),
        "found_in_the_pair": len(pairs & set(wrong.tolist())),
        "found_in_first_300": len(set(order[:300]) & set(wrong.tolist())),
    }


def table(results: dict[str, Figures]) -> str:
    """The results for people."""
    lines = []
    for name, figures in results.items():
        lines.append(name)
        for key, value in figures.items():
            if key == "rules" and isinstance(value, list):
                lines += [f"  {row['rule']:<10} FNIR at FPIR 1 %: {row['text']}" for row in value]
            elif isinstance(value, dict):
                lines += [f"  {key} of {inner}: {percent(float(v))}" for inner, v in value.items()]
            else:
                lines.append(
                    f"  {key}: {value:.5g}" if isinstance(value, float) else f"  {key}: {value}"
                )
    return "\n".join(lines)


def main() -> None:
    """Run the trials asked for and print their record."""
    environment.run_without_blas_overrides("benchmarks.evaluation_trials")
    on_faces: dict[str, Callable[[lfw.LfwEmbeddings], Figures]] = {
        "open_set": open_set,
        "threshold": threshold,
        "labels": labels,
    }
    names = [*on_faces, "coverage"]
    parser = argparse.ArgumentParser(description="Are the figures of an evaluation true?")
    parser.add_argument("trials", nargs="*", help=f"of {', '.join(names)}; all unless given")
    environment.add_arguments(parser, data=environment.DATA / "lfw")
    parser.add_argument("--backbone", default="facenet-casia")
    parser.add_argument("--json", action="store_true", help="one JSON record and nothing else")
    options = parser.parse_args()
    wanted = options.trials or names
    if unknown := set(wanted) - set(names):
        parser.error(f"no trial is called {', '.join(sorted(unknown))}")
    results: dict[str, Figures] = {}
    if set(wanted) & set(on_faces):
        faces, _ = lfw_faces(options.models_dir, options.data, options.cache, options.backbone)
        results |= {name: work(faces) for name, work in on_faces.items() if name in wanted}
    if "coverage" in wanted:
        results["coverage"] = coverage()
    protocol = (__doc__ or "").partition("\n\n    ")[2].partition("\n\n")[2]
    record = environment.record("evaluation_trials", protocol=protocol, seed=SEED, **results)
    print(json.dumps(record, indent=1) if options.json else table(results))


if __name__ == "__main__":
    main()
