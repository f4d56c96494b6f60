"""Forms whose file names are in another encoding than UTF-8, as old systems send them.

Django reads a part's header as UTF-8 and drops the part, photo and all, if that fails. Here such
bytes become U+FFFD before Django sees them.
"""

from typing import Any, Protocol

from django.core.files.uploadhandler import FileUploadHandler
from django.http.multipartparser import MultiPartParser

_LONGEST_HEADER = 4096
"""Bytes of a header that are waited for; Django reads at most 1,024."""
_HEADER_END = b"\r\n\r\n"


class Readable(Protocol):
    """What a form is read from."""

    def read(self, size: int = -1, /) -> bytes:
        """Return up to `size` bytes."""
        ...


class ReadableHeaders:
    """Passes a form on, with the header of every part in UTF-8. The content stays as it is."""

    def __init__(self, stream: Readable, boundary: bytes) -> None:
        self._stream = stream
        self._delimiter = b"--" + boundary
        self._held = b""  # read, but not understood yet
        self._ready = b""
        self._in_header = False
        self._ended = False

    def read(self, size: int = -1) -> bytes:
        """Return up to `size` bytes, all that are left if it is negative; none at the end."""
        while not self._ended and (size < 0 or not self._ready):
            data: bytes = self._stream.read(size)
            self._ended = not data
            self._held += data
            self._ready += self._understood()
        size = len(self._ready) if size < 0 else size
        data, self._ready = self._ready[:size], self._ready[size:]
        return data

    def _understood(self) -> bytes:
        """Take from `_held` what can be passed on."""
        out = []
        while (taken := self._header() if self._in_header else self._content()) is not None:
            out.append(taken)
        if self._ended:
            out.append(self._held)
            self._held = b""
        return b"".join(out)

    def _header(self) -> bytes | None:
        """Take a part's header, None where more of it must be read."""
        end = self._held.find(_HEADER_END)
        if end < 0 and len(self._held) <= _LONGEST_HEADER:
            return None
        self._in_header = False
        if end < 0:
            return b""
        header = self._take(end)
        return header.decode("utf-8", "replace").encode()

    def _content(self) -> bytes | None:
        """Take what comes before the next header, None where nothing more is certain."""
        at = self._held.find(self._delimiter)
        if at >= 0:
            self._in_header = True
            return self._take(at + len(self._delimiter))
        return self._take(len(self._held) - len(self._delimiter) + 1) or None

    def _take(self, count: int) -> bytes:
        taken, self._held = self._held[: max(0, count)], self._held[max(0, count) :]
        return taken


class ReadableHeadersHandler(FileUploadHandler):
    """Puts `ReadableHeaders` under every form that pages read; stands first among the handlers."""

    def handle_raw_input(  # type: ignore[override]  # Django hands the boundary over in bytes
        self,
        input_data: Any,
        META: dict[str, Any],  # noqa: N803
        content_length: int,
        boundary: bytes,
        encoding: str | None = None,
    ) -> Any:
        """Return fields and files, or None where the headers are readable already."""
        if isinstance(input_data, ReadableHeaders):
            return None
        if self.request is None:
            return None
        handlers = [handler for handler in self.request.upload_handlers if handler is not self]
        readable: Any = ReadableHeaders(input_data, boundary)
        return MultiPartParser(META, readable, handlers, encoding).parse()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        """Leave the content to the next handler."""
        return raw_data

    def file_complete(self, file_size: int) -> None:
        """Leave the file to the next handler."""
