"""A CSV that describes people of an import: judged as a whole before anything is written.

A line belongs to the folder of its name. Columns: `name`, `external_id`, `tags` (separated by `;`
or `|`), `notes`, `retain_until`, `consent_purpose`, `consent_given_on`, `consent_expires_on`,
`consent_evidence`, `consent_text`, and `metadata.KEY` for anything else. Days are YYYY-MM-DD.
"""

import csv
import datetime as dt
import io
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from django.utils import timezone

from faceplatform.core.errors import DomainError, FieldError, Unprocessable
from recognition.services.identities import MAX_NAME, clean_external_id, clean_tags
from recognition.services.names import clean_name

MAX_BYTES = 20 * 1024 * 1024
MAX_LINES = 200_000
MOST_ERRORS = 50
MAX_TEXT = 10_000
METADATA = "metadata."
CONSENT = "consent_"
_DAYS = ("retain_until", "consent_given_on", "consent_expires_on")
COLUMNS = (
    "name",
    "external_id",
    "tags",
    "notes",
    "retain_until",
    "consent_purpose",
    "consent_given_on",
    "consent_expires_on",
    "consent_evidence",
    "consent_text",
)


@dataclass(frozen=True, slots=True)
class PersonLine:
    """One line: what it says about a person, empty where it says nothing; days as YYYY-MM-DD."""

    line: int
    name: str
    external_id: str = ""
    tags: list[str] = field(default_factory=list)
    notes: str = ""
    retain_until: str = ""
    metadata: dict[str, str] = field(default_factory=dict)
    consent: dict[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return the form that an import keeps until it is applied."""
        return asdict(self)

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Self:
        """Return the line that `as_json` described."""
        return cls(**record)


def read_people_csv(data: bytes) -> list[PersonLine]:
    """Return the lines of a CSV, in UTF-8 with `,` or `;` between cells.

    Raises DomainError `people_csv_invalid` with one error per wrong cell, at most 50 of them; the
    field says which line.
    """
    if len(data) > MAX_BYTES:
        raise DomainError("people_csv_too_large", "A CSV of people has at most 20 MB.", status=413)
    try:
        text = data.decode("utf-8-sig")
        rows = list(_rows(text))
    except UnicodeDecodeError as error:
        raise Unprocessable("people_csv_invalid", "The CSV is not in UTF-8.") from error
    except csv.Error as error:
        raise Unprocessable("people_csv_invalid", f"The CSV cannot be read: {error}.") from error
    if not rows:
        raise Unprocessable("people_csv_invalid", "The CSV is empty.")
    if len(rows) > MAX_LINES:
        raise Unprocessable("people_csv_invalid", f"A CSV has at most {MAX_LINES:,} lines.")
    (_, head), *body = rows
    columns = _columns(head)
    errors: list[FieldError] = []
    lines = []
    for number, cells in body:
        try:
            lines.append(_line(number, columns, cells))
        except DomainError as error:
            errors.append(FieldError(f"line {number}", error.code, error.detail))
    errors += _repeated(lines)
    if errors:
        raise Unprocessable(
            "people_csv_invalid",
            f"{len(errors):,} {'line' if len(errors) == 1 else 'lines'} of the CSV cannot be used.",
            tuple(errors[:MOST_ERRORS]),
        )
    return lines


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the lines that hold anything, with their numbers in the file."""
    head = text.split("\n", 1)[0]
    delimiter = ";" if head.count(";") > head.count(",") else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    for cells in reader:
        if any(cell.strip() for cell in cells):
            yield reader.line_num, [cell.strip() for cell in cells]


def _columns(head: list[str]) -> list[str]:
    names = [name if name.startswith(METADATA) else name.lower() for name in head]
    unknown = [n for n in names if n not in COLUMNS and not (n.startswith(METADATA) and n[9:])]
    if "name" not in names or unknown or len(set(names)) < len(names):
        wrong = f"unknown: {', '.join(unknown)[:200]}" if unknown else "each once, one is `name`"
        known = ", ".join(COLUMNS)
        raise Unprocessable(
            "people_csv_invalid",
            f"The first line names the columns ({wrong}). Known: {known}, and {METADATA}KEY.",
        )
    return names


def _line(number: int, columns: list[str], cells: list[str]) -> PersonLine:
    """Judge one line. Raises DomainError for the first thing that is wrong with it."""
    if len(cells) > len(columns):
        raise DomainError("too_many_cells", f"There are {len(columns)} columns.")
    given = {name: cell for name, cell in zip(columns, cells, strict=False) if cell}
    if any(len(cell) > MAX_TEXT or "\0" in cell for cell in given.values()):
        raise DomainError("cell_invalid", f"A cell has at most {MAX_TEXT:,} characters.")
    for name in _DAYS:
        _check_day(name, given.get(name, ""))
    consent = {n.removeprefix(CONSENT): v for n, v in given.items() if n.startswith(CONSENT)}
    _check_consent(consent)
    return PersonLine(
        line=number,
        name=clean_name(given.get("name", ""), limit=MAX_NAME),
        external_id=clean_external_id(given.get("external_id", "")),
        tags=clean_tags(re.split(r"[;|]", given.get("tags", ""))),
        notes=given.get("notes", ""),
        retain_until=given.get("retain_until", ""),
        metadata={n.removeprefix(METADATA): v for n, v in given.items() if n.startswith(METADATA)},
        consent=consent,
    )


def _check_day(name: str, text: str) -> None:
    if not text:
        return
    try:
        dt.date.fromisoformat(text)
    except ValueError:
        raise DomainError("day_invalid", f"{name} is not a day like 2026-01-31.") from None


def _check_consent(consent: dict[str, str]) -> None:
    """A consent has a purpose and a day, and does not end before it begins."""
    if not consent:
        return
    if not consent.get("purpose") or not consent.get("given_on"):
        raise DomainError(
            "consent_invalid", "A consent needs consent_purpose and consent_given_on."
        )
    given = dt.date.fromisoformat(consent["given_on"])
    if given > timezone.now().date() + dt.timedelta(days=1):
        raise DomainError("consent_invalid", "A consent cannot be given in the future.")
    if consent.get("expires_on") and dt.date.fromisoformat(consent["expires_on"]) < given:
        raise DomainError("consent_invalid", "The consent would expire before it was given.")


def _repeated(lines: list[PersonLine]) -> list[FieldError]:
    """Say which lines repeat a name or an external id of a line before."""
    errors = []
    for what, code in (("name", "name_repeated"), ("external_id", "external_id_repeated")):
        seen: dict[str, int] = {}
        for line in lines:
            value = getattr(line, what)
            if value and value in seen:
                detail = f"Line {seen[value]} has the same {what.replace('_', ' ')}."
                errors.append(FieldError(f"line {line.line}", code, detail))
            elif value:
                seen[value] = line.line
    return errors
