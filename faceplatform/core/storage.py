"""Files by content: stored once per organization under their sha256, whole or not at all."""

import hashlib
import os
import tempfile
import uuid
from pathlib import Path
from typing import IO, Any

from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage, default_storage


class AtomicFileSystemStorage(FileSystemStorage):
    """A folder in which a file is complete as soon as its name exists.

    Content goes to a temporary name, is synced to disk and renamed.
    """

    def _save(self, name: str, content: "File[Any]") -> str:
        target = Path(self.path(name))
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor, temporary = tempfile.mkstemp(prefix=".part-", dir=target.parent)
        try:
            with os.fdopen(descriptor, "wb") as handle:
                for chunk in content.chunks():
                    handle.write(chunk)
                handle.flush()
                os.fsync(handle.fileno())
            Path(temporary).replace(target)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        _sync_folder(target.parent)
        return name


def _sync_folder(folder: Path) -> None:
    """Make a rename in this folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def photo_key(organization_id: uuid.UUID, sha256: str) -> str:
    """Return the name of a photo's file in the storage."""
    return f"{organization_id}/{sha256[:2]}/{sha256}"


def put_photo(organization_id: uuid.UUID, data: bytes) -> str:
    """Store the bytes unless they are there already; return their sha256 in hex."""
    digest = hashlib.sha256(data).hexdigest()
    key = photo_key(organization_id, digest)
    if not default_storage.exists(key):
        default_storage.save(key, ContentFile(data))
    return digest


def open_photo(organization_id: uuid.UUID, sha256: str) -> bytes:
    """Return the bytes of a stored photo; FileNotFoundError if they are gone."""
    with default_storage.open(photo_key(organization_id, sha256)) as handle:
        return bytes(handle.read())


def delete_photo(organization_id: uuid.UUID, sha256: str) -> None:
    """Remove a photo's file; call it after the commit that removed its row."""
    default_storage.delete(photo_key(organization_id, sha256))


def put_archive(organization_id: uuid.UUID, content: "File[Any]") -> str:
    """Store an uploaded archive under a name of its own; return its key."""
    return default_storage.save(f"{organization_id}/archives/{uuid.uuid4().hex}.zip", content)


def open_archive(key: str) -> IO[bytes]:
    """Open a stored archive for reading."""
    return default_storage.open(key)


def delete_archive(key: str) -> None:
    """Remove a stored archive."""
    default_storage.delete(key)


def put_video(organization_id: uuid.UUID, content: "File[Any]") -> str:
    """Store a video under a name of its own; return its key."""
    return default_storage.save(f"{organization_id}/videos/{uuid.uuid4().hex}", content)


def open_video(key: str) -> IO[bytes]:
    """Open a stored video for reading; FileNotFoundError if it is gone."""
    return default_storage.open(key)


def delete_video(key: str) -> None:
    """Remove a stored video."""
    default_storage.delete(key)
