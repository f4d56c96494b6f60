"""Reading bodies: what is unclear is refused, never guessed.

Python's JSON reader takes the last of two equal keys, NaN and any depth; Django's multipart reader
takes a body that breaks off and drops parts that it does not understand.
"""

import json
import math
from collections.abc import Mapping
from typing import IO, Any, NoReturn

from django.conf import settings
from django.http import HttpRequest, QueryDict
from django.http.multipartparser import MultiPartParser as DjangoMultiPartParser
from django.http.multipartparser import MultiPartParserError
from django.utils.datastructures import MultiValueDict
from rest_framework import exceptions
from rest_framework.parsers import BaseParser, DataAndFiles

from faceplatform.core.errors import DomainError
from faceplatform.core.multipart import ReadableHeaders

MAX_DEPTH = 20


class StrictJsonParser(BaseParser):
    """One JSON object in UTF-8 of at most DATA_UPLOAD_MAX_MEMORY_SIZE bytes."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Return the object. Raises ParseError 400 or DomainError 413."""
        most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        body = stream.read(most + 1)
        if len(body) > most:
            raise DomainError("body_too_large", f"JSON has at most {most:,} bytes.", status=413)
        try:
            value = json.loads(
                body.decode("utf-8"),
                object_pairs_hook=_object,
                parse_constant=_constant,
                parse_float=_float,
            )
        except RecursionError:
            raise exceptions.ParseError("The JSON is nested too deeply.") from None
        except ValueError as error:
            raise exceptions.ParseError(f"The body is not JSON: {error}") from error
        if not isinstance(value, dict):
            raise exceptions.ParseError("The body must be a JSON object.")
        _check(value, depth=1)
        return value


class StrictMultiPartParser(BaseParser):
    """multipart/form-data whose every part arrives, up to the closing boundary."""

    media_type = "multipart/form-data"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> "DataAndFiles[QueryDict, MultiValueDict[str, Any]]":
        """Return fields and files. Raises DomainError 400 `malformed_multipart`."""
        request: HttpRequest = (parser_context or {})["request"]._request
        meta = request.META | {"CONTENT_TYPE": media_type or ""}
        try:
            reader = _PartReader(meta, stream, request.upload_handlers, settings.DEFAULT_CHARSET)
            counted = reader.count_delimiters(stream)
            fields, files = reader.parse()
        except MultiPartParserError as error:
            raise _malformed(str(error)) from error
        parts = sum(len(v) for _, v in fields.lists()) + sum(len(v) for _, v in files.lists())
        if not counted.closed:
            raise _malformed("it breaks off before the closing boundary")
        if counted.found != parts + 1:
            raise _malformed("a part has no name, no readable header or an empty file name")
        return DataAndFiles(fields, files)


class _PartReader(DjangoMultiPartParser):
    """Django's reader, told to keep files whose name is nothing but dots."""

    _boundary: bytes

    def count_delimiters(self, stream: IO[Any]) -> "_CountingStream":
        """Read through a stream that counts boundaries from now on; return it."""
        counting = _CountingStream(stream, b"--" + self._boundary)
        self._input_data = ReadableHeaders(counting, self._boundary)
        return counting

    def sanitize_file_name(self, file_name: str) -> str | None:
        """Return the last part of the name without control characters, `unnamed` if none is left.

        Django drops such a file without a word.
        """
        if not file_name:
            return None
        return super().sanitize_file_name(file_name) or "unnamed"


class _CountingStream:
    """Passes a body on and notices boundaries: how many, and whether the last one closes."""

    def __init__(self, stream: IO[Any], delimiter: bytes) -> None:
        self._stream = stream
        self._delimiter = delimiter
        self._tail = b""
        self.found = 0
        self.closed = False

    def read(self, size: int = -1) -> bytes:
        """Read as the stream does."""
        data: bytes = self._stream.read(size)
        # Two more bytes than a delimiter: the hyphens that make it the closing one.
        window = self._tail + data
        keep = len(self._delimiter) + 1
        self.found += window.count(self._delimiter) - self._tail.count(self._delimiter)
        self.closed = self.closed or self._delimiter + b"--" in window
        self._tail = window[-keep:]
        return data


def _malformed(reason: str) -> DomainError:
    return DomainError("malformed_multipart", f"The form could not be read: {reason}.")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a key appears twice in one object")
    return value


def _constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("a number is too large")
    return value


def _check(value: Any, *, depth: int) -> None:
    """Refuse what no column takes: deep nesting, NUL and half of a surrogate pair."""
    if depth > MAX_DEPTH:
        raise exceptions.ParseError(f"The JSON is nested deeper than {MAX_DEPTH} levels.")
    if isinstance(value, dict):
        for key, item in value.items():
            _check(key, depth=depth)
            _check(item, depth=depth + 1)
    elif isinstance(value, list):
        for item in value:
            _check(item, depth=depth + 1)
    elif isinstance(value, str) and ("\0" in value or not _encodable(value)):
        raise exceptions.ParseError("A text holds a character that cannot be stored.")


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
