"""The files of videos: opening them for a child, and letting go of them."""

import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import IO

from django.db import transaction
from django.db.models import QuerySet

from faceplatform.core import storage
from faceplatform.core.errors import DomainError
from recognition.models import Video

_CHUNK = 256 * 1024
_RANGE = re.compile(r"bytes=(?P<first>\d{0,18})-(?P<last>\d{0,18})")


@contextmanager
def opened(key: str) -> Iterator[int]:
    """Give out a descriptor of a stored video; of a local copy where the storage is elsewhere.

    Raises DomainError `video_gone`.
    """
    try:
        handle = storage.open_video(key)
    except FileNotFoundError as error:
        raise DomainError("video_gone", "The video is no longer there.", status=404) from error
    with handle:
        descriptor = getattr(handle, "fileno", None)
        try:
            number = descriptor() if descriptor else -1
        except OSError:
            number = -1
        if number >= 0:
            yield number
            return
        with tempfile.TemporaryFile() as copy:
            shutil.copyfileobj(handle, copy)
            copy.flush()
            yield copy.fileno()


def release_files(videos: "QuerySet[Video]") -> None:
    """Delete the files of videos whose rows are being deleted, after the commit."""
    for files in videos.values_list("file", "proxy"):
        for key in filter(None, files):
            transaction.on_commit(partial(storage.delete_video, key))


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a stored video to send, with the status and headers that go with it."""

    status: int
    length: int
    content_range: str
    chunks: Iterator[bytes]


def ranged(key: str, asked: str) -> Part | None:
    """Return the part of a file that a `Range` header asks for, all of it without one.

    One range of bytes is understood (RFC 9110, 14.1.2); what starts behind the end answers 416, and
    whatever else cannot be read is ignored, as the standard allows. None where there is no file.
    """
    if not key:
        return None
    try:
        handle = storage.open_video(key)
    except FileNotFoundError:
        return None
    size = handle.seek(0, 2)
    found = _RANGE.fullmatch(asked.strip())
    start, end = _span(found, size) if found else (0, size - 1)
    if start >= size and size:
        handle.close()
        return Part(416, 0, f"bytes */{size}", iter(()))
    length = end - start + 1
    whole = found is None
    content_range = "" if whole else f"bytes {start}-{end}/{size}"
    return Part(200 if whole else 206, length, content_range, _chunks(handle, start, length))


def _span(found: "re.Match[str]", size: int) -> tuple[int, int]:
    first, last = found["first"], found["last"]
    if not first:
        return max(0, size - int(last or 0)), size - 1
    return int(first), min(int(last), size - 1) if last else size - 1


def _chunks(handle: IO[bytes], start: int, length: int) -> Iterator[bytes]:
    with handle:
        handle.seek(start)
        while length > 0 and (data := handle.read(min(_CHUNK, length))):
            length -= len(data)
            yield data
