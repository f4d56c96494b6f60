"""What lies in the storage: names, checksums, ages. Through Django's storage API alone."""

import datetime as dt
import hashlib
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

from django.core.files.storage import default_storage
from django.utils import timezone

CHUNK = 1 << 20
PARTIAL = ".part-"
_UUID = r"(?P<organization>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
_PHOTO = re.compile(rf"{_UUID}/(?P<start>[0-9a-f]{{2}})/(?P<sha256>(?P=start)[0-9a-f]{{62}})")
_ARCHIVE = re.compile(rf"{_UUID}/archives/[0-9a-f]{{32}}\.zip")
_VIDEO = re.compile(rf"{_UUID}/videos/[0-9a-f]{{32}}")


@dataclass(frozen=True, slots=True)
class PhotoName:
    """What the name of a photo's file says."""

    organization_id: uuid.UUID
    sha256: str


@dataclass(frozen=True, slots=True)
class Content:
    """What a file holds: sha256 in hex and bytes."""

    sha256: str
    size: int


def photo_name(key: str) -> PhotoName | None:
    """Read the name of a photo's file; None if it is not one."""
    found = _PHOTO.fullmatch(key)
    return PhotoName(uuid.UUID(found["organization"]), found["sha256"]) if found else None


def is_archive(key: str) -> bool:
    """Whether this is the name of an uploaded archive."""
    return _ARCHIVE.fullmatch(key) is not None


def is_video(key: str) -> bool:
    """Whether this is the name of a video or of its copy for players."""
    return _VIDEO.fullmatch(key) is not None


def is_left_behind(key: str) -> bool:
    """Whether a file of this name that nobody needs was left by an upload."""
    return is_archive(key) or is_video(key)


def is_stored_name(key: str) -> bool:
    """Whether the platform itself gives files such a name."""
    return photo_name(key) is not None or is_left_behind(key)


def content_of(key: str) -> Content | None:
    """Read a file from beginning to end; None if there is none."""
    digest, size = hashlib.sha256(), 0
    try:
        with default_storage.open(key) as handle:
            for chunk in handle.chunks(CHUNK):
                digest.update(chunk)
                size += len(chunk)
    except FileNotFoundError:
        return None
    return Content(digest.hexdigest(), size)


def age_of(key: str) -> dt.timedelta | None:
    """Return how long ago a file was written; None if there is none."""
    try:
        return timezone.now() - default_storage.get_modified_time(key)
    except FileNotFoundError:
        return None


def walk(folder: str = "") -> Iterator[tuple[str, list[str]]]:
    """Yield every folder with the names of its files; holds one folder at a time."""
    try:
        folders, names = default_storage.listdir(folder)
    except FileNotFoundError:
        return
    if names:
        yield folder, sorted(names)
    for name in sorted(folders):
        yield from walk(f"{folder}/{name}" if folder else name)


def is_empty() -> bool:
    """Whether the storage holds no file."""
    return next(walk(), None) is None
