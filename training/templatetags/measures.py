"""Small drawings and numbers of these pages."""

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()

_WIDTH, _HEIGHT, _GAP = 40, 96, 6


@register.simple_tag
def bar_rect(place: int, share: float) -> SafeString:
    """Return one bar of a histogram of seven, without any style attribute."""
    height = round(max(1.0, share * _HEIGHT), 1) if share else 0
    return format_html(
        '<rect x="{}" y="{}" width="{}" height="{}" rx="2"/>',
        place * _WIDTH + _GAP // 2,
        _HEIGHT - height,
        _WIDTH - _GAP,
        height,
    )


@register.filter
def percent(share: float | None) -> str:
    """Write a share in per cent with as many digits as it needs."""
    if share is None:
        return "–"
    value = 100 * share
    if value > 99.999:
        return "100 %"
    if 0 < value < 0.1 or value > 99.9:
        return f"{value:.3f} %"
    return f"{value:.1f} %" if value < 10 or value > 90 else f"{value:.0f} %"
