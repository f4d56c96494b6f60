"""A file that is given away while it is written, for streams of bounded memory."""

import io

from typing_extensions import Buffer


class Sink(io.RawIOBase):
    """Keeps what was written until it is taken; its position counts all that was written."""

    def __init__(self) -> None:
        super().__init__()
        self._waiting = bytearray()
        self._written = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Buffer, /) -> int:
        part = bytes(data)
        self._waiting += part
        self._written += len(part)
        return len(part)

    def tell(self) -> int:
        return self._written

    def taken(self) -> bytes:
        """Return what was written since the last call."""
        part = bytes(self._waiting)
        self._waiting.clear()
        return part
