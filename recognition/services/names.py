"""Names of galleries and people in one form, so that two that look the same are the same."""

import unicodedata

from faceplatform.core.errors import DomainError

_JOINERS = "\u200c\u200d"
"""ZERO WIDTH NON-JOINER and JOINER: spelling in Persian and in India, and one emoji of several."""
_VIRAMA = 9
"""Canonical combining class of the signs that drop a vowel."""
_ARABIC = frozenset({"AL", "NSM"})
"""Bidirectional classes of Arabic letters and of the marks on them."""


def clean_name(name: str, *, limit: int) -> str:
    """Return the name in Unicode NFC, with single spaces and without what cannot be seen.

    Every kind of white space counts as a space. Format characters, such as those that turn the
    direction of writing, are left out; joiners stay where they are spelling. Raises DomainError
    `name_invalid` for other control characters, and when nothing or more than `limit` characters
    are left.
    """
    spaced = " ".join(name.split())
    if any(unicodedata.category(c) in {"Cc", "Cs"} for c in spaced):
        raise DomainError("name_invalid", "A name holds no control characters.")
    seen = "".join(c for c in spaced if unicodedata.category(c) != "Cf" or c in _JOINERS)
    seen = unicodedata.normalize("NFC", seen)
    spelled = "".join(c for n, c in enumerate(seen) if c not in _JOINERS or _joins(seen, n))
    cleaned = " ".join(unicodedata.normalize("NFC", spelled).split())
    if not cleaned or len(cleaned) > limit:
        raise DomainError("name_invalid", f"A name has 1 to {limit} characters.")
    return cleaned


def _joins(text: str, place: int) -> bool:
    """Whether the joiner at this place changes how the name is written.

    After RFC 5892, A.1 and A.2: behind a virama, or between Arabic letters. And between emoji.
    """
    before, after = text[max(0, place - 1) : place], text[place + 1 : place + 2]
    if not before:
        return False
    if unicodedata.combining(before) == _VIRAMA:
        return True
    if not after:
        return False
    if unicodedata.bidirectional(after) == "AL" and unicodedata.bidirectional(before) in _ARABIC:
        return True
    emoji = before == "\ufe0f" or unicodedata.category(before) in {"So", "Sk"}
    return emoji and unicodedata.category(after) == "So"
