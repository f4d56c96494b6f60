"""A score on its axis, as SVG without any style attribute."""

from typing import Any

from django import template

from recognition.selectors.score_shapes import HIGH, LOW, ScoreShapes

register = template.Library()

WIDTH, HEIGHT = 260, 40
_TONES = {"identified": "good", "unknown": "none", "low_quality": "warn"}


@register.inclusion_tag("components/score_bar.html")
def score_bar(
    value: float,
    threshold: float,
    *,
    decision: str = "unknown",
    shapes: ScoreShapes | None = None,
    slim: bool = False,
) -> dict[str, Any]:
    """Draw a score with the threshold marked and, if given, the two distributions behind it."""
    return {
        "value": value,
        "threshold": threshold,
        "tone": _TONES[decision],
        "slim": slim,
        "width": WIDTH,
        "score_x": position(value),
        "threshold_x": position(threshold),
        "zero_x": position(0.0),
        "mated": outline(shapes.mated) if shapes else "",
        "nonmated": outline(shapes.nonmated) if shapes else "",
    }


@register.inclusion_tag("components/score_spread.html")
def score_spread(shapes: ScoreShapes, threshold: float) -> dict[str, Any]:
    """Draw the two distributions with the threshold between them."""
    return {
        "shapes": shapes,
        "threshold": threshold,
        "width": WIDTH,
        "threshold_x": position(threshold),
        "mated": outline(shapes.mated),
        "nonmated": outline(shapes.nonmated),
    }


@register.filter
def how_far(margin: float) -> str:
    """Write by how much a score misses a threshold, without a sign."""
    return f"{abs(margin):.3f}"


def position(score: float) -> float:
    """Return where a score lies on the axis, kept inside it."""
    share = (min(max(score, LOW), HIGH) - LOW) / (HIGH - LOW)
    return round(share * WIDTH, 1)


def outline(heights: tuple[float, ...]) -> str:
    """Return the path of an area from the axis up; heights are 0 to 1."""
    step = WIDTH / len(heights)
    points = [
        f"L{(index + 0.5) * step:.1f} {HEIGHT * (1 - height):.1f}"
        for index, height in enumerate(heights)
    ]
    return f"M0 {HEIGHT}{''.join(points)}L{WIDTH} {HEIGHT}Z"
