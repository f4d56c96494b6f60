"""The backup file: a plain tar with checksums, readable without this platform.

    database.dump            pg_dump's custom format
    files/<organization>/... the content files under their names in the storage
    erasures.jsonl           what was erased while the backup was made; see `ledger`
    SHA256SUMS               one line per member above, in their order, as sha256sum writes it
    manifest.json            written last; a file without it was never finished

Nothing here holds more than one block of one member in memory.
"""

import hashlib
import itertools
import json
import os
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, Protocol

from faceplatform.core.errors import DomainError
from recognition.services import stored_files

FORMAT = 1
DUMP = "database.dump"
ERASURES = "erasures.jsonl"
FILES = "files/"
_SUMS = "SHA256SUMS"
_MANIFEST = "manifest.json"
_SPOOL = 8 << 20
Seen = Callable[[int], None]


class Readable(Protocol):
    """Anything with `read`."""

    def read(self, size: int = ..., /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup is and what was not in order when it was made.

    `counts` has rows per kind and content files with their bytes. `migrations` are those applied
    to the database. `damaged` and `missing` name content files that were so before the backup,
    `erased_meanwhile` those that were erased between the snapshot and their turn.
    """

    format: int
    created: str
    version: str
    server_version: int
    migrations: list[str]
    counts: dict[str, int]
    missing: list[str]
    damaged: list[str]
    erased_meanwhile: list[str]
    sums_sha256: str


def damaged(what: str) -> DomainError:
    """Return the refusal of a file that cannot be trusted."""
    return DomainError("backup_damaged", f"The backup is damaged or incomplete: {what}.")


@contextmanager
def refusing_damage() -> Iterator[None]:
    """Turn what the tar's reader raises into `backup_damaged`."""
    try:
        yield
    except tarfile.TarError as error:
        raise damaged(str(error)) from error


class _Hashing:
    """Reads through and remembers checksum and length."""

    def __init__(self, stream: Readable, seen: Seen | None = None) -> None:
        self._stream = stream
        self._seen = seen
        self.digest = hashlib.sha256()
        self.size = 0

    def read(self, size: int = -1) -> bytes:
        block = self._stream.read(size)
        self.digest.update(block)
        self.size += len(block)
        if self._seen is not None:
            self._seen(len(block))
        return block

    def drain(self) -> str:
        """Read to the end and return the checksum."""
        while self.read(stored_files.CHUNK):
            pass
        return self.digest.hexdigest()


class BackupWriter:
    """Adds members one after the other; `finish` makes it a backup."""

    def __init__(self, tar: tarfile.TarFile, sums: IO[bytes]) -> None:
        self._tar = tar
        self._sums = sums

    def add(self, name: str, stream: Readable, size: int) -> str:
        """Add `size` bytes of the stream as a member and return their sha256."""
        digest = self._store(name, stream, size)
        self._sums.write(_line(digest, name))
        return digest

    def finish(self, **facts: Any) -> Manifest:
        """Write checksums and manifest; `facts` are the manifest's other fields."""
        size = self._sums.tell()
        self._sums.seek(0)
        sums_sha256 = self._store(_SUMS, self._sums, size)
        manifest = Manifest(format=FORMAT, sums_sha256=sums_sha256, **facts)
        record = asdict(manifest)
        text = json.dumps(record | {"seal": _seal(record)}, indent=1, sort_keys=True).encode()
        with tempfile.SpooledTemporaryFile(_SPOOL) as stream:
            stream.write(text)
            stream.seek(0)
            self._store(_MANIFEST, stream, len(text))
        return manifest

    def _store(self, name: str, stream: Readable, size: int) -> str:
        member = tarfile.TarInfo(name)
        member.size, member.mode, member.mtime = size, 0o600, int(time.time())
        hashing = _Hashing(stream)
        self._tar.addfile(member, hashing)
        return hashing.digest.hexdigest()


@contextmanager
def writing(path: Path) -> Iterator[BackupWriter]:
    """Write a backup under a temporary name; it gets its own when the block succeeds.

    Raises DomainError `backup_exists` where a file of that name is.
    """
    draft = path.with_name(f".{path.name}.part")
    if path.exists():
        raise DomainError("backup_exists", f"{path} exists already; choose another name.")
    try:
        handle = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as stream, tempfile.SpooledTemporaryFile(_SPOOL) as sums:
            with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as tar:
                yield BackupWriter(tar, sums)
            stream.flush()
            os.fsync(stream.fileno())
        draft.rename(path)
    finally:
        draft.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@dataclass(frozen=True, slots=True)
class Member:
    """One member while it is read: its name, its bytes and how many they are."""

    name: str
    stream: IO[bytes]
    size: int


class BackupReader:
    """A backup that was written before. `verify` comes first."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def members(self) -> Iterator[Member]:
        """Yield the members in their order; each stream is valid until the next one."""
        with tarfile.open(self.path, mode="r:") as tar:
            while (info := tar.next()) is not None:
                stream = tar.extractfile(info) if info.isreg() else None
                if stream is None:
                    raise damaged(f"{info.name!r} is not a file")
                yield Member(info.name, stream, info.size)
                # It would remember every member otherwise.
                tar.members.clear()  # type: ignore[attr-defined]

    def files(self) -> Iterator[Member]:
        """Yield the content files under their names in the storage."""
        for member in self.members():
            if member.name.startswith(FILES):
                yield Member(member.name.removeprefix(FILES), member.stream, member.size)

    def member(self, name: str) -> Iterator[Member]:
        """Yield the member of this name."""
        for member in self.members():
            if member.name == name:
                yield member
                return

    def verify(self, seen: Seen) -> Manifest:
        """Compare every byte with its checksum; `seen` is told of the bytes as they are read.

        Raises DomainError `backup_damaged`, `backup_unreadable` or `backup_format`.
        """
        try:
            with refusing_damage():
                return self._verify(seen)
        except OSError as error:
            raise DomainError(
                "backup_unreadable", f"{self.path} cannot be read: {error.strerror}"
            ) from error

    def _verify(self, seen: Seen) -> Manifest:
        manifest: Manifest | None = None
        sums_sha256 = ""
        with tempfile.SpooledTemporaryFile(_SPOOL) as computed:
            for member in self.members():
                if manifest is not None:
                    raise damaged("something follows its end")
                hashing = _Hashing(member.stream, seen)
                if member.name == _MANIFEST:
                    manifest = _parse(hashing.read())
                elif member.name == _SUMS:
                    computed.seek(0)
                    _compare(computed, hashing)
                    sums_sha256 = hashing.drain()
                else:
                    if sums_sha256 or not _known(member.name):
                        raise damaged(f"there is {member.name!r} in it")
                    computed.write(_line(hashing.drain(), member.name))
        if manifest is None:
            raise damaged("its end is missing")
        if manifest.sums_sha256 != sums_sha256:
            raise damaged("the list of checksums is not the one it was made with")
        return manifest


def _line(digest: str, name: str) -> bytes:
    return f"{digest}  {name}\n".encode()


def _known(name: str) -> bool:
    if name.startswith(FILES):
        return stored_files.is_stored_name(name.removeprefix(FILES))
    return name in {DUMP, ERASURES}


def _compare(computed: IO[bytes], stored: _Hashing) -> None:
    """Compare line by line, so that a damaged member can be named."""
    for ours, theirs in itertools.zip_longest(computed, _lines(stored), fillvalue=b""):
        if ours != theirs:
            name = (theirs or ours).decode(errors="replace").strip()[66:]
            raise damaged(f"{name or 'the list of checksums'} does not have its checksum")


def _lines(stream: Readable) -> Iterator[bytes]:
    rest = b""
    while block := stream.read(stored_files.CHUNK):
        *lines, rest = (rest + block).split(b"\n")
        yield from (line + b"\n" for line in lines)
    if rest:
        yield rest


def _seal(record: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()


def _parse(text: bytes) -> Manifest:
    try:
        record: dict[str, Any] = json.loads(text)
        seal = record.pop("seal")
        found = record["format"]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise damaged("its manifest cannot be read") from error
    if seal != _seal(record):
        raise damaged("its manifest was changed")
    if found != FORMAT:
        raise DomainError(
            "backup_format", f"This is a backup of format {found}; this version reads {FORMAT}."
        )
    return Manifest(**record)
