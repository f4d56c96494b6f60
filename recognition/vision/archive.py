"""Reading zip archives that may be hostile, by position: no state, no names on the disk.

The layout follows PKWARE's APPNOTE.TXT 6.3: local headers with the packed bytes, the directory, and
the end record, with its ZIP64 form in front of it. Only the directory is believed; every size in it
is a promise that reading checks.
"""

import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from recognition.vision.errors import (
    ArchiveCorrupt,
    ArchiveEncrypted,
    ArchiveEntries,
    ArchiveMethod,
    ArchiveUnsupported,
)

ReadAt = Callable[[int, int], bytes]
"""Bytes at an offset: (offset, size), fewer where the file ends."""

MAX_NAME = 2_000
"""Characters of a name that are kept."""
STORED, DEFLATED = 0, 8

_END = struct.Struct("<4s4H2IH")
_END64_PLACE = struct.Struct("<4sIQI")
_END64 = struct.Struct("<4sQ2H2I4Q")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_LOCAL = struct.Struct("<4s5H3I2H")
LOCAL_HEADER = _LOCAL.size
"""Bytes in front of an entry's name and data; names and extra fields make it longer."""
_MOST_COMMENT = 65_535
_ENCRYPTED, _UTF8 = 0x1, 0x800
_IN_EXTRA = 0xFFFF_FFFF
_OTHER_ARCHIVES = (b"\x1f\x8b", b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07", b"BZh", b"\xfd7zXZ\0")


@dataclass(frozen=True, slots=True)
class ArchiveEntry:
    """One file of an archive as its directory describes it.

    `name` has at most MAX_NAME characters, undecodable ones replaced. `offset` is the place of the
    local header in the file, `packed` and `size` are bytes before and after unpacking, `mode` the
    Unix file mode or 0.
    """

    name: str
    offset: int
    packed: int
    size: int
    crc: int
    method: int
    encrypted: bool
    mode: int


def read_directory(read_at: ReadAt, size: int, *, max_entries: int) -> list[ArchiveEntry]:
    """Return the files of a zip of `size` bytes in the directory's order, folders left out.

    Raises ArchiveUnsupported for another kind of archive, ArchiveCorrupt, and ArchiveEntries for
    more than `max_entries` files and folders.
    """
    start, length, shift = _find_directory(read_at, size)
    found = []
    position, end = start, start + length
    count = 0
    while position < end:
        entry, position = _central(read_at, position, end, shift)
        count += 1
        if count > max_entries:
            raise ArchiveEntries(f"The archive has more than {max_entries:,} files.")
        if entry is None:
            continue
        if entry.offset + _LOCAL.size + entry.packed > size:
            raise ArchiveCorrupt("The archive ends before its entries do.")
        found.append(entry)
    return found


def read_entry(read_at: ReadAt, entry: ArchiveEntry) -> bytes:
    """Return an entry's bytes, at most as many as it declares.

    Raises ArchiveCorrupt, ArchiveEncrypted or ArchiveMethod.
    """
    if entry.encrypted:
        raise ArchiveEncrypted("The entry is protected by a password.")
    if entry.method not in (STORED, DEFLATED):
        raise ArchiveMethod("The entry is packed in a way not known.")
    if entry.packed > 2 * entry.size + 65_536:
        raise ArchiveCorrupt("The entry is larger packed than unpacked.")
    header = read_at(entry.offset, _LOCAL.size)
    if len(header) < _LOCAL.size or not header.startswith(b"PK\x03\x04"):
        raise ArchiveCorrupt("The entry is not where the directory says.")
    name_length, extra_length = _LOCAL.unpack(header)[-2:]
    packed = read_at(entry.offset + _LOCAL.size + name_length + extra_length, entry.packed)
    data = packed if entry.method == STORED else _inflated(packed, entry.size)
    if len(packed) != entry.packed or len(data) != entry.size or zlib.crc32(data) != entry.crc:
        raise ArchiveCorrupt("The entry is damaged.")
    return data


def _inflated(packed: bytes, size: int) -> bytes:
    """Inflate, and stop one byte above the declared size."""
    try:
        return zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, size + 1)
    except zlib.error as error:
        raise ArchiveCorrupt("The entry is damaged.") from error


def _find_directory(read_at: ReadAt, size: int) -> tuple[int, int, int]:
    """Return where the directory starts, its length, and how far all offsets are shifted.

    They are shifted where something was put in front of the archive.
    """
    tail_start = max(0, size - _END.size - _MOST_COMMENT)
    tail = read_at(tail_start, size - tail_start)
    at = tail.rfind(b"PK\x05\x06", 0, max(0, len(tail) - _END.size + 4))
    if at < 0:
        raise _no_zip(read_at(0, 512))
    place = tail_start + at
    _, disk, first_disk, _, _, length, offset, _ = _END.unpack_from(tail, at)
    record_64 = _end_64(read_at, place)
    if record_64 is not None:
        place, length, offset = record_64
    elif disk or first_disk:
        raise ArchiveCorrupt("The archive is one part of several.")
    start = place - length
    shift = start - offset
    if start < 0 or shift < 0:
        raise ArchiveCorrupt("The archive's directory is not where it should be.")
    return start, length, shift


def _end_64(read_at: ReadAt, place: int) -> tuple[int, int, int] | None:
    """Return place of the ZIP64 end record, length and offset of the directory, if there is one.

    It must lie directly before its locator and where the locator says, so that no two readers can
    see two different archives (CVE-2025-8291).
    """
    start = place - _END64_PLACE.size - _END64.size
    if start < 0:
        return None
    both = read_at(start, _END64.size + _END64_PLACE.size)
    if both[_END64.size : _END64.size + 4] != b"PK\x06\x07":
        return None
    _, _, told, _ = _END64_PLACE.unpack_from(both, _END64.size)
    signature, _, _, _, _, _, _, _, length, offset = _END64.unpack_from(both)
    if signature != b"PK\x06\x06" or told + (start - length - offset) != start:
        raise ArchiveCorrupt("The archive's end record is not where it should be.")
    return start, length, offset


def _no_zip(head: bytes) -> Exception:
    if head.startswith(_OTHER_ARCHIVES) or head[257:262] == b"ustar":
        return ArchiveUnsupported("Not a zip; other kinds of archives are not opened.")
    return ArchiveCorrupt("The file is not a complete zip.")


def _central(
    read_at: ReadAt, position: int, end: int, shift: int
) -> tuple[ArchiveEntry | None, int]:
    """Return the entry at a place of the directory, None for a folder, and the next place."""
    header = read_at(position, _CENTRAL.size)
    if len(header) < _CENTRAL.size or not header.startswith(b"PK\x01\x02"):
        raise ArchiveCorrupt("The archive's directory is damaged.")
    fields = _CENTRAL.unpack(header)
    _, _, _, flags, method, _, _, crc, packed, size, name_length, extra_length, comment = fields[
        :13
    ]
    mode, offset = fields[15] >> 16, fields[16]
    following = position + _CENTRAL.size + name_length + extra_length + comment
    variable = read_at(position + _CENTRAL.size, name_length + extra_length)
    if following > end or len(variable) < name_length + extra_length:
        raise ArchiveCorrupt("The archive's directory is damaged.")
    size, packed, offset = _with_extra(variable[name_length:], size, packed, offset)
    name = _decoded(variable[:name_length], utf8=bool(flags & _UTF8))
    if name.endswith("/"):
        return None, following
    entry = ArchiveEntry(
        name=name[:MAX_NAME],
        offset=offset + shift,
        packed=packed,
        size=size,
        crc=crc,
        method=method,
        encrypted=bool(flags & _ENCRYPTED),
        mode=mode,
    )
    return entry, following


def _with_extra(extra: bytes, size: int, packed: int, offset: int) -> tuple[int, int, int]:
    """Return size, packed size and offset, those of all ones taken from the ZIP64 field."""
    values = [size, packed, offset]
    if _IN_EXTRA not in values:
        return size, packed, offset
    wide = next((content for kind, content in _extra_fields(extra) if kind == 1), b"")
    taken = 0
    for place, value in enumerate(values):
        if value == _IN_EXTRA:
            if taken + 8 > len(wide):
                raise ArchiveCorrupt("The archive's directory is damaged.")
            values[place] = int.from_bytes(wide[taken : taken + 8], "little")
            taken += 8
    return values[0], values[1], values[2]


def _extra_fields(extra: bytes) -> Iterator[tuple[int, bytes]]:
    position = 0
    while position + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, position)
        yield kind, extra[position + 4 : position + 4 + length]
        position += 4 + length


def _decoded(name: bytes, *, utf8: bool) -> str:
    """Return a name as text: UTF-8 if it says so or reads as such, else the format's cp437.

    Some systems write UTF-8 without the flag; a cp437 name is hardly ever valid UTF-8.
    """
    try:
        return name.decode("utf-8")
    except UnicodeDecodeError:
        return name.decode("utf-8", "replace") if utf8 else name.decode("cp437")
