"""A report there and back, and everything that is made of it."""

import csv
import dataclasses
import io
import json
import subprocess
import sys
from statistics import NormalDist

import numpy as np
import pytest

from tests.training.evaluation.people import templates
from training.evaluation import pdf, plots, tables
from training.evaluation.arrays import EvaluationError
from training.evaluation.classification import classify
from training.evaluation.comparisons import compare_all
from training.evaluation.groups import templates_by_group
from training.evaluation.headlines import of_hundred, percent, rate_text, write_headline
from training.evaluation.identification import identify, search
from training.evaluation.paired import compare_models
from training.evaluation.plotly_figures import figures
from training.evaluation.protocols import split_search
from training.evaluation.quality import error_versus_discard
from training.evaluation.report import HardPair, Report, Subject, named_suspects
from training.evaluation.resampling import IdentityCounts
from training.evaluation.sizes import by_gallery_size
from training.evaluation.suspects import suspects
from training.evaluation.uncertainty import Estimate, Interval, NotSupported, Rate, measured
from training.evaluation.verification import verify_all

NAMES = ("scores", "det", "roc", "rates", "cmc", "open_set", "discard", "confusion")


@pytest.fixture(scope="module")
def report() -> Report:
    """A report with every section, on made-up people."""
    rows, identities = templates(120, 3, noise=1.0)
    names = [f"{person}/{row}.jpg" for row, person in enumerate(identities.tolist())]
    found = compare_all(rows, identities, keep=10)
    verification = verify_all(found, IdentityCounts.of_templates(rows, identities))
    split = split_search(identities, seed=1)
    asked = np.concatenate([split.probes, split.strangers])
    searches = search(
        rows[asked], identities[asked], rows[split.gallery], identities[split.gallery]
    )
    identification = identify(searches, sizes=by_gallery_size(rows, identities, (10, 50), draws=4))
    classification = classify([0, 0, 1, 1], [0, 1, 1, -1], ["=Ann", "Bo"], milliseconds=[3.0, 4.0])
    subject = Subject(
        "facenet-casia",
        "5e7f12d5",
        "made-up people",
        split.manifest(),
        len(rows) + 1,
        120,
        failures=1,
    )
    hard, low = found.hardest_nonmated, found.hardest_mated
    first, second = np.triu_indices(len(rows), 1)
    scores = np.einsum("ij,ij->i", rows[first], rows[second])
    mated = identities[first] == identities[second]
    people = identities[first], identities[second]
    return Report(
        "Evaluation of made-up people",
        "2026-11-22T10:00:00Z",
        subject,
        write_headline(
            subject,
            verification=verification,
            identification=identification,
            classification=classification,
        ),
        verification,
        identification,
        classification,
        (error_versus_discard("sharpness", scores[mated], scores[mated], scores[mated], 0.3),),
        templates_by_group(rows, identities, np.where(identities < 60, "older", "younger"), 0.3),
        compare_models(scores, scores**3, mated, *people),
        tuple(
            HardPair(names[a], names[b], float(s), True)
            for a, b, s in zip(low.first, low.second, low.scores, strict=True)
        ),
        tuple(
            HardPair(names[a], names[b], float(s), False)
            for a, b, s in zip(hard.first, hard.second, hard.scores, strict=True)
        ),
        named_suspects(suspects(rows, identities, keep=20), names),
        ("A note.",),
    )


def test_json_there_and_back(report: Report) -> None:
    again = Report.from_dict(json.loads(report.to_json()))
    assert again == report
    assert again.to_json() == report.to_json()


def test_another_version_and_damage_are_refused(report: Report) -> None:
    content = json.loads(report.to_json())
    with pytest.raises(EvaluationError) as error:
        Report.from_dict(content | {"version": 2})
    assert error.value.code == "other_version"
    for damaged in (
        content | {"more": 1},
        {key: value for key, value in content.items() if key != "title"},
        content | {"title": 3},
        content | {"verification": {"kind": "Interval", "low": 0, "high": 1}},
        content | {"notes": "text"},
    ):
        with pytest.raises(EvaluationError) as error:
            Report.from_dict(damaged)
        assert error.value.code == "bad_report"


def test_what_json_cannot_say_is_refused(report: Report) -> None:
    broken = dataclasses.replace(
        report, headline=dataclasses.replace(report.headline, figure=Estimate(float("nan")))
    )
    with pytest.raises(EvaluationError) as error:
        broken.to_json()
    assert error.value.code == "not_finite"


def test_plotly_figures_show_the_report_s_points(report: Report) -> None:
    found = figures(report)
    assert tuple(found) == NAMES
    json.dumps(found, allow_nan=False)
    assert report.verification is not None
    curve = report.verification.curve
    rates = found["rates"]["data"]
    assert rates[0]["y"] == list(curve.fnmr)
    assert rates[1]["y"] == list(curve.fmr)
    det = found["det"]["data"][0]
    inside = [(a, b) for a, b in zip(curve.fmr, curve.fnmr, strict=True) if 0 < a < 1 and 0 < b < 1]
    assert det["x"] == [NormalDist().inv_cdf(a) for a, _ in inside]
    assert det["customdata"] == [list(pair) for pair in inside]
    assert report.identification is not None
    assert len(found["cmc"]["data"]) == 5
    right, wrong = found["confusion"]["data"]  # of the counts [[1, 1], [0, 1]]
    assert right["x"] == right["y"]
    assert (right["customdata"], wrong["customdata"]) == ([1, 1], [1])
    assert (wrong["y"], wrong["x"]) == ([right["y"][0]], [right["x"][1]])


def test_static_figures_are_files_of_their_kind_and_always_the_same(report: Report) -> None:
    assert plots.names(report) == NAMES
    for name, file_format, start in (
        ("det", "png", b"\x89PNG"),
        ("confusion", "pdf", b"%PDF"),
        ("cmc", "svg", b"<?xml"),
    ):
        drawn = plots.draw(report, name, file_format)  # type: ignore[arg-type]
        assert drawn.startswith(start)
        assert drawn == plots.draw(report, name, file_format)  # type: ignore[arg-type]
    with pytest.raises(EvaluationError):
        plots.draw(report, "nothing", "png")
    with pytest.raises(EvaluationError):
        plots.draw(report, "det", "gif")  # type: ignore[arg-type]


def test_the_pdf_has_headline_figures_and_tables(report: Report) -> None:
    content = pdf.write_pdf(report)
    assert content.startswith(b"%PDF")
    pages = content.count(b"/Type /Page ") + content.count(b"/Type /Page\n")
    assert pages >= 1 + len(NAMES) / 2 + 1


def test_a_table_that_does_not_fit_goes_on_over_the_page(report: Report) -> None:
    people = [f"person {number}" for number in range(150)]
    long = classify(list(range(150)), list(range(150)), people)
    small = dataclasses.replace(
        report, verification=None, identification=None, classification=long, groups=(), discards=()
    )
    more = pdf.write_pdf(small).count(b"/Type /Page ")
    few = pdf.write_pdf(dataclasses.replace(small, classification=None)).count(b"/Type /Page ")
    assert more - few == 1 + 4  # the matrix; 150 people and no confusions at 40 rows to a page


def test_sections_that_were_not_asked_for_are_left_out(report: Report) -> None:
    small = Report(
        "t", "2026", report.subject, report.headline, classification=report.classification
    )
    assert plots.names(small) == ("confusion",)
    assert set(tables.csv_files(small)) == {"classes", "confused", "matrix"}
    assert Report.from_dict(json.loads(small.to_json())) == small


def test_csv_files_hold_plain_numbers(report: Report) -> None:
    found = {
        name: list(csv.DictReader(io.StringIO(text)))
        for name, text in tables.csv_files(report).items()
    }
    assert report.verification is not None
    points = found["operating_points"]
    for row, point in zip(points, report.verification.points, strict=True):
        assert float(row["target_fmr"]) == point.target_fmr
        if isinstance(point.fnmr, Rate):
            assert float(row["fnmr"]) == point.fnmr.value
            assert int(row["fnmr_trials"]) == point.fnmr.trials
        else:
            assert row["fnmr"] == ""
    assert len(found["curve"]) == len(report.verification.curve.fmr)
    assert found["classes"][0]["class"] == "'=Ann"
    assert [float(row["evidence"]) for row in found["suspects"]] == [
        one.evidence for one in report.suspects
    ]
    assert {row["mated"] for row in found["hardest_pairs"]} == {"0", "1"}


def test_words_for_everybody(report: Report) -> None:
    text = " ".join(report.headline.sentences)
    assert "are found first" in text
    assert "When 10 of 100 strangers" in text  # 60 strangers cannot speak of 1 of 100
    assert "No face was found in 1 of 361 images" in text
    assert report.identification is not None
    assert report.headline.figure == report.identification.rules[0].rank_1
    assert "confidence" not in text


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (0.5, "50.0 %"),
        (0.0123, "1.2 %"),
        (0.00031, "0.031 %"),
        (1e-6, "0.00010 %"),
        (0.0, "0 %"),
        (1.0, "100.0 %"),
    ],
)
def test_percent(share: float, words: str) -> None:
    assert percent(share) == words


@pytest.mark.parametrize(
    ("share", "words"), [(0.03, "3 of 100"), (1e-3, "1 of 1,000"), (2e-6, "2 of 1,000,000")]
)
def test_of_hundred(share: float, words: str) -> None:
    assert of_hundred(share) == words


def test_what_is_not_supported_is_never_printed_as_zero() -> None:
    assert rate_text(measured(0, 3000)) == "not supported by 3,000 comparisons, at most 0.10 %"
    assert rate_text(NotSupported(50, None, 3000)) == "not supported by 50 comparisons"
    weak = Rate(0.005, 5, 1000, Interval(0.002, 0.012))
    assert rate_text(weak).endswith("; only 5 errors")


def test_importing_the_evaluation_imports_nothing_heavy() -> None:
    code = (
        "import sys, training.evaluation.report, training.evaluation.pdf, "
        "training.evaluation.export, training.evaluation.plotly_figures, training.evaluation.sizes;"
        "heavy = {'matplotlib', 'pandas', 'pyarrow', 'plotly', 'torch', 'cv2', 'django', 'scipy'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd="."
    )
    assert answer.stdout.strip() == "[]"


def test_the_headline_takes_a_target_that_enough_errors_stand_behind(report: Report) -> None:
    assert report.verification is not None
    sound = [
        point.target_fmr
        for point in report.verification.points
        if isinstance(point.fmr, Rate) and point.fmr.sound
    ]
    assert min(sound) == 1e-3  # 64,000 nonmated pairs: 64 false matches are expected
    assert "1 of 1,000 pairs" in " ".join(report.headline.sentences)
    strictest = dataclasses.replace(
        report.verification,
        points=tuple(p for p in report.verification.points if p.target_fmr not in sound),
    )
    words = write_headline(report.subject, verification=strictest)
    assert "Set so that" not in " ".join(words.sentences)
