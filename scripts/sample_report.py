"""Write docs/sample-evaluation.pdf: the report of an evaluation of made-up people.

    python -m scripts.sample_report

The people are random numbers from a seed, so the file shows a report's form and no network's worth.
"""

from pathlib import Path

import numpy as np

from training.evaluation.arrays import Doubles, Floats, Ints
from training.evaluation.comparisons import compare_all
from training.evaluation.groups import templates_by_group
from training.evaluation.headlines import write_headline
from training.evaluation.identification import identify, search
from training.evaluation.pdf import write_pdf
from training.evaluation.protocols import split_search
from training.evaluation.quality import error_versus_discard
from training.evaluation.report import Report, Subject
from training.evaluation.resampling import IdentityCounts
from training.evaluation.sizes import by_gallery_size
from training.evaluation.verification import verify_all

SEED = 20180408
PEOPLE = 600
FILE = Path(__file__).resolve().parents[1] / "docs" / "sample-evaluation.pdf"


def made_up() -> tuple[Floats, Ints, Doubles]:
    """Templates of people with four images each, whose they are, and a quality that matters."""
    rng = np.random.default_rng(SEED)
    quality = rng.beta(5, 2, PEOPLE * 4)
    identities = np.repeat(np.arange(PEOPLE), 4)
    centres = rng.normal(size=(PEOPLE, 64))
    noise = (1.5 - quality)[:, None] * rng.normal(size=(PEOPLE * 4, 64))
    rows = centres[identities] + noise
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows.astype(np.float32), identities.astype(np.int64), quality


def sample() -> Report:
    """The report, made as the platform makes one."""
    rows, identities, quality = made_up()
    found = compare_all(rows, identities)
    verification = verify_all(found, IdentityCounts.of_templates(rows, identities))
    split = split_search(identities, seed=SEED)
    asked = np.concatenate([split.probes, split.strangers])
    searches = search(
        rows[asked], identities[asked], rows[split.gallery], identities[split.gallery]
    )
    identification = identify(
        searches, sizes=by_gallery_size(rows, identities, (10, 50, 200), seed=SEED)
    )
    first, second = np.triu_indices(len(rows), 1)
    own = identities[first] == identities[second]
    first, second = first[own], second[own]
    scores = np.einsum("ij,ij->i", rows[first], rows[second])
    strict = verification.points[2].threshold or verification.eer_threshold
    groups = np.where(identities < PEOPLE // 2, "group A", "group B")
    subject = Subject(
        "random numbers",
        "0" * 64,
        "made-up people",
        {"name": "all against all", "seed": SEED},
        len(rows) + 3,
        PEOPLE,
        failures=3,
    )
    return Report(
        "Sample evaluation",
        "2026-11-22",
        subject,
        write_headline(subject, verification=verification, identification=identification),
        verification,
        identification,
        discards=(
            error_versus_discard("quality", scores, quality[first], quality[second], strict),
        ),
        groups=templates_by_group(rows, identities, groups, strict),
        notes=("These people are random numbers: the figures mean nothing about any network.",),
    )


def main() -> None:
    """Write the file."""
    FILE.write_bytes(write_pdf(sample()))
    print(f"wrote {FILE.name}")


if __name__ == "__main__":
    main()
