"""Zips that are broken or hostile, made in memory. Rows 31 to 39 of the table."""

import gzip
import io
import stat
import struct
import tarfile
import warnings
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.bad_inputs.pictures import jpeg, random_bytes


@dataclass(frozen=True, slots=True)
class Archive:
    """One upload: the code of the whole, or, where it is taken, the codes of its items by path.

    `items` has an empty code for an image that is enrolled.
    """

    row: int
    name: str
    make: Callable[[], bytes]
    code: str = ""
    items: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.row}-{self.name}"


GOOD = "good/1.jpg"
Part = tuple[str | zipfile.ZipInfo, bytes]


def good(number: int = 0) -> bytes:
    """A photo like no other."""
    return jpeg(comment=f"number {number}".encode())


def packed(*parts: Part, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip of these files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # two entries of one name are meant
        for name, content in parts:
            archive.writestr(name, content)
    return buffer.getvalue()


def beside_good(name: str, content: bytes | None = None) -> Callable[[], bytes]:
    """A zip of one strange entry and one good photo."""
    return lambda: packed((name, good(1) if content is None else content), (GOOD, good()))


def with_mode(name: str, mode: int) -> bytes:
    entry = zipfile.ZipInfo(name)
    entry.external_attr = mode << 16
    return packed((entry, b"/etc/passwd"), (GOOD, good()))


def changed(data: bytes, *changes: tuple[int, str, int], entry: int = 0) -> bytes:
    """Write numbers into the n-th entry of a zip's directory: (offset, format, value)."""
    place = -1
    for _ in range(entry + 1):
        place = data.index(b"PK\x01\x02", place + 1)
    out = bytearray(data)
    for offset, form, value in changes:
        struct.pack_into(form, out, place + offset, value)
    return bytes(out)


def renamed(old: bytes, new: bytes, *, flag: int = 0) -> bytes:
    """A zip whose first name is replaced by bytes of the same length."""
    data = packed((old.decode(), good(1)), (GOOD, good())).replace(old, new)
    return changed(data, (8, "<H", flag))


def damaged_entry() -> bytes:
    data = bytearray(packed(("bad/1.jpg", good(1)), (GOOD, good()), method=zipfile.ZIP_STORED))
    data[200] ^= 0xFF
    return bytes(data)


def overlapping() -> bytes:
    """Two names for one block."""
    data = packed(*((f"a/{n}.jpg", random_bytes(20_000)) for n in range(2)))
    return changed(data, (42, "<I", 0), entry=1)


def forty_two() -> bytes:
    """Zips in zips in zips."""
    inner = packed(("a/1.jpg", bytes(1000)))
    for _ in range(3):
        inner = packed(*((f"a/{n}.zip", inner + bytes([n])) for n in range(4)))
    return inner


def tar() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        entry = tarfile.TarInfo("good/1.jpg")
        entry.size = len(good())
        archive.addfile(entry, io.BytesIO(good()))
    return buffer.getvalue()


def empty_entries(count: int) -> bytes:
    return packed(*((f"a/{n}.jpg", b"") for n in range(count)), method=zipfile.ZIP_STORED)


_LONG = "a/" + "x" * 60_000 + ".jpg"
_LINK, _DEVICE, _PIPE = stat.S_IFLNK | 0o777, stat.S_IFCHR | 0o600, stat.S_IFIFO | 0o600
_UTF8 = 0x800


def _strange(row: int, name: str, make: Callable[[], bytes], path: str, code: str) -> Archive:
    """An archive with one strange entry; the good photo beside it is enrolled."""
    return Archive(row, name, make, items={path: code, GOOD: ""})


def _path(name: str) -> Archive:
    return _strange(31, f"path {name}", beside_good(name), name, "unsafe_path")


ARCHIVES: tuple[Archive, ...] = (
    _path("../../out/1.jpg"),
    _path("/etc/1.jpg"),
    _path("a\\..\\b/1.jpg"),
    _path("C:/b/1.jpg"),
    _strange(32, "symbolic link", lambda: with_mode("a/1.jpg", _LINK), "a/1.jpg", "unsafe_entry"),
    _strange(32, "device", lambda: with_mode("a/1.jpg", _DEVICE), "a/1.jpg", "unsafe_entry"),
    _strange(32, "pipe", lambda: with_mode("a/1.jpg", _PIPE), "a/1.jpg", "unsafe_entry"),
    Archive(
        33,
        "200 KB that unpack to 200 MB",
        lambda: packed(("a/1.jpg", bytes(200_000_000))),
        "archive_ratio",
    ),
    _strange(
        34,
        "entry that says it has 10 bytes",
        lambda: changed(beside_good("a/1.jpg")(), (24, "<I", 10)),
        "a/1.jpg",
        "archive_corrupt",
    ),
    Archive(35, "entries that share their bytes", overlapping, "archive_overlap"),
    _strange(36, "zip in a zip", beside_good("a/in.zip", packed()), "a/in.zip", "nested_archive"),
    Archive(
        36,
        "zips in zips in zips",
        forty_two,
        items={f"a/{n}.zip": "nested_archive" for n in range(4)},
    ),
    Archive(36, "tar", tar, "unsupported_media"),
    Archive(36, "tar.gz", lambda: gzip.compress(tar()), "unsupported_media"),
    Archive(36, "7z", lambda: b"7z\xbc\xaf\x27\x1c\0\4" + random_bytes(500), "unsupported_media"),
    Archive(36, "rar", lambda: b"Rar!\x1a\x07\x01\0" + random_bytes(500), "unsupported_media"),
    Archive(37, "100,000 empty entries", lambda: empty_entries(100_000), "archive_entries"),
    Archive(37, "0 entries", packed, "archive_empty"),
    Archive(
        37,
        "only what desktops leave behind",
        lambda: packed(("__MACOSX/a/._1.jpg", b"x"), ("a/.DS_Store", b"x"), ("Thumbs.db", b"x")),
        "archive_empty",
    ),
    Archive(
        37,
        "such files beside a photo",
        lambda: packed(("__MACOSX/good/._1.jpg", b"x"), (GOOD, good()), ("good/.DS_Store", b"x")),
        items={GOOD: ""},
    ),
    Archive(
        38, "password", lambda: changed(packed((GOOD, good())), (8, "<H", 1)), "archive_encrypted"
    ),
    Archive(
        38, "method 99", lambda: changed(packed((GOOD, good())), (10, "<H", 99)), "archive_method"
    ),
    _strange(38, "wrong checksum", damaged_entry, "bad/1.jpg", "archive_corrupt"),
    Archive(
        38,
        "half a file",
        lambda: packed((GOOD, good()))[: len(packed((GOOD, good()))) // 2],
        "archive_corrupt",
    ),
    Archive(38, "no zip at all", lambda: b"this is no zip", "archive_corrupt"),
    _strange(39, "name in cp437", lambda: renamed(b"Zo?/1.jpg", b"Zo\x89/1.jpg"), "Zoë/1.jpg", ""),
    _strange(
        39,
        "name of broken UTF-8",
        lambda: renamed(b"Zo?/1.jpg", b"Zo\xff/1.jpg", flag=_UTF8),
        "Zo\ufffd/1.jpg",
        "",
    ),
    _strange(
        39,
        "NUL in a name",
        lambda: renamed(b"Zo?/1.jpg", b"Zo\0/1.jpg"),
        "Zo\ufffd/1.jpg",
        "unsafe_path",
    ),
    Archive(
        39,
        "one name in two forms of Unicode",
        lambda: packed(("Zo\u00eb/1.jpg", good(1)), ("Zoe\u0308/1.jpg", good(2))),
        items={"Zoë/1.jpg": "", "Zoë/1.jpg (2)": ""},
    ),
    Archive(
        39,
        "one name twice",
        lambda: packed((GOOD, good(1)), (GOOD, good(2))),
        items={GOOD: "", f"{GOOD} (2)": ""},
    ),
    Archive(
        39,
        "name of 60,000 characters",
        beside_good(_LONG),
        items={f"{_LONG[:1012]}… (1)": "name_too_long", GOOD: ""},
    ),
)
