"""Headers of forms become UTF-8, wherever the stream happens to be cut; content never changes."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceplatform.core.multipart import ReadableHeaders

BOUNDARY = b"a-boundary"
CONTENT = b"\xff\xd8\xff\r\n\r\n--a-bound \xfe" * 40


def form(name: bytes, content: bytes = CONTENT) -> bytes:
    head = b'Content-Disposition: form-data; name="photo"; filename="' + name + b'"'
    part = b"--a-boundary\r\n" + head + b"\r\n\r\n" + content + b"\r\n"
    return part * 2 + b"--a-boundary--\r\n"


def read(body: bytes, size: int) -> bytes:
    stream = ReadableHeaders(io.BytesIO(body), BOUNDARY)
    pieces = list(iter(lambda: stream.read(size), b""))
    assert all(0 < len(piece) <= size for piece in pieces)
    return b"".join(pieces)


@given(size=st.integers(1, 2000))
def test_names_are_repaired_and_content_is_not(size: int) -> None:
    assert read(form(b"pho\xff\xfeto.jpg"), size) == form("pho\ufffd\ufffdto.jpg".encode())


@given(size=st.integers(1, 300), name=st.text(max_size=50), content=st.binary(max_size=400))
def test_a_sound_form_stays_as_it_is(size: int, name: str, content: bytes) -> None:
    body = form(name.encode().replace(b"\r", b""), content)
    assert read(body, size) == body


@given(body=st.binary(max_size=300), size=st.integers(1, 50))
def test_nothing_is_lost_of_what_is_no_form(body: bytes, size: int) -> None:
    assert read(body, size) == body


@pytest.mark.parametrize("length", [5_000, 100_000])
def test_an_endless_header_is_not_waited_for(length: int) -> None:
    body = b"--a-boundary\r\n" + b"\xff" * length
    assert read(body, 1000) == body


def test_everything_at_once() -> None:
    stream = ReadableHeaders(io.BytesIO(form(b"\xff")), BOUNDARY)
    assert stream.read() == form("\ufffd".encode())
    assert stream.read() == b""
