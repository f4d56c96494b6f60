"""Numbers and states in words."""

import pytest
from django.template import Context, Template

from faceplatform.core.templatetags.pages import chip, duration, file_name, one_in, rate, score
from recognition.selectors.score_shapes import HIGH, LOW
from recognition.templatetags.scores import HEIGHT, WIDTH, outline, position


@pytest.mark.parametrize(
    ("value", "written"), [(0.5, "0.500"), (-0.0421, "−0.042"), (1.0, "1.000"), (None, "–")]
)
def test_scores_have_three_decimals(value: float | None, written: str) -> None:
    assert score(value) == written


@pytest.mark.parametrize(
    ("share", "written"),
    [(0.01, "1 in 100"), (1 / 12000, "1 in 12,000"), (1.0, "1 in 1"), (0, "none")],
)
def test_shares_are_written_as_one_in(share: float, written: str) -> None:
    assert one_in(share) == written


@pytest.mark.parametrize(
    ("seconds", "written"),
    [(0.25, "250 ms"), (4.5, "4.5 s"), (75, "75 s"), (600, "10 min"), (9000, "2.5 h"), (None, "")],
)
def test_durations_take_the_largest_unit_that_says_enough(
    seconds: float | None, written: str
) -> None:
    assert duration(seconds) == written


@pytest.mark.parametrize(
    ("per_second", "written"),
    [(0.05, "3 per minute"), (2.34, "2.3 per second"), (1234.5, "1,234 per second")],
)
def test_rates(per_second: float, written: str) -> None:
    assert rate(per_second) == written


def test_a_chip_has_a_shape_and_a_word() -> None:
    shown = chip("identified")
    assert 'href="#i-check"' in shown
    assert "Identified" in shown


@pytest.mark.parametrize(
    ("path", "shown"),
    [("gate.jpg", "gate.jpg"), ("/srv/a b/gate.jpg", "gate.jpg"), ("C:\\in\\x.png", "x.png")],
)
def test_only_the_name_of_a_file_that_was_asked_about_is_shown(path: str, shown: str) -> None:
    assert file_name(path) == shown


def test_a_chip_escapes_its_word() -> None:
    assert "<b>" not in chip("identified", "<b>")


def test_scores_outside_the_axis_stay_inside_the_picture() -> None:
    assert (position(LOW - 1), position(HIGH + 1)) == (0.0, WIDTH)
    assert position((LOW + HIGH) / 2) == pytest.approx(WIDTH / 2)


def test_an_outline_is_closed_and_reaches_its_peak() -> None:
    path = outline((0.0, 1.0, 0.0))
    assert path.startswith(f"M0 {HEIGHT}")
    assert " 0.0L" in path
    assert path.endswith("Z")


def test_a_score_bar_says_its_numbers_and_sets_no_style() -> None:
    template = Template("{% load scores %}{% score_bar 0.7 0.5 decision='identified' %}")
    shown = template.render(Context({}))
    assert 'aria-label="Score 0.700, threshold 0.500"' in shown
    assert "style=" not in shown
