"""Where an import's images come from: a folder, or a zip that may be hostile.

The layout is one folder per person: the folder that directly holds an image names the identity,
whatever lies above it. A prefix `pins_` is dropped.
"""

import os
import shutil
import stat
import unicodedata
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Protocol

from django.conf import settings

from faceplatform.core.errors import DomainError, Unprocessable
from recognition.refusals import refusals
from recognition.vision import sandbox
from recognition.vision.archive import DEFLATED, LOCAL_HEADER, STORED, ArchiveEntry
from recognition.vision.errors import ArchiveError, DecoderCrashed

PREFIX = "pins_"
MAX_NAME = 1024
MAX_IMAGE_BYTES = 20 * 1024 * 1024
MAX_RATIO = 100
_IGNORED = frozenset({"__MACOSX", ".DS_Store", "Thumbs.db", "desktop.ini"})
_ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".7z", ".rar", ".bz2", ".xz")
_TEXTS = (".txt", ".csv", ".json", ".md", ".xml", ".html", ".mat", ".ini")


class EntryRefused(Exception):
    """One entry cannot be used; `code` goes to its result line."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of an import.

    `path` is unique in the source, for which a repeated name gets a number; `name` is the path
    without it. `identity_name` is empty where no folder names one, `refusal` set where the entry
    must not be read.
    """

    number: int
    path: str
    name: str
    identity_name: str
    refusal: EntryRefused | None = None


class Source(Protocol):
    """Entries in a fixed order, and their bytes."""

    def entries(self) -> list[Entry]:
        """Return all entries that look like images or must be reported."""

    def read(self, entry: Entry) -> bytes:
        """Return the bytes. Raises EntryRefused."""

    def close(self) -> None:
        """Let go of open files."""


class FolderSource:
    """A folder of the machine, as the operator named it on the command line.

    Links that lead out of the folder are refused; hidden files are left out.
    """

    def __init__(self, folder: Path) -> None:
        self._root = folder.resolve()
        if not self._root.is_dir():
            raise DomainError("folder_missing", f"There is no folder {folder}.")

    def entries(self) -> list[Entry]:
        """Return all files below the folder, by path."""
        files = sorted(
            path.relative_to(self._root).as_posix()
            for path in self._root.rglob("*")
            if path.is_file() and not _ignored(path.relative_to(self._root).as_posix())
        )
        return [
            Entry(number, path, path, identity_name_of(path))
            for number, path in enumerate(files, 1)
        ]

    def read(self, entry: Entry) -> bytes:
        """Return a file's bytes, at most the limit."""
        path = self._root / entry.path
        if not path.resolve().is_relative_to(self._root):
            raise EntryRefused("unsafe_entry", "The link leads out of the folder.")
        try:
            with path.open("rb") as handle:
                return _limited(handle)
        except OSError as error:
            raise EntryRefused(
                "unreadable", f"The file cannot be read: {error.strerror}."
            ) from error

    def close(self) -> None:
        """Nothing is held open."""


class ZipSource:
    """An uploaded zip: checked as a whole before anything is unpacked, read entry by entry.

    Its directory is read and its entries are unpacked in a process of their own; here are only the
    judgements. The handle may be closed once this object exists; `close` this object as well.
    """

    def __init__(self, handle: IO[bytes], *, size: int) -> None:
        self._descriptor = _descriptor_of(handle)
        try:
            with refusals():
                self._files = sandbox.archive_directory(
                    self._descriptor, max_entries=settings.MAX_ARCHIVE_ENTRIES
                )
            self._check(size)
        except DomainError:
            self.close()
            raise
        self._by_path: dict[str, ArchiveEntry] = {}

    def entries(self) -> list[Entry]:
        """Return all entries; the second one of a name gets a number."""
        found = []
        for number, file in enumerate(self._files, 1):
            name = unicodedata.normalize("NFC", file.name).replace(
                "\0", "\N{REPLACEMENT CHARACTER}"
            )
            if _ignored(name):
                continue
            path = name if name not in self._by_path else f"{name} ({number})"
            path = (
                path[:MAX_NAME] if len(path) <= MAX_NAME else f"{path[: MAX_NAME - 12]}… ({number})"
            )
            self._by_path[path] = file
            found.append(Entry(number, path, name, identity_name_of(name), _refusal(file, name)))
        if not found:
            raise Unprocessable("archive_empty", "There is no image in the archive.")
        return found

    def read(self, entry: Entry) -> bytes:
        """Return an entry's bytes; never more than it declared."""
        file = self._by_path[entry.path]
        if file.size > MAX_IMAGE_BYTES:
            raise EntryRefused("file_too_large", "An image has at most 20 MB.")
        try:
            return sandbox.archive_entry(self._descriptor, file)
        except (ArchiveError, DecoderCrashed) as error:
            raise EntryRefused(error.code, error.detail) from error

    def close(self) -> None:
        """Let go of the archive."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _check(self, size: int) -> None:
        """Refuse the archive as a whole, from its directory alone."""
        unpacked = sum(file.size for file in self._files)
        if unpacked > settings.MAX_ARCHIVE_UNPACKED_BYTES or unpacked > MAX_RATIO * max(size, 1):
            raise DomainError(
                "archive_ratio", "The archive would unpack to far more than it holds.", status=413
            )
        if any(file.encrypted for file in self._files):
            raise Unprocessable("archive_encrypted", "The archive is protected by a password.")
        if any(file.method not in (STORED, DEFLATED) for file in self._files):
            raise Unprocessable("archive_method", "The archive is packed in a way not known.")
        self._check_overlap()

    def _check_overlap(self) -> None:
        """Refuse entries that share bytes: one small block must not unpack many times."""
        end = 0
        for file in sorted(self._files, key=lambda file: file.offset):
            if file.offset < end:
                raise Unprocessable("archive_overlap", "Entries of the archive overlap.")
            end = file.offset + LOCAL_HEADER + file.packed


def _descriptor_of(handle: IO[bytes]) -> int:
    """Return a descriptor of an open file's bytes, in memory where it has none of its own."""
    try:
        return os.dup(handle.fileno())
    except (OSError, AttributeError):
        descriptor = os.memfd_create("archive")
    with os.fdopen(descriptor, "wb", closefd=False) as copy:
        shutil.copyfileobj(handle, copy)
    return descriptor


def identity_name_of(path: str) -> str:
    """Return the name of the folder that holds the file, without `pins_`; empty at the top."""
    parent = PurePosixPath(path).parent.name
    return parent.removeprefix(PREFIX).strip()


def _ignored(path: str) -> bool:
    """Whether the file is clutter: hidden, made by a desktop, or a text beside the photos."""
    parts = PurePosixPath(path).parts
    hidden = any(part in _IGNORED or _is_hidden(part) for part in parts)
    return not parts or hidden or parts[-1].lower().endswith(_TEXTS)


def _is_hidden(part: str) -> bool:
    return part.startswith(".") and part != ".."


def _refusal(file: ArchiveEntry, name: str) -> EntryRefused | None:
    """Return why an entry must not be read, judged by its name and mode."""
    if file.mode and stat.S_IFMT(file.mode) not in (0, stat.S_IFREG):
        return EntryRefused("unsafe_entry", "The entry is a link or a device.")
    raw = file.name
    parts = PurePosixPath(name).parts
    drive = len(name) > 1 and name[1] == ":"
    if name.startswith("/") or "\\" in raw or "\0" in raw or drive or ".." in parts:
        return EntryRefused("unsafe_path", "The entry's path leads out of the archive.")
    if len(name) > MAX_NAME:
        return EntryRefused("name_too_long", f"A path has at most {MAX_NAME} characters.")
    if name.lower().endswith(_ARCHIVES):
        return EntryRefused("nested_archive", "Archives inside an archive are not opened.")
    return None


def _limited(handle: IO[bytes]) -> bytes:
    data = handle.read(MAX_IMAGE_BYTES + 1)
    if len(data) > MAX_IMAGE_BYTES:
        raise EntryRefused("file_too_large", "An image has at most 20 MB.")
    return data
