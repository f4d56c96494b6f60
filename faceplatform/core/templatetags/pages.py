"""What every page needs: icons, state chips, numbers in words, the section of the rail."""

from typing import Any

from django import template
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()

# state: (tone, icon, word). A state is never shown by colour alone.
_CHIPS: dict[str, tuple[str, str, str]] = {
    "identified": ("good", "check", "Identified"),
    "unknown": ("none", "ring", "Not in the database"),
    "low_quality": ("warn", "triangle", "Too poor to tell"),
    "same": ("good", "check", "Same person"),
    "different": ("none", "ring", "Different people"),
    "enrolled": ("good", "check", "Enrolled"),
    "quarantined": ("warn", "triangle", "In review"),
    "unnamed": ("warn", "person", "To be named"),
    "rejected": ("bad", "cross", "Rejected"),
    "skipped": ("none", "ring", "Skipped"),
    "failed": ("bad", "cross", "Failed"),
    "refused": ("bad", "cross", "Refused"),
    "queued": ("none", "ring", "Waiting"),
    "running": ("live", "play", "Running"),
    "cancelling": ("warn", "triangle", "Stopping"),
    "succeeded": ("good", "check", "Done"),
    "cancelled": ("none", "slash", "Cancelled"),
    "active": ("good", "check", "Active"),
    "expired": ("warn", "triangle", "Expired"),
    "revoked": ("none", "slash", "Revoked"),
    "closed": ("warn", "triangle", "Closed to searches"),
    "ok": ("good", "check", "Works"),
    "degraded": ("warn", "triangle", "Works in part"),
    "down": ("bad", "cross", "Does not work"),
}

# first word of a URL's name: section of the rail
_SECTIONS = {
    "home": "home",
    "identify": "identify",
    "compare": "compare",
    "comparison": "compare",
    "gallery": "galleries",
    "hygiene": "galleries",
    "unnamed": "galleries",
    "galleries": "galleries",
    "identity": "galleries",
    "review": "review",
    "video": "videos",
    "videos": "videos",
    "import": "jobs",
    "dataset": "datasets",
    "datasets": "datasets",
    "training": "training",
    "evaluation": "evaluations",
    "evaluations": "evaluations",
    "job": "jobs",
    "jobs": "jobs",
    "probe": "history",
    "probes": "history",
    "settings": "settings",
    "keys": "settings",
    "key": "settings",
    "account": "settings",
}


@register.simple_tag
def icon(name: str, size: str = "") -> SafeString:
    """Return an icon of the sprite; `size` is empty, `small` or `big`."""
    classes = f"icon icon-{size}" if size else "icon"
    return format_html(
        '<svg class="{}" aria-hidden="true"><use href="#i-{}"></use></svg>', classes, name
    )


@register.simple_tag
def chip(state: str, word: str = "") -> SafeString:
    """Return the chip of a state: a shape and a word, in the colour of its meaning."""
    tone, shape, usual = _CHIPS[state]
    return format_html(
        '<span class="chip chip-{}" data-state="{}">{}{}</span>',
        tone,
        state,
        icon(shape),
        word or usual,
    )


@register.simple_tag(takes_context=True)
def section(context: dict[str, Any]) -> str:
    """Return the section of the rail that the page belongs to."""
    request: HttpRequest | None = context.get("request")
    match = request.resolver_match if request else None
    name = (match.url_name or "") if match else ""
    return _SECTIONS.get(name.partition("_")[0], "")


@register.filter
def score(value: float | None) -> str:
    """Write a score with three decimals and a true minus sign."""
    return "–" if value is None else f"{value:.3f}".replace("-", "−")


@register.filter
def file_name(path: str) -> str:
    """Return the last part of a path; where a photo lay on the machine that asked is not shown."""
    return path.replace("\\", "/").rstrip("/").rpartition("/")[2]


@register.filter
def one_in(share: float) -> str:
    """Write a share as `1 in 12,000`."""
    return f"1 in {max(1, round(1 / share)):,}" if share > 0 else "none"


@register.filter
def rate(per_second: float) -> str:
    """Write a rate per second or, where that is little, per minute."""
    if per_second < 1:
        return f"{60 * per_second:.0f} per minute"
    return f"{per_second:,.0f} per second" if per_second >= 10 else f"{per_second:.1f} per second"


@register.filter
def duration(seconds: float | None) -> str:
    """Write a time span in the largest unit that says enough."""
    if seconds is None:
        return ""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
