"""Values that are none: numbers, labels, parameters and JSON bodies. Rows 49 to 54 of the table."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Value:
    """One value in the place that its row is about.

    `sent` is what goes over the wire, `code` the API's answer, `page` the status of a page that
    takes the same, 0 where none does.
    """

    row: int
    name: str
    sent: bytes
    code: str
    page: int = 0

    def __str__(self) -> str:
        return f"{self.row}-{self.name}"


def deep(levels: int) -> bytes:
    return b'{"name": "a", "metadata": ' + b'{"a":' * levels + b"1" + b"}" * (levels + 1)


def number(name: str, sent: bytes, code: str = "400 invalid", page: int = 422) -> Value:
    """Row 49: what is sent where a number is asked for."""
    return Value(49, f"number {name}", sent, code, page)


NUMBERS = (
    number("-0.1", b"-0.1"),
    number("1.1", b"1.1"),
    number('"abc"', b'"abc"'),
    number('"5", digits as text', b'"5"', page=0),
    number("true", b"true"),
    number("null", b"null"),
    number("-1", b"-1", "400 min_value"),
    number("NaN", b"NaN", "400 malformed"),
    number("1e400", b"1e400", "400 malformed"),
    number('"0,5"', b'"0,5"'),
    number("of 31 digits", b"9" * 31, "400 max_value"),
    number("of 5,000 digits", b"9" * 5000, "400 malformed"),
)
"""Sent as days to keep photos: thresholds come from evaluations, nobody sends them."""

EMBEDDINGS = tuple(
    Value(50, f"embedding {name}", sent, code)
    for name, sent, code in (
        ("with NaN", b"[NaN, 1]", "400 malformed"),
        ("with Infinity", b"[Infinity, 1]", "400 malformed"),
        ("of zeros", b"[" + b"0, " * 511 + b"0]", "400 unknown_field"),
        ("of 511 numbers", b"[" + b"1, " * 510 + b"1]", "400 unknown_field"),
        ("of texts", b'["a"]', "400 unknown_field"),
        ("of 100,000 numbers", b"[" + b"1, " * 99_999 + b"1]", "400 unknown_field"),
    )
)
"""Templates are made here, never sent: the field is unknown."""

PARAMETERS = tuple(
    Value(51, name, sent, code, page)
    for name, sent, code, page in (
        ("limit 0", b"limit=0", "400 limit_invalid", 200),
        ("limit -1", b"limit=-1", "400 limit_invalid", 200),
        ("limit 1,000,000,000", b"limit=1000000000", "400 limit_invalid", 200),
        ("page of 31 digits", b"page=" + b"9" * 31, "400 unknown_parameter", 200),
        ("page of 5,000 digits", b"page=" + b"9" * 5000, "400 unknown_parameter", 200),
        ("ordering that is not known", b"order=secret", "400 unknown_parameter", 200),
        ("filter that is not known", b"colour=1", "400 unknown_parameter", 200),
        ("cursor that was changed", b"cursor=cD0x", "400 cursor_invalid", 200),
    )
)
"""Behind the list of galleries; pages show their first or last page instead."""

BODIES = tuple(
    Value(52, f"JSON {name}", sent, code)
    for name, sent, code in (
        ("of 100,000 levels", b"[" * 100_000, "400 malformed"),
        ("of 30 levels", deep(30), "400 malformed"),
        ("of 2 MB", b'{"name": "' + b"a" * 2_000_000 + b'"}', "413 body_too_large"),
        ("with a key twice", b'{"name": "a", "name": "b"}', "400 malformed"),
        ("in UTF-16", '{"name": "a"}'.encode("utf-16"), "400 malformed"),
        ("of broken UTF-8", b'{"name": "\xff"}', "400 malformed"),
        ("that is an array", b'["name"]', "400 malformed"),
        ("that is null", b"null", "400 malformed"),
        ("of no bytes", b"", "400 invalid"),
    )
)

TEXTS = tuple(
    Value(53, name, sent, "400 malformed")
    for name, sent in (
        ("NUL in JSON", b'{"name": "a\\u0000b"}'),
        ("half a surrogate pair in JSON", b'{"name": "\\ud800"}'),
        ("NUL deep in JSON", b'{"name": "a", "metadata": {"k": ["\\u0000"]}}'),
    )
)

FORMULAS = ("=HYPERLINK(1)", "+1", "-1", "@x")
LABELS = ("emoji \U0001f469\u200d\U0001f467", "\u05e9\u05dc\u05d5\u05dd", *FORMULAS)
"""Row 54: names that stay as they are."""
NO_LABELS = {
    "label of 300 characters": ("x" * 300, "max_length", "name_invalid"),
    "label of white space": (" \u00a0\t ", "invalid", "no_identity_folder"),
    "label with a control character": ("A\x07nn", "name_invalid", "name_invalid"),
}
"""Row 54: names that are refused, with the codes of the API and of an import."""
