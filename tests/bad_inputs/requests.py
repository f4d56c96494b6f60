"""Requests that are no proper form, or carry strange names: rows 1, 28, 29 and 30."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.bad_inputs.archives import good

BOUNDARY = "a-boundary"
FORM = f"multipart/form-data; boundary={BOUNDARY}"


@dataclass(frozen=True, slots=True)
class BadRequest:
    """One request: status and code of the API; pages show their form again, or an error page.

    `field` is the name that the address gives to its file. `length` replaces the true
    Content-Length; "" means that the body comes in chunks.
    """

    row: int
    name: str
    body: Callable[[str], bytes]
    status: int
    code: str
    content_type: str = FORM
    length: str | None = None

    def __str__(self) -> str:
        return f"{self.row}-{self.name}"


def part(field: str, content: bytes = b"1", *, filename: bytes | None = None) -> bytes:
    """One part of a form."""
    head = b'Content-Disposition: form-data; name="' + field.encode() + b'"'
    if filename is not None:
        head += b'; filename="' + filename + b'"\r\nContent-Type: image/jpeg'
    return b"--" + BOUNDARY.encode() + b"\r\n" + head + b"\r\n\r\n" + content + b"\r\n"


def form(*parts: bytes) -> bytes:
    return b"".join(parts) + b"--" + BOUNDARY.encode() + b"--\r\n"


def with_name(name: bytes) -> Callable[[str], bytes]:
    """A form with a good photo under this name."""
    return lambda field: form(part(field, good(), filename=name))


def sound(field: str) -> bytes:
    return with_name(b"photo.jpg")(field)


_MALFORMED = "malformed_multipart"

REQUESTS: tuple[BadRequest, ...] = (
    BadRequest(1, "form without a file", lambda field: form(), 400, "file_missing"),
    BadRequest(
        28, "more said than sent", lambda field: sound(field)[:-40], 400, _MALFORMED, length="9999"
    ),
    BadRequest(28, "less said than sent", sound, 400, _MALFORMED, length="300"),
    BadRequest(28, "length that is no number", sound, 400, "bad_length", length="12a"),
    BadRequest(28, "chunks without a length", sound, 411, "length_required", length=""),
    BadRequest(30, "form that breaks off", lambda field: sound(field)[:-40], 400, _MALFORMED),
    BadRequest(
        30, "form without a boundary", sound, 400, _MALFORMED, content_type="multipart/form-data"
    ),
    BadRequest(
        30,
        "2,000 fields",
        lambda field: form(*(part(f"f{n}") for n in range(2000)), sound(field)),
        400,
        "too_many_parts",
    ),
    BadRequest(
        30,
        "150 files",
        lambda field: form(*(part(field, b"x", filename=b"a.jpg") for n in range(150))),
        400,
        "too_many_parts",
    ),
    BadRequest(29, "name of 5,000 characters", with_name(b"n" * 5000), 400, _MALFORMED),
)

NAMES: dict[str, bytes] = {
    "name that climbs": b"../../etc/passwd",
    "name with a drive": b"C:\\x\\photo.jpg",
    "name with NUL": b"pho\0to.jpg",
    "name with a line break": b"pho%0D%0Ato.jpg",
    "name of 900 characters": b"n" * 896 + b".jpg",
    "name that turns the writing round": "pho\u202egpj.exe".encode(),
    "name with a script": b"<script>alert(1)</script>.jpg",
    "name that is not UTF-8": b"pho\xff\xfeto.jpg",
    "name of dots": b"..",
}
"""Row 29: names that are cleaned; the photo is taken."""
